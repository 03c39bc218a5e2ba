"""``rdbench distribution``: data-set metrics of a finished run."""

from __future__ import annotations

from pathlib import Path

from bench.cli import console
from bench.distribution import Request, SetMeasurement, measure_sets, set_metric_table
from bench.report.table import WRITERS

_FOLDER = Path("report") / "tables"


def distribution(run: Path, request: Request) -> None:
    """Compute what is missing, print the table, write it beside the run's others."""
    results = measure_sets(run, request, _told)
    table = set_metric_table(results)
    folder = run / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for ending, write in WRITERS.items():
        (folder / f"{table.name}.{ending}").write_text(write(table), encoding="utf-8")
    print(f"\n{table.title}\n")
    console.print_table([it.title for it in table.columns], table.text(), numeric_from=2)
    for note in table.notes:
        print(note)


def _told(it: SetMeasurement) -> None:
    at = "" if it.quality is None else f" at quality {it.quality:g}"
    value = it.reason if it.value is None else f"{it.value:.4f}"
    console.note(f"{it.metric} of {it.label}{at} on {it.dataset}: {value}")
