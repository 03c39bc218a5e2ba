"""``rdbench explain``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.api import resolve_suite
from bench.cli import console
from bench.engines import LOCAL
from bench.engines.engine import EngineOptions
from bench.errors import ConfigError
from bench.inputs.suite import Suite, parse_codec, parse_numbers
from bench.studies.explain.pages import write_explained
from bench.studies.explain.record import ExplainRow
from bench.studies.explain.runner import ExplainEvents, explain_all
from bench.studies.explain.summary import codec_table, summary_table, write_summary
from bench.tables.table import Table

_FOLDER = Path("results/explain")
_MOST_LINES = 40
"""Rows for the terminal; of more, it shows one line for each codec."""
_STEP = 20


@dataclass(frozen=True)
class ExplainRequest:
    """What the command line says."""

    names: list[str]
    """Codecs, and the image file last where no data set is named."""
    suite: Path | None
    datasets: list[str] | None
    quality: str | None
    limit: int | None
    out: Path | None
    figures: bool
    device: str
    recursive: bool = False

    def resolve(self) -> Suite:
        """The codecs and pictures that are meant."""
        names, datasets = list(self.names), self.datasets
        if not datasets and not (self.suite and not names):
            if not names:
                raise ConfigError(
                    "explain what? name a codec and an image: rdbench explain jpeg@50 photo.png"
                )
            datasets = [names.pop()]
            if not Path(datasets[0]).exists():
                raise ConfigError(f"{datasets[0]}: no such image; give one after the codecs, or --dataset")
        if names and self.suite:
            raise ConfigError(f"--suite names the codecs; leave out {', '.join(names)}")
        return resolve_suite(
            self.suite,
            codecs=[parse_codec(it) for it in names] if names else None,
            datasets=datasets,
            quality=parse_numbers(self.quality, "--quality") if self.quality else None,
            limit=self.limit,
            recursive=self.recursive or None,
            device=None if self.device == "auto" else self.device,
        )


def explain(request: ExplainRequest, means: EngineOptions, engine: str = LOCAL) -> bool:
    """Explain, write the files, print the comparison; whether any trial failed."""
    suite = request.resolve()
    out = request.out or _FOLDER / default_folder(suite.datasets)
    rows: list[ExplainRow] = []
    planned = 0

    def started(count: int) -> None:
        nonlocal planned
        planned = count
        console.note(f"{count} to explain")

    try:
        events = ExplainEvents(note=console.note, started=started)
        for explained in explain_all(suite, means, events, engine):
            write_explained(explained, out, figure=request.figures)
            rows.append(explained.row)
            if len(rows) % _STEP == 0 and len(rows) < planned:
                console.note(f"{len(rows)}/{planned}")
    except KeyboardInterrupt:
        console.note(
            f"interrupted after {len(rows)} of {planned}; the summary in {out} has those"
            if rows
            else "interrupted before the first picture was explained; there is no summary"
        )
        raise
    finally:
        rows.sort(key=lambda it: (it.dataset, it.image, it.label, it.quality or 0.0))
        if rows:
            write_summary(rows, out)
    _print(rows)
    statuses = Counter(it.status for it in rows)
    counts = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
    print(f"\n{len(rows)} of {planned} accounted for: {counts}; files: {out}")
    return not rows or any(it.status not in ("ok", "not available") for it in rows)


def default_folder(datasets: Sequence[str]) -> Path:
    """A folder of its own for each picture or folder of pictures: its way from the working directory."""
    if len(datasets) > 1:
        return Path("+".join(Path(it).stem for it in datasets))
    path = Path(datasets[0]).expanduser()
    if not path.exists():
        return path
    full, working = path.resolve(), Path.cwd()
    inside = full != working and full.is_relative_to(working)
    relative = full.relative_to(working if inside else full.anchor)
    return relative if path.is_dir() else relative.with_suffix("")


def _print(rows: list[ExplainRow]) -> None:
    few = len(rows) <= _MOST_LINES
    table = summary_table(rows) if few else codec_table(rows)
    console.print_result(table)
    print()
    for text in (*table.notes, *(_remarks(rows) if few else _reasons(table))):
        console.print_text(text)


def _remarks(rows: Sequence[ExplainRow]) -> Iterator[str]:
    """Of each picture what the table has no room for."""
    for row in rows:
        at = "" if row.quality is None else f"@{row.quality:g}"
        parts = [f"{name} {bits / 8:,.1f} B" for name, bits in row.overhead_bits.items()]
        remarks = [f"beside the payload: {', '.join(parts)}"] if parts else []
        if row.reason:
            remarks.append(row.reason if row.status == "ok" else f"{row.status}: {row.reason}")
        if remarks:
            yield f"{row.label}{at} on {row.image}: {'; '.join(remarks)}"


def _reasons(table: Table) -> Iterator[str]:
    """The reasons of the table by codec, each with the codecs that it is of."""
    place = {it.key: k for k, it in enumerate(table.columns)}
    labels: dict[str, list[str]] = {}
    for cells in table.text():
        at = "" if cells[place["quality"]] == "–" else f"@{cells[place['quality']]}"
        labels.setdefault(cells[place["reason"]], []).append(cells[place["codec"]] + at)
    for reason, named in labels.items():
        if reason:
            yield f"{', '.join(named)}: {reason}"
