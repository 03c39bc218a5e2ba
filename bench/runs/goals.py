"""The searches of a run: which are to be made, how one is made where trials run, and what becomes of it.

The trials of a search are trials like any other: they stay in the journal, and a search that goes on, or one
for another value, begins with them. The trial that came nearest to a value is written once more, with
``reached``; that line is the row of the run's table.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from bench.engines.engine import Slot, Task
from bench.runs.measure import MeasuredTrial, MeasureTrial
from bench.runs.options import Options
from bench.runs.resume import is_isolated, serves
from bench.runs.search import NOTHING, Ended, Scale, Search, SearchPoint, Taught, nearest
from bench.runs.store import RunInfo, read_journal
from bench.trials.measurement import Isolation, Measurement, Reached
from bench.trials.plan import CodecPlan, Goal, ImagePlan, ResolvedSuite, Settings, TrialMaker, trial_makers

_NO_SETTINGS = Settings(0.0, 1.0, (0.5,))
"""Of a codec that is unavailable."""
_EDGE = 1e-12
_REFUSED = ("unsupported", "codec_error")
"""What becomes of a fraction that a codec does not take."""


@dataclass(frozen=True)
class ImageSearch:
    """All that is to be reached by one configuration on one image."""

    maker: TrialMaker
    goal: Goal
    settings: Settings
    lower_is_better: bool
    values: tuple[float, ...]
    """To be reached; those that were before are left out."""
    known: tuple[Measurement, ...] = ()
    """The image's trials in the journal, each quality once."""
    complete: frozenset[float] = frozenset()
    """Qualities of those that are all that a run with these options would give."""
    taught: Taught = NOTHING
    given: Mapping[float, float] = field(default_factory=dict)
    """Qualities that need no search, by value."""

    @property
    def codec(self) -> CodecPlan:
        """The configuration."""
        return self.maker.codec

    @property
    def image(self) -> ImagePlan:
        """The image."""
        return self.maker.image

    @property
    def path(self) -> Path:
        """Its file."""
        return self.maker.path

    @property
    def scale(self) -> Scale:
        """The axis on which values are compared."""
        return Scale(self.goal, self.lower_is_better)


@dataclass(frozen=True)
class Searched:
    """What came of the searches on one image."""

    label: str
    image: tuple[str, str]
    """Data set and name."""
    trials: tuple[MeasuredTrial, ...]
    """Made now, in their order."""
    outcomes: tuple[Measurement, ...]
    """One for each value."""


@dataclass(frozen=True)
class SearchImage(Task[ImageSearch, Searched]):
    """Makes the searches on an image one after the other, each with what those before have measured."""

    measure: MeasureTrial
    """How the trials on the way are measured."""
    last: MeasureTrial
    """And how those are that came nearest."""

    @property
    def on_gpu(self) -> bool:
        """Whether the metrics run there."""
        return self.measure.on_gpu

    def __call__(self, work: ImageSearch, slot: Slot) -> Searched:
        """Search for all values. What a codec does ends in the outcomes."""
        return _SearchedImage(self, work, slot).searched()


