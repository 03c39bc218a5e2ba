"""The speed of two installations -> cells with a word each, and findings."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from bench.check.verdict import Change, Finding, Kind, SpeedCell
from bench.timing.abba import CellKey, Problem, Samples, Schedule, Timed, measure_abba
from bench.timing.side import Side
from bench.timing.statistics import Judgement, estimate, judge, round_ratios
from bench.timing.subjects import Subject, Subjects


@dataclass(frozen=True)
class SpeedRequest:
    """What to compare: (old, new) installations, codecs and images, and the limit of each label."""

    sides: tuple[Side, Side]
    subjects: Subjects
    limits: dict[str, float | None]
    schedule: Schedule


@dataclass(frozen=True)
class SpeedResult:
    """Cells in the order of the suite, and what is worth saying of them."""

    cells: tuple[SpeedCell, ...]
    findings: tuple[Finding, ...]
    remarks: tuple[str, ...] = ()


def compare_speed(
    request: SpeedRequest, progress: Callable[[int, int], None] = lambda done, total: None
) -> SpeedResult:
    """Measure and judge. Cells that seem slower are measured again, and fail only if that says so too.

    Codecs whose ``max_slowdown`` is off are left out.
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
    findings = [it for key, cell in cells.items() for it in _findings(cell, final[key])]
    findings += [_problem(it) for it in timed.problems]
    return SpeedResult(tuple(cells.values()), tuple(findings), timed.remarks)


def _measured(request: SpeedRequest, subjects: list[Subject], progress: Callable[[int, int], None]) -> Timed:
    return measure_abba(request.sides, subjects, request.subjects.images, request.schedule, progress)


def _judged(timed: Timed, limits: dict[str, float | None]) -> dict[CellKey, Judgement]:
    keys = list(timed.cells)
    estimates = [estimate(round_ratios(timed.cells[key].old, timed.cells[key].new)) for key in keys]
    return dict(zip(keys, judge(estimates, [limits[key[0]] for key in keys]), strict=True))


def _only(subjects: list[Subject], keys: list[CellKey]) -> list[Subject]:
    """The subjects restricted to the operating points of some cells."""
    found = []
    for it in subjects:
        points = tuple(q for q in it.qualities if any(key[:2] == (it.label, q) for key in keys))
        if points:
            found.append(Subject(it.label, it.codec, it.target, it.config, points))
    return found


def _cell(
    key: CellKey, samples: Samples, judgement: Judgement, request: SpeedRequest, detail: str = ""
) -> SpeedCell:
    label, quality, operation = key
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
    )


def _findings(cell: SpeedCell, samples: Samples) -> Iterator[Finding]:
    kinds: dict[str, Kind] = {"slower": "slower", "faster": "improved", "inconclusive": "inconclusive"}
    if cell.word not in kinds:
        return
    kind = kinds[cell.word]
    low, high = cell.interval
    detail = f"{cell.ratio:.3f} over all images, 99% interval {low:.3f} to {high:.3f}"
    limit = None if cell.limit is None else 100 * (cell.limit - 1)
    changes = sorted(_changes(samples), key=lambda it: -it.amount) if kind != "inconclusive" else ()
    yield Finding(
        kind,
        kind == "slower",
        cell.label,
        cell.quality,
        f"{cell.operation} time",
        "%",
        limit,
        tuple(changes),
        "; ".join(filter(None, (detail, cell.detail))),
    )


def _changes(samples: Samples) -> Iterator[Change]:
    """Of each image the median seconds before and now, and by how many percent it takes longer."""
    ratios = np.median(round_ratios(samples.old, samples.new), axis=0)
    for row, image in enumerate(samples.images):
        old, new = (float(np.median(it[:, row])) for it in (samples.old, samples.new))
        yield Change(image, old, new, 100 * (math.exp(float(ratios[row])) - 1))


def _problem(problem: Problem) -> Finding:
    """A new side that fails is a failure; an old one that does leaves nothing to compare with."""
    kind: Kind = "failed" if problem.of_new_side else "inconclusive"
    return Finding(kind, problem.of_new_side, problem.label, None, "time", detail=problem.message)
