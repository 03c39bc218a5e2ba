"""``rdbench run``."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from bench import registry
from bench.api import default_folder, resolve_suite
from bench.cli import console
from bench.cli.progress import Progress
from bench.engines.engine import Engine
from bench.errors import ConfigError
from bench.inputs.datasets import is_known
from bench.inputs.suite import Device, Suite, parse_codec, parse_numbers, parse_points
from bench.runs.options import Options
from bench.runs.runner import Summary
from bench.runs.runner import run as run_suite
from bench.text.plain import some_of

_NAMED = 4


@dataclass(frozen=True)
class RunRequest:
    """What the command line says of a run."""

    suite: Path | None
    datasets: list[str] | None
    codecs: list[str] | None
    quality: str | None
    metrics: list[str] | None
    limit: int | None
    device: str
    out: Path | None
    report: bool
    recursive: bool = False
    conditions: str | None = None

    def resolve(self) -> Suite:
        """The suite that the suite file and the options describe together."""
        if self.device not in get_args(Device):
            raise ConfigError(f"--device is one of {', '.join(get_args(Device))}, not {self.device!r}")
        if self.suite is not None and (self.suite.is_dir() or not self.suite.exists()):
            raise ConfigError(f"{self.suite}: no such suite file{_meant(str(self.suite))}")
        return resolve_suite(
            self.suite,
            datasets=self.datasets,
            codecs=[parse_codec(it) for it in self.codecs] if self.codecs else None,
            quality=parse_points(self.quality, "--quality") if self.quality else None,
            metrics=self.metrics,
            limit=self.limit,
            recursive=self.recursive or None,
            device=None if self.device == "auto" else self.device,
            conditions=self.conditions,
            note=console.note,
        )


def thread_counts(text: str | None) -> tuple[int, ...]:
    """The numbers of threads that ``--threads`` names.

    Raises
    ------
    ConfigError
        One is no whole number.
    """
    numbers = parse_numbers(text, "--threads") if text is not None else ()
    if not all(it.is_integer() for it in numbers):
        raise ConfigError(f"--threads: {text!r} is not a list of whole numbers such as 1,2,4")
    return tuple(map(int, numbers))


def _meant(text: str) -> str:
    """The option that takes what was given in the place of a suite file."""
    if re.split("[:@]", text)[0] in registry.targets(registry.CODECS) or ".py:" in text:
        return f"; to measure this codec: rdbench run -c {text}"
    if is_known(text) or Path(text).is_dir():
        return f"; to measure on these images: rdbench run -d {text}"
    return ""


def run(request: RunRequest, options: Options, engine: Engine) -> bool:
    """Measure, print the summary, write the report; whether any trial failed."""
    suite = request.resolve()
    folder = request.out or default_folder(suite, options.shard)
    with Progress(bar=engine.isolated) as progress:  # a debugger has the terminal for itself
        try:
            summary = run_suite(suite, folder, options, progress.events, engine)
        except KeyboardInterrupt:
            console.note(
                f"interrupted; what was measured is in {folder}, and the same command goes on from there"
            )
            raise
    _print_summary(summary)
    if request.suite is not None:
        _print_others(summary)
    if request.report and summary.statuses["ok"]:
        from bench.cli import reporting
        from bench.report.selection import EVERYTHING
        from bench.trials.trust import Trust

        # of the codecs that the folder holds beside, only installed ones decode: it may be another's
        average = reporting.average_of(None, None, [folder])
        of_report = reporting.report_options(None, (), EVERYTHING, average)
        reporting.report([folder], options=replace(of_report, trust=Trust(named=summary.codecs)))
    return summary.failed > 0


def _print_summary(summary: Summary) -> None:
    failures = {status: count for status, count in summary.statuses.items() if status != "ok"}
    detail = ", ".join(f"{count} {status}" for status, count in sorted(failures.items()))
    failed = f"; failed: {detail}" if detail else ""
    count = f"{summary.statuses['ok']} of {summary.planned} trials ok ({summary.reused} from before)"
    console.note(f"{count}{failed}; run folder: {summary.folder}")


def _print_others(summary: Summary) -> None:
    """What a former suite left in the folder: it would not leave the leaderboard without a word."""
    groups = (("codec", summary.other_codecs), ("image", summary.other_images))
    told = ", ".join(f"{kind} {some_of(names, _NAMED)}" for kind, names in groups if names)
    if told:
        console.note(
            f"in the folder, but not in this suite: {told}; reports show them too (--prune removes them)"
        )
