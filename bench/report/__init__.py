"""Tables and figures from finished runs. Reads run folders, writes beside them, runs no codec."""

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


def write_report(
    runs: Sequence[Path],
    out: Path,
    anchor: str | None = None,
    published: Sequence[Published] = (),
) -> Report:
    """Write ``tables/``, ``figures/`` and ``report.md`` for one or several runs.

    With several data sets, the files of each carry its name.

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
    return Report(out, boards, tuple(files))
