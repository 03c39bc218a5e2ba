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


def write_report(
    runs: Sequence[Path],
    out: Path,
    anchor: str | None = None,
    published: Sequence[Published] = (),
    *,
    trusted: bool = False,
) -> Report:
    """Write ``index.html``, ``report.md``, ``figures/`` and ``tables/`` for one or several runs.

    With several data sets, the files of each carry its name. No codec runs, but for decoding kept
    bitstreams for the page's viewer; ``trusted`` lets that use codecs that a run names as a file or a
    program, and is for runs of one's own.

    Raises
    ------
    StoreError
        A folder is no run, or one that this version can't read.
    ConfigError
        The anchor is in none of the runs.
    """
    from bench.report.board import load_boards
    from bench.report.figures import write_figures
    from bench.report.markdown import write_markdown
    from bench.report.page import write_page
    from bench.report.table import WRITERS
    from bench.report.tables import tables

    boards = load_boards(runs, anchor, published)
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
        figures = write_figures(board, out / "figures", prefix)
        files += figures
        sections.append((board, made, figures))
    files.append(write_markdown(out / "report.md", sections))
    files += write_page(boards, out, runs=runs, trusted=trusted)
    return Report(out, boards, tuple(files))
