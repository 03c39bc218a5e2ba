"""``rdbench robustness``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.cli import console
from bench.report.study_results import ROBUSTNESS_FOLDER
from bench.studies.robustness.record import InputProbe, Probe
from bench.studies.robustness.report import write_robustness
from bench.studies.robustness.runner import Events, Options, probe_run
from bench.studies.robustness.tables import bitstream_table, input_table

_STEP = 500
_SHOWN = frozenset(
    (
        *("label", "quality", "corruption", "inflation", "delta_input", "delta_clean", "ok", "planned"),
        *("damage", "probes", "detected", "crashed", "wrong", "unchanged", "psnr"),
    )
)
"""Columns for the terminal; the files have all."""


def robustness(run: Path, options: Options, out: Path | None) -> None:
    """Probe a finished run; print the tables, write them and the figures."""
    progress = _Progress(run)
    try:
        result = probe_run(run, options, Events(started=progress.started, measured=progress.measured))
    except KeyboardInterrupt:
        console.note(f"interrupted; what was probed is in {run}, and the same command goes on from there")
        raise
    folder = out or run / ROBUSTNESS_FOLDER
    write_robustness(run, result, folder)
    for table in (input_table(result), bitstream_table(result)):
        shown = [index for index, column in enumerate(table.columns) if column.key in _SHOWN]
        print(f"\n{table.title}\n")
        console.print_table(
            [table.columns[index].title for index in shown],
            [[cells[index] for index in shown] for cells in table.text()],
            numeric_from=3,
        )
        for note in table.notes:
            console.print_text(note)
    print(f"\nreport: {folder / 'robustness.md'}")


@dataclass
class _Progress:
    """A line now and then; probes are many and short."""

    run: Path
    total: int = 0
    done: int = 0
    failed: int = 0

    def started(self, pending: int, planned: int) -> None:
        self.total = pending
        console.note(f"{planned} probes planned, {planned - pending} done before, {pending} to take")

    def measured(self, probe: Probe) -> None:
        self.done += 1
        self.failed += isinstance(probe, InputProbe) and probe.status != "ok"
        if self.done % _STEP == 0 or self.done == self.total:
            failed = f", {self.failed} corrupted pictures failed" if self.failed else ""
            console.note(f"{self.done}/{self.total} probes{failed}")
