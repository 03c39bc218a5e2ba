"""``rdbench distribution``: data-set metrics of a finished run."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.cli import console
from bench.files.access import subfolder
from bench.studies.session import StudyOptions
from bench.studies.set_metrics.measure import measure_sets
from bench.studies.set_metrics.record import SET_METRICS_FILE, SetMeasurement
from bench.studies.set_metrics.table import set_metric_table
from bench.tables.table import write_tables

_FOLDER = ("report", "tables")


def distribution(run: Path, metric: str, options: StudyOptions, device: str) -> bool:
    """Compute what is missing, print and write the table; whether pictures were missing."""
    results = measure_sets(run, metric, options, device, _tell)
    table = set_metric_table(results)
    write_tables([table], subfolder(run, *_FOLDER))
    print()
    console.print_result(table)
    print()
    for note in [*table.notes, *_reasons(results)]:
        console.print_text(note)
    print(f"\n{run / SET_METRICS_FILE}; `rdbench report {shlex.quote(str(run))}` draws it")
    return any(it.failed for it in results)


def _reasons(results: Sequence[SetMeasurement]) -> Iterator[str]:
    """Why there is no value, each reason once."""
    named: dict[str, list[str]] = {}
    for found in results:
        if found.reason:
            at = "" if found.quality is None else f"@{found.quality:g}"
            named.setdefault(found.reason, []).append(f"{found.label}{at} on {found.dataset}")
    for reason, points in named.items():
        yield f"No value for {', '.join(points)}: {reason}"


def _tell(found: SetMeasurement) -> None:
    at = "" if found.quality is None else f" at quality {found.quality:g}"
    value = found.reason if found.value is None else f"{found.value:.4f}"
    console.note(f"{found.metric} of {found.label}{at} on {found.dataset}: {value}")
