"""``rdbench merge``."""

from __future__ import annotations

from pathlib import Path

from bench.cli import console
from bench.runs.merge import merge as merge_runs


def merge(runs: list[Path], out: Path) -> None:
    """Join runs, and tell what is in the new folder."""
    summary = merge_runs(runs, out, console.note)
    failed = ", ".join(f"{count} {it}" for it, count in sorted(summary.statuses.items()) if it != "ok")
    console.note(
        f"{summary.statuses['ok']} of {summary.planned} trials ok"
        + (f"; failed: {failed}" if failed else "")
        + (f"; {summary.compared} of several runs, compared" if summary.compared else "")
        + f"; run folder: {out}"
    )
