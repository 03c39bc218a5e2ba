"""What a board makes of one entry, told before it is sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.boards.board import Board, BoardEntry, read_board
from bench.boards.conditions import unmet
from bench.boards.results import BoardResults, SetResults, board_results
from bench.boards.rows import BoardRow
from bench.errors import ConfigError
from bench.text.plain import some_of

_NAMED = 3


def told_of(entry: Path, board: Path) -> list[str]:
    """A line for each configuration and data set: its place on the board, or why it has none.

    Parameters
    ----------
    entry : a sound one, below the board or elsewhere
    board : its folder

    Raises
    ------
    ConfigError
        The board can't take it: its name, version or pictures are another entry's, or its date is to come.
    """
    read = read_board(board, guest=entry)
    own = next((it for it in read.entries if it.folder.resolve() == entry.resolve()), None)
    if own is None:
        raise ConfigError("\n".join(it.problem for it in read.left_out if it.folder == entry))
    results = board_results(read)
    rows = [it for it in results.rows if read.entries[it.entry] is own]
    lines = [line for of in results.sets for row in rows for line in _on_set(row, of, results)]
    return [*lines, *_lacking(own, read, results), *_about_conditions(own, rows, read, results)]


def _on_set(row: BoardRow, of: SetResults, results: BoardResults) -> Iterator[str]:
    where = f"{row.title} on {of.dataset}"
    if row.key in of.entries and not of.metrics:
        yield f"{where}: none of the board's metrics"
    for it in of.metrics:
        if row.key not in of.entries or of.entries[row.key].lossless:
            continue
        standing, bd = it.standings.get(row.key), it.bd.get(row.key)
        about = f"{where}, {it.measure.title}"
        if standing is None or not standing.ranked:
            yield f"{about}: no place, {it.unranked[row.key]}{_range_of_board(of, results)}"
            continue
        ranked = sum(its.ranked for its in it.standings.values())
        value = "it is the anchor" if bd is None else f"BD-rate {bd.per_image.value:+.1f}%"
        covered = "" if bd is None else f", covers {bd.per_image.coverage or 0:.0%} of the anchor's range"
        yield f"{about}: place {standing} of {ranked}, {value}{covered}"


def _range_of_board(of: SetResults, results: BoardResults) -> str:
    """The rates that a place asks for."""
    rates = None if of.anchor is None else of.range_of_rates(of.anchor)
    title = next((it.title for it in results.rows if it.key == of.anchor), "")
    return f" ({title} goes from {rates[0]:.3g} to {rates[1]:.3g} bpp)" if rates else ""


def _lacking(entry: BoardEntry, board: Board, results: BoardResults) -> Iterator[str]:
    """The data sets and metrics of the board that the entry is without."""
    own = {it.dataset for it in entry.info.images}
    sets = [it.dataset for it in results.sets if it.dataset not in own]
    if sets:
        yield f"{entry.submission.name}: no results on {some_of(sets, _NAMED)}, and so no mean rank"
    metrics = {it.name for it in entry.info.metrics}
    absent = [name for name in results.overall if name not in metrics]
    if absent:
        yield f"{entry.submission.name}: not measured by {some_of(absent, _NAMED)}, and so no place there"
    if board.file.datasets:
        foreign = sorted(own - {*board.file.datasets})
        if foreign:
            yield f"{entry.submission.name}: the board does not show {some_of(foreign, _NAMED)}"


def _about_conditions(
    entry: BoardEntry, rows: list[BoardRow], board: Board, results: BoardResults
) -> Iterator[str]:
    for name in entry.submission.conditions:
        if name not in board.file.conditions:
            yield f"condition {name}: unknown to this board"
    for row in rows:
        for name, obstacles in unmet(row, board, results).items():
            if obstacles and name in entry.submission.conditions:
                yield f"condition {name}: claimed, and not met by {row.title} ({some_of(obstacles, _NAMED)})"
