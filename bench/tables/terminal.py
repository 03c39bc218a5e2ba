"""Tables as lines of text that fit a width: no word is broken as long as there is another way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bench.text.plain import harmless, printable

_GAP = "  "
_READABLE = 18
"""Cells that wrap are made no narrower than this."""


@dataclass(frozen=True)
class Columns:
    """A table by columns, and what has been taken out of it to make it fit."""

    headers: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    """(columns, rows)"""
    right: tuple[bool, ...]
    """Whether each column aligns right; only the others wrap."""
    common: tuple[tuple[str, str], ...] = ()
    """Header and value of columns that are the same in every row."""
    groups: tuple[str, ...] = ()
    """Of each row; printed once above the rows that share it."""
    left_out: tuple[str, ...] = ()
    """Headers of columns that there is no room for."""
    widths: tuple[int, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Lines:
    """A laid-out table."""

    above: list[str]
    header: list[str]
    body: list[str]
    below: list[str]

    @property
    def all(self) -> list[str]:
        """Everything, in order."""
        return [*self.above, *self.header, *self.body, *self.below]


def lay_out(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    numeric_from: int,
    width: int | None,
    dispensable: Sequence[str] = (),
) -> Lines:
    """A table as lines of text.

    What does not fit gives way in this order: headers break at blanks; columns that are the same in every
    row go into a line above; long cells of text wrap; rows that follow each other with the same first cell
    share a heading; columns are left out, and a line says so.

    Parameters
    ----------
    headers, rows : cells as text; each row has one for each header
    numeric_from : the first column that aligns right, as all behind it do
    width : columns of the terminal at most; None for as wide as it takes
    dispensable : headers of columns that are left out before the last ones
    """
    cleaned = [[printable(it) for it in row] for row in rows]
    table = Columns(
        tuple(headers),
        tuple(tuple(row[k] for row in cleaned) for k in range(len(headers))),
        tuple(k >= numeric_from for k in range(len(headers))),
    )
    return _lines(_fitted(table, width, dispensable), width)


def wrapped(text: str, width: int | None, indent: str = "") -> list[str]:
    """Text in lines, broken at blanks.

    Parameters
    ----------
    text : blanks stand for line breaks and tabs in it
    width : columns at most; None for one line
    indent : what all lines but the first begin with
    """
    text = harmless(text.replace("\n", " ").replace("\t", " "))
    if width is None:
        return [text]
    first, *_ = _wrap(text, width) or [""]
    others = _wrap(text[len(first) :].strip(), max(1, width - len(indent)))
    return [first, *(indent + it for it in others)]


def _fitted(table: Columns, width: int | None, dispensable: Sequence[str]) -> Columns:
    natural = [max(map(_length, (header, *cells))) for header, cells in _columns(table)]
    if width is None or _total(natural) <= width:
        return replace(table, widths=tuple(natural))
    while len(table.headers) > 2 and _total(_least(table)) > width:
        same = [k for k, cells in enumerate(table.cells) if len(set(cells)) == 1]
        if not same:
            break
        table = replace(
            _without(table, same[0]),
            common=(*table.common, (table.headers[same[0]], table.cells[same[0]][0])),
        )
    if len(table.headers) > 2 and _total(_least(table)) > width and _repeats(table.cells[0]):
        table = replace(_without(table, 0), groups=table.cells[0])
    while len(table.headers) > 2 and _total(_least(table)) > width:
        header = next((it for it in dispensable if it in table.headers), table.headers[-1])
        table = replace(_without(table, table.headers.index(header)), left_out=(*table.left_out, header))
    return replace(table, widths=tuple(_shrunk(table, width)))


def _columns(table: Columns) -> list[tuple[str, tuple[str, ...]]]:
    return list(zip(table.headers, table.cells, strict=True))


def _without(table: Columns, place: int) -> Columns:
    kept = [k for k in range(len(table.headers)) if k != place]
    return replace(
        table,
        headers=tuple(table.headers[k] for k in kept),
        cells=tuple(table.cells[k] for k in kept),
        right=tuple(table.right[k] for k in kept),
    )


def _repeats(cells: Sequence[str]) -> bool:
    """Whether a heading for each run of equal cells takes fewer lines than there are rows to spare."""
    runs = sum(k == 0 or it != cells[k - 1] for k, it in enumerate(cells))
    return 2 * runs <= len(cells)


def _least(table: Columns) -> list[int]:
    """The widths under which words would break, or cells become towers."""
    found = []
    for (header, cells), right in zip(_columns(table), table.right, strict=True):
        word = max(map(_length, header.split()), default=0)
        if right:
            found.append(max(word, *map(_length, cells)) if cells else word)
            continue
        longest = max((_length(piece.rstrip()) for it in cells for piece in _pieces(it)), default=0)
        readable = min(max(map(_length, cells), default=0), _READABLE)
        found.append(max(word, longest, readable))
    return found


def _shrunk(table: Columns, width: int) -> list[int]:
    """From the widest cells down to what fits, the widest column first; headers break before that."""
    least = _least(table)
    widths = [max(low, *map(_length, cells)) for low, cells in zip(least, table.cells, strict=True)]
    while _total(widths) > width:
        spare = [k for k, it in enumerate(widths) if it > least[k]]
        # a word that is longer than the line has to break somewhere
        spare = spare or [k for k, right in enumerate(table.right) if not right and widths[k] > 1]
        if not spare:
            break
        widths[max(spare, key=lambda k: widths[k])] -= 1
    for k, header in enumerate(table.headers):
        lacking = _length(header) - widths[k]
        if 0 < lacking <= width - _total(widths):
            widths[k] += lacking
    return widths


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _lines(table: Columns, width: int | None) -> Lines:
    above = wrapped("; ".join(f"{name}: {value}" for name, value in table.common), width, "  ")
    body = []
    last = None
    for index in range(len(table.cells[0])):
        if table.groups and table.groups[index] != last:
            last = table.groups[index]
            body.append(last)
        body += _row([cells[index] for cells in table.cells], table)
    left_out = f"No room for: {', '.join(table.left_out)}; widen the terminal, or pipe the output."
    header = _row(table.headers, table, bottom=True)
    return Lines(
        above if table.common else [],
        [*header, "─" * _total(table.widths)],
        body,
        wrapped(left_out, width) if table.left_out else [],
    )


def _row(cells: Sequence[str], table: Columns, *, bottom: bool = False) -> list[str]:
    parts = [_wrap(it, width) for it, width in zip(cells, table.widths, strict=True)]
    height = max(1, *map(len, parts))
    padded = [[""] * (height - len(it)) + it if bottom else it + [""] * (height - len(it)) for it in parts]
    return [
        _GAP.join(map(_aligned, line, table.widths, table.right)).rstrip()
        for line in zip(*padded, strict=True)
    ]


def _aligned(text: str, width: int, right: bool) -> str:
    blanks = " " * (width - _length(text))
    return blanks + text if right else text + blanks


def _wrap(text: str, width: int) -> list[str]:
    lines: list[str] = []
    line = ""
    for piece in _pieces(text):
        if line and _length(line + piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece
        while _length(line.rstrip()) > width:
            lines.append(line[:width])
            line = line[width:]
    return [*lines, line.rstrip()] if line.strip() else lines


def _pieces(text: str) -> list[str]:
    """What may stand on a line of its own: words, or the items of a list without blanks."""
    return [it for it in re.split("(?<= )" if " " in text else "(?<=,)", text) if it]


def _length(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