@dataclass(eq=False)
class _SearchedImage:
    """The trials of one image as they come about."""

    task: SearchImage
    work: ImageSearch
    slot: Slot
    made: list[MeasuredTrial] = field(default_factory=list)
    found: dict[float, Measurement] = field(default_factory=dict)
    """The last trial at each quality."""

    def searched(self) -> Searched:
        self.found = {it.quality: it for it in self.work.known if it.quality is not None}
        image, values, middle = self.work.image, self.work.values, len(self.work.values) // 2
        # from the middle, whose trials are nearest to all others
        order = sorted(values, key=lambda it: abs(values.index(it) - middle))
        ended = {value: self._given(value) or self._search(value) for value in order}
        outcomes = tuple(self._outcome(value, *ended[value]) for value in values)
        kept = {it.bitstream_sha256 for it in outcomes}
        trials = (
            it if it.measurement.bitstream_sha256 in kept else replace(it, bitstream=None) for it in self.made
        )
        return Searched(self.work.codec.label, (image.dataset, image.name), tuple(trials), outcomes)

    def _given(self, value: float) -> tuple[Ended, int] | None:
        """Measure a quality that is given; None where there is none."""
        quality = self.work.given.get(value)
        if quality is None or quality in self.found:
            return None if quality is None else (Ended(), 0)
        result = self._measure(quality, self.task.measure)
        return Ended("" if result.status == "ok" else _failure(result)), 1

    def _search(self, value: float) -> tuple[Ended, int]:
        """Why it ended, and how many trials were made for it."""
        scale = self.work.scale
        low, high = sorted(map(scale.at, self.work.goal.window(value)))
        if low < high:  # what rounding puts on the edge is not counted as within
            low, high = low + _EDGE * abs(low), high - _EDGE * abs(high)
        names = _Names(self.work.goal)
        search = Search(self.work.settings, scale.at(value), (low, high), self.work.taught, names)
        tried = 0
        while True:
            step = search.next(self._points(), whole=self._whole, tried=tried)
            if isinstance(step, Ended):
                return step, tried
            known = self.found.get(step)
            if known is not None:  # it has no value, or the search would not ask for it
                return Ended(_failure(known)), tried
            tried += 1
            result = self._measure(step, self.task.measure)
            if result.status != "ok" and not _is_refused_fraction(result):
                return Ended(_failure(result)), tried

    def _measure(self, quality: float, measure: MeasureTrial) -> Measurement:
        trial = measure(self.work.maker.at(quality), self.slot)
        self.made.append(trial)
        self.found[quality] = trial.measurement
        return trial.measurement

    def _points(self) -> list[SearchPoint]:
        return points_of(self.found.values(), self.work.scale)

    @property
    def _whole(self) -> bool:
        return self.work.taught.whole or takes_whole(self.found.values())

    def _outcome(self, value: float, ended: Ended, encodes: int) -> Measurement:
        """The line of the trial that came nearest, which is measured as it is to be where it was not."""
        chosen = self._nearest(value)
        quality = chosen.quality
        if chosen.status == "ok" and quality is not None and quality not in self.work.complete:
            chosen = chosen if self._is_last(chosen) else self._measure(quality, self.task.last)
        within = self.work.goal.is_within(chosen, value)
        reached = Reached(self.work.goal.of, value, within, "" if within else ended.reason, encodes)
        # the trial may be of a configuration that has the same weights there
        return msgspec.structs.replace(chosen, config=self.work.codec.config, reached=reached)

    def _nearest(self, value: float) -> Measurement:
        """The trial that came nearest to a value, or is given for it; a failed one where all have."""
        if value in self.work.given:
            return self.found[self.work.given[value]]
        point = nearest(self._points(), self.work.scale.at(value))
        if point is not None:
            return self.found[point.setting]
        trials = list(self.found.values())
        return next((it for it in reversed(trials) if not _is_refused_fraction(it)), trials[-1])

    def _is_last(self, chosen: Measurement) -> bool:
        """Whether a trial was made just now, and as the last one is to be made."""
        now = [it for it in self.made if it.measurement is chosen]
        last = self.task.last
        kept = not last.keep_bitstreams or any(it.bitstream is not None for it in now)
        return bool(now) and chosen.timing == last.timing and kept


@dataclass(frozen=True)
class _Names:
    """How a value of the axis is told."""

    goal: Goal

    def __call__(self, value: float) -> str:
        if math.isinf(value):
            return "identical pixels"
        raw = math.exp(value) if self.goal.of in ("bpp", "bytes") else abs(value)
        unit = {"bpp": "bpp", "bytes": "bytes"}.get(self.goal.of, self.goal.of)
        return f"{raw:.0f} bytes" if unit == "bytes" else f"{raw:.4g} {unit}"


def points_of(trials: Iterable[Measurement], scale: Scale) -> list[SearchPoint]:
    """The trials that have a value, by rising quality, each quality once."""
    found = {}
    for it in trials:
        value = scale.of(it)
        if value is not None and it.quality is not None:
            found[it.quality] = SearchPoint(it.quality, value, it.bitstream_sha256 or "")
    return [found[it] for it in sorted(found)]


def takes_whole(trials: Iterable[Measurement]) -> bool:
    """Whether a codec has refused a fraction, and took none."""
    fractions = [it for it in trials if it.quality is not None and not it.quality.is_integer()]
    return any(map(_is_refused_fraction, fractions)) and all(it.status != "ok" for it in fractions)


def taught_by(trials: Iterable[Measurement], scale: Scale) -> Taught:
    """What the trials of one image tell about others."""
    trials = list(trials)
    points = tuple((it.setting, it.value) for it in points_of(trials, scale) if math.isfinite(it.value))
    return Taught(points, takes_whole(trials))


