"""Tables, figures and the leaderboard page from finished runs. Reads run folders and writes beside them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.report.selection import EVERYTHING, Selection
from bench.trials.trust import NOBODY, Trust

if TYPE_CHECKING:
    from bench.exchange import Published
    from bench.rd import Average
    from bench.report.board import Board
    from bench.report.figures import FigureOptions
    from bench.tables.table import Table


_LISTING = ".written"
"""Names the tables and figures of a report."""
_MADE_HERE = re.compile(r"(tables|figures)/\w[\w.-]*")


@dataclass(frozen=True)
class Report:
    """What was written, and the boards behind it."""

    folder: Path
    boards: tuple[Board, ...]
    files: tuple[Path, ...]

    @property
    def page(self) -> Path:
        """The leaderboard page."""
        return self.folder / "index.html"


@dataclass(frozen=True)
class ReportOptions:
    """What a user may choose about a report."""

    anchor: str | None = None
    """Label, or codec name, that the others are compared with; by default JPEG."""
    published: tuple[Published, ...] = ()
    """Curves that somebody else measured, drawn and listed as such."""
    figures: FigureOptions | None = None
    selection: Selection = EVERYTHING
    """What of the runs the report is about."""
    average: Average = "images"
    """What counts the same in mean curves and tables: every image, or every pixel."""
    trust: Trust = NOBODY
    """Which codecs of the runs may decode for the viewer besides the installed ones."""


def write_report(runs: Sequence[Path], out: Path, options: ReportOptions | None = None) -> Report:
    """Write ``index.html``, ``report.md``, ``figures/`` and ``tables/`` for one or several runs.

    With several data sets, the files of each carry its name. No codec runs, but for decoding the kept
    bitstreams for the page's viewer.

    Raises
    ------
    StoreError
        A folder is no run, or one that this version can't read.
    ConfigError
        The anchor, or what is selected, is in none of the runs, or the style file is not one.
    """
    from bench.files.access import require_inside, require_no_link
    from bench.host.helper_process import Helper, can_help
    from bench.report.build_board import load_boards
    from bench.report.crops import crops_of
    from bench.report.figures import FigureOptions, plans, warm_up
    from bench.report.figures.drawing import Drawing, Target
    from bench.report.markdown import Section, write_markdown
    from bench.report.page import write_page
    from bench.report.perception_tables import perception_tables
    from bench.report.reconstructions.bitstreams import FOLDER, KeptBitstreams, run_folders
    from bench.report.study_results import find_robustness
    from bench.report.tables import tables

    options = options or ReportOptions()
    look = options.figures or FigureOptions()
    files: list[Path] = []
    sections = []
    folders = run_folders(runs)
    with ExitStack() as stack:
        helper = stack.enter_context(Helper()) if can_help() else None
        # Not before: journals keep two processes busy as it is.
        begin = partial(helper.submit, warm_up) if helper is not None else None
        boards = load_boards(
            runs, options.anchor, options.published, options.selection, begin, options.average
        )
        require_inside(out, runs)
        for part in ("tables", "figures", FOLDER):
            require_no_link(out / part)
        begun = []
        for board in boards:
            prefix = "" if len(boards) == 1 else re.sub(r"[^\w.-]+", "-", board.dataset) + "_"
            crops = crops_of(board, KeptBitstreams(board, folders, options.trust), out / FOLDER)
            target = Target(out / "figures", prefix, look)
            drawing = stack.enter_context(Drawing(list(plans(board, crops)), target, helper))
            made = (*tables(board), *perception_tables(board))
            robustness = () if options.selection else find_robustness(board.dataset, runs, out)
            section = Section(board, made, crops=crops, robustness=robustness, prefix=prefix)
            begun.append((section, _write_tables(made, out / "tables", prefix), drawing))
        crops_by_board = [section.crops for section, _, _ in begun]
        page = write_page(boards, out, runs=runs, trust=options.trust, crops=crops_by_board)
        for section, written, drawing in begun:
            figures = drawing.finish()
            files += [*written, *figures]
            sections.append(replace(section, figures=tuple(figures)))
    _replace_former(out, files)
    files.append(write_markdown(out / "report.md", sections))
    files += page
    return Report(out, boards, tuple(files))


def _replace_former(out: Path, files: Sequence[Path]) -> None:
    """Remove tables and figures of a former report here that are not in this one: nothing is out of date."""
    from bench.files.access import read_regular, require_no_link, write_atomically

    listing = out / _LISTING
    present = {path.relative_to(out).as_posix() for path in files}
    former: list[str] = []
    with suppress(OSError):
        former = read_regular(listing).decode("utf-8", "replace").splitlines()
    for name in {*former} - present:
        if _MADE_HERE.fullmatch(name):
            require_no_link((out / name).parent)
            with suppress(OSError):
                (out / name).unlink()
    write_atomically(listing, "".join(f"{it}\n" for it in sorted(present)).encode())


def _write_tables(tables: Sequence[Table], folder: Path, prefix: str) -> list[Path]:
    from bench.files.access import write_atomically
    from bench.tables.table import WRITERS

    files = []
    for table in tables:
        for ending, write in WRITERS.items():
            path = folder / f"{prefix}{table.name}.{ending}"
            write_atomically(path, write(table).encode())
            files.append(path)
    return files
