"""The site of a board: one page that opens from disk, tables as files, and pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.boards.board import Board, read_board
from bench.boards.pictures import PICTURE_FOLDER, addresses, write_pictures
from bench.boards.results import board_results
from bench.boards.site_data import site_data
from bench.boards.site_tables import overall_table, set_table
from bench.boards.unknown import unknown_names
from bench.boards.verified import state_of
from bench.errors import ConfigError
from bench.files.access import write_atomically
from bench.tables.table import to_csv, to_json
from bench.trials.trust import NOBODY, Trust
from bench.web.document import document, shared

PAGE_FILE = "index.html"
TABLE_FOLDER = "tables"
_HERE = "bench.boards"
_SCRIPTS = (
    *shared("util.js", "theme.js", "address.js", "tables.js", "marks.js"),
    (_HERE, "site_state.js"),
    *shared("plot.js", "save.js"),
    (_HERE, "board_table.js"),
    (_HERE, "entry_view.js"),
    (_HERE, "site.js"),
)


@dataclass(frozen=True)
class Site:
    """What was written."""

    board: Board
    page: Path
    bytes: int
    """Of the page."""
    remarks: tuple[str, ...]
    """What the keeper should see to: entries that are left out, and names that no entry has."""
    states: Mapping[str, int]
    """How many configurations of current entries have each state of verification."""


def write_site(folder: Path, out: Path, *, pictures: int = 2, trust: Trust = NOBODY) -> Site:
    """Write the site of the board in ``folder``; the same board makes the same files.

    Parameters
    ----------
    pictures : images of each data set of which reconstructions are shown
    trust : which codecs may decode for that besides the installed ones

    Raises
    ------
    ConfigError, StoreError
        The board can't be read, see :func:`bench.boards.board.read_board`, or ``out`` is a folder of its own.
    """
    board = read_board(folder)
    _require_apart(out, board)
    results = board_results(board)
    out.mkdir(parents=True, exist_ok=True)
    shown = write_pictures(board, results, out, pictures, trust)
    text = document(
        (_HERE, "site.html"),
        board.file.title,
        styles=[*shared("base.css", "plot.css"), (_HERE, "site.css")],
        scripts=_SCRIPTS,
        data=site_data(board, results, shown),
    ).encode()
    tables = [overall_table(board, results), *(set_table(it, board, results) for it in results.sets)]
    files = {f"{it.name}.csv": to_csv(it) for it in tables} | {
        f"{it.name}.json": to_json(it) for it in tables
    }
    for name, contents in files.items():
        write_atomically(out / TABLE_FOLDER / name, contents.encode())
    write_atomically(out / ".nojekyll", b"")
    write_atomically(out / PAGE_FILE, text)
    _remove_others(out / TABLE_FOLDER, files)
    _remove_others(out / PICTURE_FOLDER, {Path(it).name for its in shown.values() for it in addresses(its)})
    current = (it for it in results.rows if board.entries[it.entry].current)
    states = Counter(state_of(board.entries[it.entry], it.label) for it in current)
    return Site(
        board,
        out / PAGE_FILE,
        len(text),
        (*(it.problem for it in board.left_out), *unknown_names(board)),
        states,
    )


def _require_apart(out: Path, board: Board) -> None:
    """Refuse to write among the entries, where pages would be taken for parts of them."""
    place = out.resolve()
    entries = [it.folder.resolve() for it in board.entries]
    if place == board.folder.resolve() or any(
        it.is_relative_to(place) or place.is_relative_to(it) for it in entries
    ):
        raise ConfigError(
            f"{out}: holds the board, or is one of its entries; give a folder of its own as --out"
        )


def _remove_others(folder: Path, kept: Collection[str]) -> None:
    """What a former site had in a folder that is all this module's."""
    for file in folder.glob("*") if folder.is_dir() else ():
        if file.name not in kept and file.is_file():
            file.unlink()
