"""A BD table as text, Markdown, JSON or CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, get_args

from bench.comparing.comparison import BdRow
from bench.rd import Interval
from bench.rd.fairness import Allocation, divided_text
from bench.tables.terminal import lay_out, wrapped
from bench.text.escape import csv_cell, markdown
from bench.text.plain import harmless

Format: TypeAlias = Literal["text", "markdown", "json", "csv"]
FORMATS: tuple[Format, ...] = get_args(Format)

_TITLES = (
    *("anchor", "test", "metric", "BD-rate %", "95% CI", "wins", "median %"),
    *("mean curve %", "its 95% CI", "BD-quality", "images", "overlap", "note"),
)
_LEFT = frozenset({"anchor", "test", "metric", "note"})
_BY_IMAGE = frozenset({"BD-rate %", "95% CI", "wins", "median %", "its 95% CI"})
"""Columns that are empty for published curves."""
_DISPENSABLE = ("median %", "BD-quality", "its 95% CI", "overlap", "images")
"""Columns that are left out first if the terminal is narrow."""


def format_rows(rows: Sequence[BdRow], style: Format = "text", width: int | None = None) -> str:
    """Format the rows of a BD table; the text ends in a newline.

    JSON is a list of objects with the keys ``anchor, test, metric, method``; for the mean curves ``bd_rate,
    bd_quality, ci95, n_images, overlap``; for the comparison image by image ``bd_rate_per_image,
    ci95_per_image, n_per_image, wins, median_per_image, overlap_per_image``; and ``average``, the weights in
    the mean curves. Numbers have full precision, a missing value is ``null``, an interval is ``[low, high]``.
    Notes are only in the other three formats.

    Parameters
    ----------
    rows : what to show, in this order
    style : one of :data:`FORMATS`
    width : columns of the terminal, for ``text``; None for no limit
    """
    if style == "json":
        documents = [_document(row) for row in rows]
        return json.dumps(documents, indent=2, allow_nan=False) + "\n"
    if style == "csv":
        return _csv(rows)
    cells = [_cells(row) for row in rows]
    if style == "markdown":
        return _markdown(cells)
    return _text(rows, cells, width)


def divided_texts(rows: Sequence[BdRow]) -> list[str]:
    """One text for each anchor that says for which rows the two BD-rates disagree, and why."""
    by_anchor: dict[str, list[Allocation]] = {}
    for row in rows:
        if row.allocation is not None:
            by_anchor.setdefault(row.anchor, []).append(row.allocation)
    return [divided_text(found) for found in by_anchor.values()]


def _legend(row: BdRow, by_image: bool) -> str:
    averaged = "all pixels count the same" if row.average == "pixels" else "all images count the same"
    by = " BD-rate is taken image by image and averaged in log-rate, overlap is the mean over images;"
    return (
        f"BD by {row.method}, negative BD-rate: fewer bits than the anchor.{by if by_image else ''}"
        f" mean curve and BD-quality: of averaged curves ({averaged}), as most papers have it. MS-SSIM in dB."
    )


def _document(row: BdRow) -> dict[str, Any]:
    by_image = row.per_image
    return {
        "anchor": row.anchor,
        "test": row.test,
        "metric": row.metric,
        "method": row.method,
        "bd_rate": row.bd_rate,
        "bd_quality": row.bd_quality,
        "ci95": row.ci95,
        "n_images": row.n_images,
        "overlap": row.overlap,
        "bd_rate_per_image": by_image and by_image.value,
        "ci95_per_image": by_image and by_image.ci95,
        "n_per_image": by_image and by_image.n,
        "wins": by_image and by_image.wins,
        "median_per_image": by_image and by_image.median,
        "overlap_per_image": by_image and by_image.overlap,
        "average": row.average,
    }


def _csv(rows: Sequence[BdRow]) -> str:
    out = io.StringIO()
    lines = []
    for row in rows:
        line: dict[str, Any] = {}
        for key, value in (_document(row) | {"note": _note(row)}).items():
            if key.startswith("ci95"):
                line[f"{key}_low"], line[f"{key}_high"] = value or (None, None)
            else:
                line[key] = value if value is None else csv_cell(value)
        lines.append(line)
    writer = csv.DictWriter(out, list(lines[0]) if lines else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue()


def _markdown(cells: Sequence[Sequence[str]]) -> str:
    rule = [":---" if title in _LEFT else "---:" for title in _TITLES]
    lines = [_TITLES, rule, *([markdown(cell) for cell in row] for row in cells)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _text(rows: Sequence[BdRow], cells: Sequence[Sequence[str]], width: int | None) -> str:
    by_image = any(row.per_image is not None for row in rows)
    shown = [
        k
        for k, title in enumerate(_TITLES[:-1])
        if (by_image or title not in _BY_IMAGE) and any(row[k] for row in cells)
    ]
    table = lay_out(
        [_TITLES[k] for k in shown],
        [[row[k] for k in shown] for row in cells],
        len(_LEFT) - 1,
        width,
        _DISPENSABLE,
    )
    # Notes are sentences, which would leave no space for the numbers if they were a column.
    noted: dict[str, list[str]] = {}
    for row in rows:
        if row.note:
            noted.setdefault(harmless(row.note), []).append(harmless(f"{row.test} {row.metric}"))
    texts = [f"{', '.join(names)}: {note}" for note, names in noted.items()]
    texts += [harmless(text) for text in divided_texts(rows)]
    if rows:
        texts.append(_legend(rows[0], by_image))
    below = [line for text in texts for line in wrapped(text, width, "  ")]
    return "\n".join([*table.all, *below]) + "\n"


def _cells(row: BdRow) -> list[str]:
    by_image = row.per_image
    return [
        harmless(row.anchor),
        harmless(row.test),
        harmless(row.metric),
        "–" if by_image is None else _number(by_image.value),
        "" if by_image is None else _interval(by_image.ci95),
        "" if by_image is None or not by_image.n else f"{by_image.wins}/{by_image.n}",
        "–" if by_image is None else _number(by_image.median),
        _number(row.bd_rate),
        _interval(row.ci95),
        "n/a" if row.bd_quality is None else f"{row.bd_quality:+.4f}",
        "" if row.n_images is None else str(row.n_images),
        _share(row.overlap if by_image is None else by_image.overlap),
        harmless(_note(row)),
    ]


def _note(row: BdRow) -> str:
    divided = divided_text([row.allocation]) if row.allocation else ""
    return "; ".join(filter(None, (row.note, divided)))


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"


def _interval(ends: Interval | None) -> str:
    return "" if ends is None else f"[{ends[0]:.2f}, {ends[1]:.2f}]"
