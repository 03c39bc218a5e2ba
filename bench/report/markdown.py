"""``report.md``: the tables and figures on one page that a code host renders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.report.beside import Robustness
from bench.report.board import Board
from bench.report.crops import Crops
from bench.report.table import Table, to_markdown


@dataclass(frozen=True)
class Section:
    """What the page says of one data set."""

    board: Board
    tables: tuple[Table, ...]
    figures: tuple[Path, ...]
    crops: tuple[Crops, ...] = ()
    robustness: tuple[Robustness, ...] = ()


def write_markdown(path: Path, sections: Sequence[Section]) -> Path:
    """Write the page; figures are linked relative to it."""
    parts = []
    for section in sections:
        board = section.board
        environments = {entry.run: entry.environment for entry in board.entries}
        parts.append(f"# {board.dataset}\n")
        parts += [f"> {finding.severity}: {finding.message}\n" for finding in board.findings]
        pictures = [it for it in section.figures if it.suffix == ".png"]
        parts += [f"![{it.stem}]({it.relative_to(path.parent)})\n" for it in pictures]
        parts += [
            f"No cut-outs of {it.twins.first} and {it.twins.second}: {it.problem}.\n"
            for it in section.crops
            if it.problem
        ]
        parts += [to_markdown(table) for table in section.tables]
        for robust in section.robustness:
            parts.append(f"### Robustness\n\nOf run {robust.run}: [tables and figures]({robust.page})\n")
            parts += [f"![{Path(it).stem}]({it})\n" for it in robust.figures]
        for run, it in environments.items():
            facts = ", ".join(f"{key} {value}" for key, value in (it.machine | it.software).items())
            parts.append(f"Environment of run {run}: {facts}.\n")
    path.write_text("\n".join(parts), encoding="utf-8")
    return path
