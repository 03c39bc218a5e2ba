"""Judging the speed of two installations: a verdict for each codec, quality and operation, and findings."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from bench.check.timing.abba import CellKey, Problem, Samples, Schedule, Timed, measure_abba
from bench.check.timing.installation import Installation
from bench.check.timing.statistics import Judgement, detectable_at_best, estimate, judge, round_ratios
from bench.check.timing.subjects import TimedCodec, TimedSuite
from bench.check.verdict import Change, CheckFinding, Kind, SpeedCell
from bench.errors import ConfigError

_WORTH_SEEING = 1.10
"""The ratio that a schedule must be able to show at least, since a limit may be stricter than any
schedule."""


@dataclass(frozen=True)
class SpeedRequest:
    """What to compare: the old and the new installation, codecs and images, and the limit of each label."""

    installations: tuple[Installation, Installation]
    subjects: TimedSuite
    limits: dict[str, float | None]
    schedule: Schedule
    strict: frozenset[str] = frozenset()
    """Labels for which an inconclusive comparison fails."""

    def require_sight(self) -> None:
        """Refuse a schedule with too few rounds for any slow-down at the limits to show.

        Raises
        ------
        ConfigError
            The message has the number of rounds that would be enough.
        """
        limits = {it.label: self.limits[it.label] for it in self.subjects.codecs}
        stated = [it for it in limits.values() if it is not None]
        if not stated:
            return
        cells = 2 * sum(len(it.qualities) for it in self.subjects.codecs if limits[it.label] is not None)
        limit = max(_WORTH_SEEING, min(stated))
        rounds = self.schedule.rounds
        if detectable_at_best(rounds, cells) > limit:
            enough = next(it for it in itertools.count(rounds) if detectable_at_best(it, cells) <= limit)
            raise ConfigError(
                f"--rounds {rounds}: in {cells} comparisons even a quiet machine shows no slow-down under"
                f" {detectable_at_best(rounds, cells):.2f}, so that a limit of {min(stated):.2f} would hold"
                f" nothing back; give --rounds {enough} or more"
            )


@dataclass(frozen=True)
class SpeedResult:
    """The cells in the order of the suite, the findings about them, and remarks."""

    cells: tuple[SpeedCell, ...]
    findings: tuple[CheckFinding, ...]
    remarks: tuple[str, ...] = ()


def compare_speed(
    request: SpeedRequest, progress: Callable[[int, int], None] = lambda done, total: None
) -> SpeedResult:
    """Measure two installations and judge their speed.

    Cells that seem slower are measured a second time, and fail only if that confirms it. Codecs whose
    ``max_slowdown`` is off are left out.

    Parameters
    ----------
    request : what to compare
    progress : called with the number of finished and of all measurements
    """
    subjects = [it for it in request.subjects.codecs if request.limits[it.label] is not None]
    timed = _measured(request, subjects, progress)
    judged = _judged(timed, request.limits)
    cells = {key: _cell(key, timed.cells[key], it, request) for key, it in judged.items()}
    final = dict(timed.cells)
    suspects = [key for key, it in judged.items() if it.word == "slower"]
    if suspects:
        again = _measured(request, _only(subjects, suspects), progress)
        confirmed = _judged(
            Timed({key: again.cells[key] for key in suspects if key in again.cells}), request.limits
        )
        for key, it in confirmed.items():
            final[key] = again.cells[key]
            first = f"first {judged[key].ratio:.3f}"
            detail = f"measured twice, {first}" if it.word == "slower" else f"{first}, not confirmed"
            cells[key] = _cell(key, again.cells[key], it, request, detail)
        timed = Timed(timed.cells, (*timed.problems, *again.problems), timed.remarks)
    findings = [
        it
        for key, cell in cells.items()
        for it in _findings(cell, final[key], strict=cell.label in request.strict)
    ]
    findings += [_problem(it, request) for it in timed.problems]
    return SpeedResult(tuple(cells.values()), tuple(findings), (*timed.remarks, *_sight(cells.values())))


def _sight(cells: Iterable[SpeedCell]) -> Iterator[str]:
    """A remark about slow-downs that could not have been detected although they exceed the limit."""
    blind = [it for it in cells if it.word == "inconclusive"]
    if blind:
        worst = max(blind, key=lambda it: it.detectable)
        point = "" if worst.quality is None else f" at {worst.quality:g}"
        yield (
            f"{len(blind)} comparisons are inconclusive; the smallest slow-down that could have been seen is"
            f" {worst.detectable:.2f} in the worst of them ({worst.operation} of {worst.label}{point}): more"
            " --rounds or a quieter machine show smaller ones"
        )


def _measured(
    request: SpeedRequest, subjects: list[TimedCodec], progress: Callable[[int, int], None]
) -> Timed:
    return measure_abba(request.installations, subjects, request.subjects.images, request.schedule, progress)


def _judged(timed: Timed, limits: dict[str, float | None]) -> dict[CellKey, Judgement]:
    keys = list(timed.cells)
    estimates = [estimate(round_ratios(timed.cells[key].old, timed.cells[key].new)) for key in keys]
    return dict(zip(keys, judge(estimates, [limits[key[0]] for key in keys]), strict=True))


def _only(subjects: list[TimedCodec], keys: list[CellKey]) -> list[TimedCodec]:
    """The subjects restricted to the operating points of some cells."""
    found = []
    for subject in subjects:
        points = tuple(q for q in subject.qualities if any(key[:2] == (subject.label, q) for key in keys))
        if points:
            found.append(TimedCodec(subject.label, subject.codec, subject.target, subject.config, points))
    return found


def _cell(
    key: CellKey, samples: Samples, judgement: Judgement, request: SpeedRequest, detail: str = ""
) -> SpeedCell:
    label, quality, operation = key
    if judgement.word == "inconclusive":
        blind = f"no slow-down under {judgement.detectable:.2f} could be seen"
        detail = "; ".join(filter(None, (detail, blind)))
    return SpeedCell(
        label,
        quality,
        operation,
        judgement.ratio,
        judgement.interval,
        request.limits[label],
        request.schedule.samples,
        judgement.word,
        detail,
        judgement.detectable,
    )


def _findings(cell: SpeedCell, samples: Samples, *, strict: bool) -> Iterator[CheckFinding]:
    kinds: dict[str, Kind] = {"slower": "slower", "faster": "improved", "inconclusive": "inconclusive"}
    if cell.word not in kinds:
        return
    kind = kinds[cell.word]
    low, high = cell.interval
    detail = f"{cell.ratio:.3f} over all images, 99% interval {low:.3f} to {high:.3f}"
    limit = None if cell.limit is None else 100 * (cell.limit - 1)
    changes = sorted(_changes(samples), key=lambda it: -it.amount) if kind != "inconclusive" else ()
    yield CheckFinding(
        kind,
        kind == "slower" or (kind == "inconclusive" and strict),
        cell.label,
        cell.quality,
        f"{cell.operation} time",
        "%",
        limit,
        tuple(changes),
        "; ".join(filter(None, (detail, cell.detail))),
    )


def _changes(samples: Samples) -> Iterator[Change]:
    """For each image the median seconds before and now, and the increase in percent."""
    ratios = np.median(round_ratios(samples.old, samples.new), axis=0)
    for row, image in enumerate(samples.images):
        old, new = (float(np.median(it[:, row])) for it in (samples.old, samples.new))
        yield Change(image, old, new, 100 * (math.exp(float(ratios[row])) - 1))


def _problem(problem: Problem, request: SpeedRequest) -> CheckFinding:
    """A new side that fails is a failure; an old one that does leaves nothing to compare with."""
    kind: Kind = "failed" if problem.of_new_side else "inconclusive"
    fails = problem.of_new_side or problem.label in request.strict
    return CheckFinding(kind, fails, problem.label, None, "time", detail=problem.message)
