"""What the page shows of a board, as plain JSON values; labels are replaced by positions in ``entries``."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from bench.plotting.series_style import Look
from bench.rd import DB_METRICS, MIN_IMAGES, BdResult, Curve, bd_rate, to_db
from bench.report.board import Board
from bench.report.entry import Entry
from bench.report.page.colours import on_dark, on_light
from bench.report.tables import headline_metrics, lossless, metric_title, points, ranking
from bench.tables.table import Table
from bench.trials.plan import MetricPlan

if TYPE_CHECKING:
    import pandas as pd

MAX_FAILURES = 200
"""Groups of failures on the page; ``tables/failures.csv`` has every one."""
MAX_ERROR_TEXT = 600
MAX_EXAMPLES = 3


def board_data(board: Board) -> dict[str, Any]:
    """One data set's part of the page."""
    look = board.looks
    published = sorted({label for by_label in board.published.values() for label in by_label})
    labels = [it.label for it in board.entries] + published
    position = {label: index for index, label in enumerate(labels)}
    facts = _table_facts(board)
    entries = [_entry(it, look[it.label], facts.get(it.label, {})) for it in board.entries]
    entries += [_published_entry(label, look[label], board) for label in published]
    return {
        "dataset": board.dataset,
        "anchor": None if board.anchor is None else position[board.anchor],
        "images": board.n_images,
        "average": board.average,
        "headline": [*headline_metrics(board)],
        "metrics": [_metric(it, board) for it in board.metrics],
        "entries": entries,
        "environments": {
            it.run: {"machine": it.environment.machine, "software": it.environment.software}
            for it in board.entries
        },
        "curves": _curves(board, position),
        "bd": {
            metric: _comparisons(board, metric, position) for metric in board.curves if metric in board.bd
        },
        "points": _points(points(board), board, position),
        "findings": [
            {
                "severity": it.severity,
                "kind": it.kind,
                "message": it.message,
                "entries": [position[label] for label in it.labels if label in position],
            }
            for it in board.findings
        ],
        "failures": _failures(board.frame, position),
    }


def rounded(value: float | None, digits: int = 6) -> float | None:
    """A number short enough for the page; None where there is no finite one."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{digits}g}")


def script_json(value: Any) -> str:
    """JSON that can stand inside a script element: nothing in it ends the element or opens a comment."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _metric(metric: MetricPlan, board: Board) -> dict[str, Any]:
    decibels = metric.name in DB_METRICS
    return {
        "name": metric.name,
        "title": metric_title(metric.name),
        "unit": "dB" if decibels else metric.unit,
        "decibels": decibels,
        "higher": metric.higher_is_better,
        "ideal": metric.ideal,
        "version": metric.version,
        "images": len(board.images.get(metric.name, ())),
        "few": len(board.images.get(metric.name, ())) < MIN_IMAGES,
    }


def _entry(entry: Entry, look: Look, facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "label": entry.label,
        "family": entry.codec,
        "provenance": "measured",
        "version": entry.version,
        "options": {key: str(value) for key, value in entry.options.items()},
        "lossless": entry.lossless,
        "run": entry.run,
        "timing": entry.timing,
        "ok": entry.n_ok,
        "planned": entry.n_planned,
        **_look(look),
        **facts,
    }


def _published_entry(label: str, look: Look, board: Board) -> dict[str, Any]:
    curve = next(by_label[label] for by_label in board.published.values() if label in by_label)
    return {
        "label": label,
        "family": curve.provenance,
        "provenance": curve.provenance,
        "lossless": False,
        "low": rounded(min(curve.rate)),
        "high": rounded(max(curve.rate)),
        **_look(look),
    }


def _look(look: Look) -> dict[str, Any]:
    return {
        "colour": on_light(look.colour),
        "colourOnDark": on_dark(look.colour),
        "marker": look.marker,
        "dash": [3 * it for it in look.dash],
        "hollow": look.hollow,
    }


def _table_facts(board: Board) -> dict[str, dict[str, Any]]:
    """Rates and speeds by label, from the tables of the report."""
    keys = {
        "bpp_min": "low",
        "bpp_max": "high",
        "bpp": "bpp",
        "ratio": "ratio",
        "encode_mps": "encode",
        "decode_mps": "decode",
        "encode_mbs": "encode",
        "decode_mbs": "decode",
    }
    facts: dict[str, dict[str, Any]] = {}
    for table in (ranking(board), lossless(board)):
        if table is None:
            continue
        names = [column.key for column in table.columns]
        for row in table.rows:
            cells = dict(zip(names, row, strict=True))
            facts[str(cells["label"])] = {
                name: rounded(value if isinstance(value := cells[key], int | float) else None)
                for key, name in keys.items()
                if key in cells
            }
    return facts


