"""Methods × columns, as papers print results: a row for each method, columns in groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.tables.table import Column, Table, Value

_DIGITS = 1


@dataclass(frozen=True)
class MatrixCell:
    """One number of the matrix, and where it stands."""

    method: str
    group: str
    """Such as the data set."""
    key: str
    """Names the column in its group."""
    title: str
    """The column's name in print."""
    value: float | None
    interval: tuple[float, float] | None = None
    remark: str = ""
    """What has to be known of the value, or why there is none."""
    competes: bool = True
    """Whether it may be the best of its column."""


@dataclass(frozen=True)
class Intervals:
    """How a matrix shows intervals: not at all, in print as one text, in data as two numbers."""

    shown: bool = False
    numbers: bool = False

    @property
    def width(self) -> int:
        """Columns of a value with its interval."""
        return 1 + self.shown * (1 + self.numbers)


NO_INTERVALS = Intervals()


def matrix(
    cells: Sequence[MatrixCell],
    *,
    name: str,
    title: str,
    keys: Sequence[str],
    notes: Sequence[str] = (),
    intervals: Intervals = NO_INTERVALS,
) -> Table:
    """The table: methods and groups in the order of their first cells; the lowest value of a column is best.

    Groups are named where there are several. Intervals have columns where there are any.

    Parameters
    ----------
    cells : at most one for each method, group and key; where there is none, the table has a dash
    name, title, notes : of the table
    keys : the order of the columns of a group
    """
    if not any(it.interval for it in cells):
        intervals = NO_INTERVALS
    methods = list(dict.fromkeys(it.method for it in cells))
    groups = list(dict.fromkeys(it.group for it in cells))
    heads = {(it.group, it.key): it.title for it in cells}
    order = sorted(heads, key=lambda it: (groups.index(it[0]), keys.index(it[1])))
    several = len(groups) > 1
    columns = [Column("method", "method")]
    for group, key in order:
        shown = group if several else ""
        columns += _columns(f"{group}_{key}" if several else key, heads[group, key], shown, intervals)
    rows: list[list[Value]] = [[it, *[None] * (len(columns) - 1)] for it in methods]
    remarks: dict[tuple[int, int], str] = {}
    alone = set()
    for cell in cells:
        row = methods.index(cell.method)
        index = 1 + order.index((cell.group, cell.key)) * intervals.width
        rows[row][index : index + intervals.width] = _values(cell, intervals)
        if cell.remark:
            remarks[row, index] = cell.remark
        if not cell.competes:
            alone.add((row, index))
    return Table(
        name,
        title,
        tuple(columns),
        tuple(map(tuple, rows)),
        tuple(notes),
        remarks=remarks,
        unranked_cells=frozenset(alone),
    )


def _columns(key: str, title: str, group: str, intervals: Intervals) -> list[Column]:
    found = [Column(key, title, _DIGITS, "low", signed=True, group=group)]
    if intervals.numbers and intervals.shown:
        ends = (("low", "95% from"), ("high", "to"))
        found += [Column(f"{key}_{end}", its, _DIGITS, signed=True, group=group) for end, its in ends]
    elif intervals.shown:
        found.append(Column(f"{key}_ci95", "95% interval", group=group))
    return found


def _values(cell: MatrixCell, intervals: Intervals) -> list[Value]:
    if not intervals.shown:
        return [cell.value]
    low, high = cell.interval or (None, None)
    if intervals.numbers:
        return [cell.value, low, high]
    text = None if low is None else f"[{low:+.{_DIGITS}f}, {high:+.{_DIGITS}f}]".replace("-", "−")
    return [cell.value, text]