def _failure(it: Measurement) -> str:
    why = "no value" if it.failure is None else str(it.failure).splitlines()[0]
    return f"quality {it.quality:g} gives none: {it.status}, {why}"


def searches(
    folder: Path, info: RunInfo, resolved: ResolvedSuite, options: Options, isolation: Isolation
) -> list[ImageSearch]:
    """Everything that is searched, with the trials in the journal; where all was reached before, no values.

    Parameters
    ----------
    info : what counts from now on
    options, isolation : as for :func:`bench.runs.resume.finished`
    """
    plan = resolved.plan
    if not any(it.goal for it in plan.codecs):
        return []
    lower = {it.name for it in plan.metrics if not it.higher_is_better}
    wanted: dict[tuple[str, str, str], list[_Held]] = {}
    given = resolved.given
    for maker in trial_makers(plan, resolved.files):
        if maker.codec.goal is not None:
            image = maker.image
            wanted.setdefault((image.dataset, image.name, maker.codec.codec), []).append(
                _Held(maker, {bpp: its[image.name] for bpp, its in given.get(maker.codec.label, {}).items()})
            )
    machines = {it.id for it in info.environments}
    for line in read_journal(folder):
        if line.environment not in machines or not is_isolated(line, isolation, options):
            continue
        for held in wanted.get((line.dataset, line.image, line.codec), ()):
            if line.key == held.maker.at(line.quality).key:
                held.take(line, is_complete=serves(line, folder, options))
    return [it.search(resolved, lower) for of_image in wanted.values() for it in of_image]


def _is_refused_fraction(it: Measurement) -> bool:
    """Whether a failure says that the codec takes whole numbers only."""
    fraction = it.quality is not None and not it.quality.is_integer()
    refused = it.status in _REFUSED and it.failure is not None and it.failure.phase == "encode"
    return fraction and refused


@dataclass(eq=False)
class _Held:
    """What the journal has of one configuration on one image."""

    maker: TrialMaker
    given: dict[float, float]
    trials: dict[float | None, Measurement] = field(default_factory=dict)
    complete: set[float] = field(default_factory=set)
    reached: set[float] = field(default_factory=set)

    @property
    def goal(self) -> Goal:
        goal = self.maker.codec.goal
        assert goal is not None
        return goal

    def take(self, line: Measurement, *, is_complete: bool) -> None:
        """Take in the next line."""
        if is_complete and line.quality is not None:
            self.complete.add(line.quality)
        if line.reached is None:
            self.trials[line.quality] = line
            return
        self.trials.setdefault(line.quality, msgspec.structs.replace(line, reached=None))
        if line.reached.of != self.goal.of:
            return
        # with another tolerance than then, it may be to be searched again
        same = line.reached.within == self.goal.is_within(line, line.reached.value)
        same = same and self.given.get(line.reached.value, line.quality) == line.quality
        if is_complete and same:
            self.reached.add(line.reached.value)
        else:
            self.reached.discard(line.reached.value)

    def search(self, resolved: ResolvedSuite, lower_is_better: Container[str]) -> ImageSearch:
        """What is still to be reached."""
        codec, goal = self.maker.codec, self.goal
        return ImageSearch(
            self.maker,
            goal,
            resolved.settings.get(codec.label, _NO_SETTINGS),
            goal.of in lower_is_better,
            tuple(q for q in codec.qualities if q is not None and q not in self.reached),
            tuple(it for it in self.trials.values() if it.status == "ok" or _is_refused_fraction(it)),
            frozenset(self.complete),
            given=self.given,
        )


def firsts_and_others(pieces: Sequence[ImageSearch]) -> tuple[list[ImageSearch], list[ImageSearch]]:
    """The first image of each data set and configuration, and all others, which it is to teach."""
    firsts = {_group(it): it for it in reversed(pieces)}
    return list(firsts.values()), [it for it in pieces if it is not firsts[_group(it)]]


def taught(
    others: Iterable[ImageSearch], firsts: Iterable[ImageSearch], made: Iterable[Searched]
) -> list[ImageSearch]:
    """Searches with what the first image of each data set and configuration has taught.

    Parameters
    ----------
    made : what came of the firsts that were searched now
    """
    trials = {_group(it): [*it.known] for it in firsts}
    for its in made:
        trials[its.image[0], its.label] += [it.measurement for it in its.trials]
    return [replace(it, taught=taught_by(trials[_group(it)], it.scale)) for it in others]


def _group(piece: ImageSearch) -> tuple[str, str]:
    return piece.image.dataset, piece.codec.label
