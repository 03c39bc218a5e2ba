"""Tables, figures and the leaderboard page from finished runs. Reads run folders and writes beside them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.exchange import Published
    from bench.report.board import Board
    from bench.report.figures import FigureOptions


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
    trusted: bool = False
    """The runs are one's own: the viewer may decode with codecs that a run names as a file or a program."""


def write_report(runs: Sequence[Path], out: Path, options: ReportOptions | None = None) -> Report:
    """Write ``index.html``, ``report.md``, ``figures/`` and ``tables/`` for one or several runs.

    With several data sets, the files of each carry its name. No codec runs, but for decoding the kept
    bitstreams for the page's viewer.

    Raises
    ------
    StoreError
        A folder is no run, or one that this version can't read.
    ConfigError
        The anchor is in none of the runs, or the style file is not one.
    """
    from bench.report.board import load_boards
    from bench.report.figures import write_figures
    from bench.report.markdown import write_markdown
    from bench.report.page import write_page
    from bench.report.table import WRITERS
    from bench.report.tables import tables

    options = options or ReportOptions()
    boards = load_boards(runs, options.anchor, options.published)
    files: list[Path] = []
    sections = []
    for board in boards:
        prefix = "" if len(boards) == 1 else re.sub(r"[^\w.-]+", "-", board.dataset) + "_"
        made = tables(board)
        for table in made:
            for ending, write in WRITERS.items():
                path = out / "tables" / f"{prefix}{table.name}.{ending}"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(write(table), encoding="utf-8")
                files.append(path)
        figures = write_figures(board, out / "figures", prefix, options.figures)
        files += figures
        sections.append((board, made, figures))
    files.append(write_markdown(out / "report.md", sections))
    files += write_page(boards, out, runs=runs, trusted=options.trusted)
    return Report(out, boards, tuple(files))
