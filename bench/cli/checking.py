"""``rdbench baseline`` and ``rdbench check``."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.api import resolve_suite
from bench.check.baseline import Snapshot, read_baseline, write_baseline
from bench.check.compare import Limits, compare
from bench.check.formats import FORMATS
from bench.check.gates import limits_of
from bench.check.snapshot import snapshot
from bench.check.text import as_text, headline
from bench.check.verdict import Verdict, worst_first
from bench.cli import console
from bench.cli.arguments import one_of
from bench.cli.console import TABLE_FORMATS
from bench.cli.exit_codes import EXIT_FAILED_TRIALS, EXIT_OK, EXIT_REGRESSION
from bench.cli.progress import Progress
from bench.errors import ConfigError
from bench.files.access import write_atomically
from bench.inputs.suite import Suite, load_suite
from bench.registry import is_file_target
from bench.runs.options import Options
from bench.runs.runner import run as run_suite
from bench.runs.store import is_run, read_info
from bench.trials.trust import Trust

if TYPE_CHECKING:
    from bench.check.exhibits import Exhibit
    from bench.check.speed import SpeedResult
    from bench.check.timing.abba import Schedule

PAGE_FILE = "verdict.html"
_SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"


@dataclass(frozen=True)
class CheckRequest:
    """What the command line asks for."""

    subject: Path
    baseline: Path | None
    limits: Path | None
    format: str
    output: Path | None
    update: bool
    timing: bool
    against: str | None
    rounds: int
    out: Path | None
    html: bool = False
    before: Path | None = None
    trust: bool = False

    def verify(self) -> None:
        """Refuse contradictory options before anything is measured.

        Raises
        ------
        ConfigError
            An option is missing, unknown, or has no meaning beside another one.
        """
        if self.format not in FORMATS:
            raise ConfigError(f"--format is one of {', '.join(FORMATS)}, not {self.format!r}")
        if self.timing != (self.against is not None):
            raise ConfigError(
                "--timing and --against go together: times are only compared with another installation"
                " that is measured on the same machine at the same time"
            )
        if self.baseline is None and not self.timing:
            raise ConfigError(
                "give --baseline FILE, or --timing --against ENV|WHEEL|FILE.py|COMMAND, or both"
            )
        if self.update and self.baseline is None:
            raise ConfigError("--update writes the baseline: name it with --baseline FILE")
        if self.timing and self.is_run:
            raise ConfigError(f"{self.subject}: to take times, give the suite file, not a run")
        if self.html and self.out is None:
            raise ConfigError("--html writes a page of the verdict: name its folder with --out DIR")
        if self.before is not None and not self.html:
            raise ConfigError("--before is the run whose pictures a page shows: it goes with --html")
        if self.before is not None and not is_run(self.before):
            raise ConfigError(f"--before {self.before}: no run folder")
        if self.limits is not None and not self.is_run:
            raise ConfigError(f"--limits is for a run folder; the limits of {self.subject} are in itself")

    @property
    def is_run(self) -> bool:
        """Whether the subject is a run folder rather than a suite file."""
        return self.subject.is_dir()


def baseline(run: Path, output: Path) -> None:
    """Write the results of a run to a baseline file."""
    results = snapshot(run)
    _require_complete(run, results)
    write_baseline(output, results)
    failed = len(results) - results.finished
    remark = f"; {failed} of them failed and are expected to" if failed else ""
    console.note(f"{output}: {len(results)} trials of {len(results.codecs)} codecs{remark}")


def _require_complete(run: Path, results: Snapshot) -> None:
    """Refuse gaps, since nothing would guard a trial that is missing from the baseline."""
    absent = sum(trial.status == "cancelled" for codec in results.codecs for trial in codec.trials)
    if absent:
        raise ConfigError(
            f"{run}: {absent} of {len(results)} trials were never measured; finish the run first"
        )


def history(places: Sequence[Path], labels: Sequence[str], out: Path | None, format: str) -> None:
    """Print the history of codecs, and write it where it is asked for."""
    from bench.check.history import histories, read_states
    from bench.check.history_views import history_table, write_history

    one_of("--format", format, tuple(TABLE_FORMATS))
    found = histories(read_states(places), labels)
    print("\n".join(TABLE_FORMATS[format](history_table(it)) for it in found), end="")
    if out is not None:
        *_, page = write_history(found, out)
        console.note(f"page: {page}")


def check(request: CheckRequest) -> int:
    """Compare, print the verdict, and return the exit code."""
    request.verify()
    reference = None if request.baseline is None else _reference(request.baseline, request.update)
    if request.is_run:
        suite = load_suite(request.limits) if request.limits else Suite()
    else:
        suite = load_suite(request.subject)
    if request.against is not None:
        _verify_sides(suite, request.against)
    limits = limits_of(suite)
    results, verdict = None, Verdict(())
    if request.baseline is not None:
        if request.is_run:
            results = snapshot(request.subject)
        else:
            results = _measured(suite, request.out, keep_bitstreams=request.html)
        if request.update:
            _require_complete(request.subject, results)
        if reference is not None:
            verdict = compare(reference, results, limits)
    if request.against is not None:
        verdict = _with_speed(verdict, _speed(suite, request.against, request.rounds, limits))
    if reference is not None or request.timing:
        _write(verdict, request)
    if request.html and request.out is not None:
        _write_page(verdict, reference, results, request, request.out)
    if request.update and request.baseline is not None and results is not None:
        write_baseline(request.baseline, results)
        console.note(f"{request.baseline}: holds the new state of {len(results)} trials now")
        verdict = replace(verdict, findings=tuple(it for it in verdict.findings if it.kind == "slower"))
    return exit_code(verdict)


def exit_code(verdict: Verdict) -> int:
    """The exit code of a verdict. An inconclusive one fails only if the limits say so."""
    if verdict.outcome == "inconclusive" and any(it.fails for it in verdict.findings):
        return EXIT_REGRESSION
    codes = {
        "regression": EXIT_REGRESSION,
        "environment changed": EXIT_REGRESSION,
        "failed": EXIT_FAILED_TRIALS,
    }
    return codes.get(verdict.outcome, EXIT_OK)


def _reference(path: Path, update: bool) -> Snapshot | None:
    """The baseline; None if it does not exist yet and is to be written."""
    return None if update and not path.exists() else read_baseline(path)


def _measured(suite: Suite, out: Path | None, *, keep_bitstreams: bool) -> Snapshot:
    """Measure everything again, since a codec may have changed without another version."""
    with ExitStack() as stack:
        folder = out or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rdbench-check-")))
        progress = stack.enter_context(Progress())
        options = Options(jobs=None, fresh=True, keep_bitstreams=keep_bitstreams)
        run_suite(resolve_suite(suite), folder, options, progress.events)
        return snapshot(folder)


def _verify_sides(suite: Suite, against: str) -> None:
    """Refuse to compare code with itself, which always passes: both sides find a codec file at one path."""
    timed = [it.codec for it in suite.codecs if suite.gate.refined(it.gate).max_slowdown is not None]
    files = {it.partition(":")[0] for it in timed if is_file_target(it)}
    if against.endswith(".py"):
        if len(files) != 1 or not all(map(is_file_target, timed)):
            raise ConfigError(
                f"--against {against}: stands for the one codec file of a suite, and this suite times others"
            )
    elif files:
        raise ConfigError(
            f"{min(files)}: --timing would compare this file with itself, since both sides load it from"
            " the same place; name its former version, --against OLD.py, or install the codec as a package in"
            " both"
        )


def _speed(suite: Suite, against: str, rounds: int, limits: Limits) -> SpeedResult:
    from bench.check.baseline import CodecResults
    from bench.check.speed import SpeedRequest, compare_speed
    from bench.check.timing.abba import Schedule
    from bench.check.timing.installation import open_installation, this_installation
    from bench.check.timing.subjects import subjects_of

    schedule = Schedule(rounds=rounds)
    with open_installation(against) as old:
        subjects = subjects_of(resolve_suite(suite))
        gates = {
            it.label: limits(
                CodecResults(label=it.label, codec=it.codec, version=it.version, config=it.config)
            )
            for it in subjects.plans
        }
        slowest = {label: it.max_slowdown for label, it in gates.items()}
        strict = frozenset(label for label, it in gates.items() if it.inconclusive == "fail")
        asked = SpeedRequest((old, this_installation()), subjects, slowest, schedule, strict)
        asked.require_sight()
        _announce(schedule, len(subjects.images))
        result = compare_speed(asked)
    for remark in result.remarks:
        console.note(remark)
    return result


def _announce(schedule: Schedule, images: int) -> None:
    console.note(
        f"timing {images} images, {schedule.samples} samples a point on each side over"
        f" {schedule.rounds} pairs of processes; leave the machine alone meanwhile"
    )


def _with_speed(verdict: Verdict, speed: SpeedResult) -> Verdict:
    return replace(verdict, findings=worst_first([*verdict.findings, *speed.findings]), speed=speed.cells)


def _write(verdict: Verdict, request: CheckRequest) -> None:
    text = FORMATS[request.format](verdict)
    if request.output is None:
        print(as_text(verdict, width=console.width()) if request.format == "text" else text, end="")
    else:
        write_atomically(request.output, text.encode())
        console.note(f"{headline(verdict)}; written to {request.output}")
    add_to_summary(FORMATS["markdown"](verdict))


def add_to_summary(text: str) -> None:
    """Add Markdown to the summary of a job of GitHub's, where this is one."""
    summary = os.environ.get(_SUMMARY_VARIABLE)
    if summary:
        try:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:  # the verdict stands
            console.note(f"{summary}: no summary is written ({error.strerror})")


def _write_page(
    verdict: Verdict, reference: Snapshot | None, results: Snapshot | None, request: CheckRequest, out: Path
) -> None:
    """Write the page of a verdict, with crops where there are two states to compare."""
    from bench.check.exhibits import ExhibitRuns, exhibits
    from bench.check.page import as_page

    shown: list[Exhibit] = []
    if reference is not None and results is not None:
        run = request.subject if request.is_run else out
        # of a suite the user has named the codecs in this call
        trust = Trust(request.trust, () if request.is_run else read_info(run).codecs)
        shown = exhibits(verdict, reference, results, ExhibitRuns(run, request.before, trust))
    page = out / PAGE_FILE
    page.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(page, as_page(verdict, shown, results).encode())
    console.note(f"page: {page}")