def _curves(board: Board, position: dict[str, int]) -> dict[str, dict[int, list[list[float | None]]]]:
    """By metric and entry, the operating points as (quality setting, bpp, value on the plotted axis)."""
    points = board.frame.loc[board.frame["quality"].notna(), ["label", "quality"]].drop_duplicates()
    settings = {
        str(label): sorted(group.tolist())
        for label, group in points.groupby("label", sort=False, observed=True)["quality"]
    }
    result: dict[str, dict[int, list[list[float | None]]]] = {}
    for metric, measured in board.curves.items():
        for label, curve in {**measured, **board.published.get(metric, {})}.items():
            values = to_db(curve.quality).tolist() if metric in DB_METRICS else curve.quality
            qualities: Sequence[float | None] = (
                settings[label] if curve.provenance == "measured" else [None] * len(curve.rate)
            )
            result.setdefault(metric, {})[position[label]] = [
                [quality, rounded(rate), rounded(value)]
                for quality, rate, value in zip(qualities, curve.rate, values, strict=True)
            ]
    return result


def _comparisons(board: Board, metric: str, position: dict[str, int]) -> dict[int, dict[int, list[Any]]]:
    """By anchor and test, in the order of ``COMPARISON`` in ``state.js``: rates in percent, overlap 0 to
    1."""
    result: dict[int, dict[int, list[Any]]] = {}
    for (anchor, test), pair in board.pairs.get(metric, {}).items():
        its, averaged = pair.per_image, pair.mean_curve
        result.setdefault(position[anchor], {})[position[test]] = [
            rounded(its.value),
            *(rounded(end) for end in its.ci95 or (None, None)),
            rounded(its.median),
            its.wins,
            its.n,
            rounded(its.overlap, 3),
            int(its.partial),
            rounded(averaged.value),
            *(rounded(end) for end in pair.ci95 or (None, None)),
            _remark(its.reason, dict.fromkeys([*its.warnings, *_of_mean(averaged)])),
        ]
    for anchor, curve in board.curves[metric].items():
        for label, theirs in board.published.get(metric, {}).items():
            result.setdefault(position[anchor], {})[position[label]] = _published_cells(curve, theirs)
    return result


def _published_cells(anchor: Curve, curve: Curve) -> list[Any]:
    its = bd_rate(anchor, curve)
    nothing = [None] * 6
    return [
        *nothing,
        rounded(its.overlap, 3),
        rounded(its.value),
        None,
        None,
        _remark(its.reason, its.warnings),
    ]


def _of_mean(result: BdResult) -> list[str]:
    """What there is to say of the BD-rate of mean curves."""
    return [*([f"mean curve n/a ({result.reason})"] if result.reason else []), *result.warnings]


def _remark(reason: str | None, warnings: Iterable[str]) -> str:
    return "; ".join(filter(None, (reason, *warnings)))


def _points(table: Table, board: Board, position: dict[str, int]) -> dict[int, list[list[Any]]]:
    """By entry: (quality setting, n_ok/n, bpp, a value for each metric, encode s, decode s)."""
    names = [column.key for column in table.columns]
    wanted = ["quality", "n_ok", "bpp"]
    wanted += [f"{it.name}_db" if it.name in DB_METRICS else it.name for it in board.metrics]
    wanted += ["encode_s", "decode_s"]
    result: dict[int, list[list[Any]]] = {}
    for row in table.rows:
        cells = dict(zip(names, row, strict=True))
        result.setdefault(position[str(cells["label"])], []).append(
            [rounded(it) if isinstance(it := cells[key], int | float) else it for key in wanted]
        )
    return result


def _failures(frame: pd.DataFrame, position: dict[str, int]) -> dict[str, Any]:
    """Trials without a result, alike ones together, the most frequent first."""
    failed = frame[frame["status"] != "ok"]
    groups: list[dict[str, Any]] = []
    for (label, status, error), rows in failed.groupby(
        ["label", "status", "error"], sort=False, observed=True
    ):
        phase, _, message = str(error).partition(": ")
        examples = [
            {"image": str(image), "quality": rounded(quality)}
            for image, quality in zip(rows["image"][:MAX_EXAMPLES], rows["quality"], strict=False)
        ]
        groups.append(
            {
                "entry": position[str(label)],
                "status": str(status),
                "phase": phase if message else "",
                "error": (message or phase)[:MAX_ERROR_TEXT],
                "count": len(rows),
                "examples": examples,
            }
        )
    groups.sort(key=lambda it: it["count"], reverse=True)
    return {"total": len(failed), "groups": groups[:MAX_FAILURES], "hidden": len(groups[MAX_FAILURES:])}
