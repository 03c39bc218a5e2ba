"""Distortion against perception, decoders of the same bytes, complexity and studies, for the page."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from bench.codec import Image
from bench.report.crops import SIDE, Crops
from bench.report.data import ReportData
from bench.report.decoder_pairs import DecoderPair
from bench.report.measures import Measure
from bench.report.page.data import rounded
from bench.report.planes import Plane
from bench.report.reconstructions.decoded import lossless_bytes
from bench.report.study_results import StudyResults
from bench.report.tables.complexity import ComplexityTable


def perception_data(data: ReportData) -> dict[str, Any]:
    """One data set's planes, pairs and complexity; labels are replaced by positions in ``entries``."""
    position = {it.label: index for index, it in enumerate(data.entries)}
    crops = {(it.pair.first, it.pair.second): it for it in data.crops}
    return {
        "planes": [_plane(it, position) for it in data.planes],
        "pairs": [
            _pair(it, position) | {"crops": _crops(crops.get((it.first, it.second)), position)}
            for it in data.decoder_pairs
        ],
        "complexity": _complexity(data, position),
    }


def crop_bytes(perception: Mapping[str, Any]) -> int:
    """How much of the page the crops of :func:`perception_data` take."""
    rows = [row for pair in perception["pairs"] for row in pair["crops"]["rows"]]
    urls = [it for row in rows for it in (row["original"], *(cell["url"] for cell in row["cells"]))]
    return sum(len(it) for it in urls if it is not None)


def study_data(found: Sequence[StudyResults]) -> list[dict[str, Any]]:
    """Where the results of studies are, relative to the page."""
    return [{"title": it.title, "run": it.run, "page": it.page, "figures": it.figures} for it in found]


def _measure(measure: Measure) -> dict[str, Any]:
    return {
        "title": measure.title,
        "unit": measure.unit,
        "higher": measure.higher_is_better,
        "ideal": measure.ideal,
    }


def _plane(plane: Plane, position: Mapping[str, int]) -> dict[str, Any]:
    return {
        "rate": plane.rate,
        "x": _measure(plane.distortion),
        "y": _measure(plane.perception),
        "points": [[position[label], rounded(x), rounded(y)] for label, (x, y) in plane.points.items()],
    }


def _pair(pair: DecoderPair, position: Mapping[str, int]) -> dict[str, Any]:
    rows = []
    for difference in pair.differences:
        low, high = difference.ci95 or (None, None)
        rows.append(
            {
                "quality": difference.quality,
                "bpp": rounded(difference.bpp),
                "measure": _measure(difference.measure),
                "values": [rounded(difference.first), rounded(difference.second)],
                "interval": [rounded(low), rounded(high)],
                "better": {True: 1, False: 0, None: None}[difference.second_is_better],
            }
        )
    first, second = position[pair.first], position[pair.second]
    return {"first": first, "second": second, "rows": rows}


def _crops(crops: Crops | None, position: Mapping[str, int]) -> dict[str, Any]:
    if crops is None:
        return {"problem": "", "rows": []}
    rows = [
        {
            "image": row.image,
            "reason": row.reason,
            "original": _url(row.original),
            "cells": [
                {
                    "entry": position[it.label],
                    "bpp": rounded(it.bpp),
                    "values": [rounded(it.values[measure.name]) for measure in crops.measures],
                    "url": _url(it.pixels),
                    "problem": it.problem,
                }
                for it in row.crops
            ],
        }
        for row in crops.rows
    ]
    return {
        "problem": crops.problem,
        "side": SIDE,
        "measures": [_measure(it) for it in crops.measures],
        "rows": rows,
    }


def _url(pixels: Image | None) -> str | None:
    if pixels is None:
        return None
    data, suffix = lossless_bytes(pixels, effort=4)
    return f"data:image/{suffix[1:]};base64,{base64.b64encode(data).decode()}"


def _complexity(data: ReportData, position: Mapping[str, int]) -> dict[str, Any] | None:
    table = ComplexityTable().make(data)
    if table is None:
        return None
    at = [column.key for column in table.columns].index("label")
    return {
        "columns": [column.title for column in table.columns if column.key != "label"],
        "rows": [
            {"entry": position[str(row[at])], "cells": cells[:at] + cells[at + 1 :]}
            for row, cells in zip(table.rows, table.text(), strict=True)
        ],
        "notes": list(table.notes),
    }
