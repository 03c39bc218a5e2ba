"""``report.md``: the tables and figures on one page that a code host renders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.report.board import Board
from bench.report.table import Table, to_markdown


def write_markdown(path: Path, sections: Sequence[tuple[Board, Sequence[Table], Sequence[Path]]]) -> Path:
    """Write the page; figures are linked relative to it."""
    parts = []
    for board, tables, figures in sections:
        environments = {entry.run: entry.environment for entry in board.entries}
        parts.append(f"# {board.dataset}\n")
        parts += [f"> {finding.severity}: {finding.message}\n" for finding in board.findings]
        parts += [f"![{it.stem}]({it.relative_to(path.parent)})\n" for it in figures if it.suffix == ".png"]
        parts += [to_markdown(table) for table in tables]
        for run, it in environments.items():
            facts = ", ".join(f"{key} {value}" for key, value in (it.machine | it.software).items())
            parts.append(f"Environment of run {run}: {facts}.\n")
    path.write_text("\n".join(parts), encoding="utf-8")
    return path
