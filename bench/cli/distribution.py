"""``rdbench distribution``: data-set metrics of a finished run."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.cli import console
from bench.files.access import subfolder, write_atomically
from bench.studies.set_metrics.measure import (
    SET_METRICS_FILE,
    Request,
    SetMeasurement,
    measure_sets,
    set_metric_table,
)
from bench.tables.table import WRITERS

_FOLDER = ("report", "tables")


def distribution(run: Path, request: Request) -> bool:
    """Compute what is missing, print and write the table; whether pictures were missing."""
    results = measure_sets(run, request, _told)
    table = set_metric_table(results)
    folder = subfolder(run, *_FOLDER)
    for ending, write in WRITERS.items():
        write_atomically(folder / f"{table.name}.{ending}", write(table).encode())
    shown = [k for k, it in enumerate(table.columns) if it.key != "reason"]
    print(f"\n{table.title}\n")
    console.print_table(
        [table.columns[k].title for k in shown],
        [[cells[k] for k in shown] for cells in table.text()],
        numeric_from=2,
    )
    print()
    for it in [*table.notes, *_reasons(results)]:
        console.print_text(it)
    print(f"\n{run / SET_METRICS_FILE}; `rdbench report {shlex.quote(str(run))}` draws it")
    return any(it.failed for it in results)


def _reasons(results: Sequence[SetMeasurement]) -> Iterator[str]:
    """Why there is no value, each reason once."""
    named: dict[str, list[str]] = {}
    for it in results:
        if it.reason:
            at = "" if it.quality is None else f"@{it.quality:g}"
            named.setdefault(it.reason, []).append(f"{it.label}{at} on {it.dataset}")
    for reason, points in named.items():
        yield f"No value for {', '.join(points)}: {reason}"


def _told(it: SetMeasurement) -> None:
    at = "" if it.quality is None else f" at quality {it.quality:g}"
    value = it.reason if it.value is None else f"{it.value:.4f}"
    console.note(f"{it.metric} of {it.label}{at} on {it.dataset}: {value}")
