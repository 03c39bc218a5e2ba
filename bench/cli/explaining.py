"""``rdbench explain``."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from bench.api import resolve_suite
from bench.cli import console
from bench.errors import ConfigError
from bench.explain.record import Row
from bench.explain.report import write_outcome
from bench.explain.runner import Events, Options, explain_all
from bench.explain.summary import codec_table, summary_table, write_summary
from bench.suite import Suite, parse_codec, parse_numbers

_FOLDER = Path("results/explain")
_MOST_LINES = 40
"""Rows for the terminal; of more, it shows one line for each codec."""
_SHOWN = frozenset(
    ("image", "codec", "quality", "status", "method", "bytes", "payload", "total", "deviation")
)
_STEP = 20


@dataclass(frozen=True)
class Request:
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
            device=None if self.device == "auto" else self.device,
        )


def explain(request: Request, options: Options) -> bool:
    """Explain, write the files, print the comparison; whether any trial failed."""
    suite = request.resolve()
    out = request.out or _FOLDER / "+".join(Path(it).stem for it in suite.datasets)
    rows: list[Row] = []
    planned = 0

    def started(count: int) -> None:
        nonlocal planned
        planned = count
        console.note(f"{count} to explain")

    try:
        for outcome in explain_all(suite, options, Events(note=console.note, started=started)):
            write_outcome(outcome, out, figure=request.figures)
            rows.append(outcome.row)
            if len(rows) % _STEP == 0 and len(rows) < planned:
                console.note(f"{len(rows)}/{planned}")
    except KeyboardInterrupt:
        console.note(f"interrupted after {len(rows)} of {planned}; the summary has those")
        raise
    finally:
        rows.sort(key=lambda it: (it.dataset, it.image, it.label, it.quality or 0.0))
        if rows:
            write_summary(rows, out)
    _print(rows)
    statuses = Counter(it.status for it in rows)
    told = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
    print(f"\n{len(rows)} of {planned} accounted for: {told}; files: {out}")
    return any(it.status not in ("ok", "not available") for it in rows)


def _print(rows: list[Row]) -> None:
    few = len(rows) <= _MOST_LINES
    table = summary_table(rows) if few else codec_table(rows)
    shown = [k for k, it in enumerate(table.columns) if not few or it.key in _SHOWN]
    print(f"{table.title}\n")
    console.print_table(
        [table.columns[k].title for k in shown],
        [[cells[k] for k in shown] for cells in table.text()],
        numeric_from=5 if few else 2,
    )
    for it in table.notes:
        print(it)
    if not few:
        return
    for row in rows:
        at = "" if row.quality is None else f"@{row.quality:g}"
        parts = [f"{name} {bits / 8:,.1f} B" for name, bits in row.overhead_bits.items()]
        told = [f"beside the payload: {', '.join(parts)}"] if parts else []
        told += [f"{row.status}: {row.reason}" if row.status != "ok" else row.reason] if row.reason else []
        if told:
            print(f"{row.label}{at} on {row.image}: {'; '.join(told)}")
