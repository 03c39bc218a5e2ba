"""A BD table as text, Markdown, JSON or CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

from .compare import Row
from .escape import csv_cell, markdown
from .layout import harmless, lay_out, wrapped

Format: TypeAlias = Literal["text", "markdown", "json", "csv"]
FORMATS: tuple[Format, ...] = get_args(Format)

_JSON_KEYS = ("anchor", "test", "metric", "method", "bd_rate", "bd_quality", "ci95", "n_images", "overlap")
_CSV_KEYS = (*_JSON_KEYS[:6], "ci95_low", "ci95_high", *_JSON_KEYS[7:], "note")
_TITLES = ("anchor", "test", "metric", "BD-rate %", "95% CI", "BD-quality", "images", "overlap", "note")
_LEFT = frozenset({"anchor", "test", "metric", "note"})


def format_rows(rows: Sequence[Row], style: Format = "text", width: int | None = None) -> str:
    """The rows in one of ``FORMATS``, ending in a newline; text is at most ``width`` wide.

    JSON is a list of objects with the keys ``anchor, test, metric, method, bd_rate, bd_quality, ci95,
    n_images, overlap``: numbers in full, ``null`` where there is no value, ``ci95`` as ``[low, high]``.
    Notes are in the other three formats.
    """
    if style == "json":
        documents = [{key: getattr(row, key) for key in _JSON_KEYS} for row in rows]
        return json.dumps(documents, indent=2, allow_nan=False) + "\n"
    if style == "csv":
        return _csv(rows)
    cells = [_cells(row) for row in rows]
    if style == "markdown":
        return _markdown(cells)
    return _text(rows, cells, width)


def _csv(rows: Sequence[Row]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_CSV_KEYS)
    for row in rows:
        low, high = row.ci95 or (None, None)
        given = {"ci95_low": low, "ci95_high": high}
        values = [given[key] if key in given else getattr(row, key) for key in _CSV_KEYS]
        writer.writerow(["" if value is None else csv_cell(value) for value in values])
    return out.getvalue()


def _markdown(cells: Sequence[Sequence[str]]) -> str:
    rule = [":---" if title in _LEFT else "---:" for title in _TITLES]
    lines = [_TITLES, rule, *([markdown(cell) for cell in row] for row in cells)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _text(rows: Sequence[Row], cells: Sequence[Sequence[str]], width: int | None) -> str:
    table = lay_out(_TITLES[:-1], [it[:-1] for it in cells], len(_LEFT) - 1, width)
    # Notes are sentences: in a column they would take the line from the numbers.
    noted: dict[str, list[str]] = {}
    for row in rows:
        if row.note:
            noted.setdefault(harmless(row.note), []).append(harmless(f"{row.test} {row.metric}"))
    texts = [f"{', '.join(names)}: {note}" for note, names in noted.items()]
    if rows:
        texts.append(f"BD by {rows[0].method}; negative BD-rate: fewer bits than the anchor. MS-SSIM in dB.")
    below = [line for text in texts for line in wrapped(text, width, "  ")]
    return "\n".join([*table.all, *below]) + "\n"


def _cells(row: Row) -> list[str]:
    return [
        harmless(row.anchor),
        harmless(row.test),
        harmless(row.metric),
        "n/a" if row.bd_rate is None else f"{row.bd_rate:.3f}",
        "" if row.ci95 is None else f"[{row.ci95[0]:.2f}, {row.ci95[1]:.2f}]",
        "n/a" if row.bd_quality is None else f"{row.bd_quality:+.4f}",
        "" if row.n_images is None else str(row.n_images),
        f"{row.overlap:.1%}",
        harmless(row.note),
    ]
