"""A plan minus what is done -> measurements in the store."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from bench.engines import open_engine
from bench.engines.describing import describe_suite, with_threads
from bench.engines.engine import Engine
from bench.engines.messages import Repeat
from bench.errors import ConfigError
from bench.host import kernel_cache
from bench.inputs.datasets import CATALOGUE, Dataset, open_dataset
from bench.inputs.suite import Suite
from bench.runs.asked_metrics import asked_metrics
from bench.runs.goals import ImageSearch, Searched, SearchImage, firsts_and_others, searches, taught
from bench.runs.machines import RunMachines
from bench.runs.measure import MeasuredTrial, MeasureTrial
from bench.runs.options import Events, Options
from bench.runs.resume import (
    finished,
    joined_info,
    metrics_of_folder,
    require_given,
    require_same_sets,
    require_same_shard,
    without_history,
)
from bench.runs.store import LineSelector, RunInfo, RunWriter, is_run, read_info
from bench.trials.measurement import Measurement
from bench.trials.plan import CodecPlan, MetricPlan, ResolvedSuite, Trial, make_plan, trials

_CROWDED = 0.25
"""Of the processors, the share that others may keep busy beside a timed run without a remark."""


@dataclass(frozen=True, repr=False)
class Summary:
    """How a run ended."""

    folder: Path
    planned: int
    measured: int
    reused: int
    statuses: Counter[str] = field(default_factory=Counter)
    """Of this run's planned trials, measured now or before."""
    other_codecs: tuple[str, ...] = ()
    """Labels that the folder holds and this suite does not ask for."""
    other_images: tuple[str, ...] = ()
    codecs: tuple[CodecPlan, ...] = ()
    """What this suite asks for."""
    metrics: tuple[MetricPlan, ...] = ()
    """What was taken."""

    def __repr__(self) -> str:
        return f"{self.folder}: {self.statuses['ok']} of {self.planned} trials ok; {len(self.codecs)} codecs"

    @property
    def failed(self) -> int:
        """Planned trials that are not ``ok``."""
        return self.planned - self.statuses["ok"]


def run(
    suite: Suite,
    folder: Path,
    options: Options = Options(),
    events: Events = Events(),
    engine: Engine | None = None,
) -> Summary:
    """Measure what a suite asks for and the run folder does not hold yet.

    Parameters
    ----------
    engine : the engine that ``options`` name, by a caller that started it early, to save the time it takes to
        load, and closes it

    Raises
    ------
    ConfigError, DatasetError
        The suite cannot be planned; nothing has been measured.
    StoreError
        The folder is in use by another run, or not readable by this version.
    KeyboardInterrupt
        Passed on after the workers have ended; what was measured is in the store.
    """
    if engine is None:
        with open_engine(
            options.engine, replace(options.of_engine, note=events.note, hidden=(folder,))
        ) as own:
            return run(suite, folder, options, events, own)
    # before the folder is made: a mistyped data set leaves none
    datasets = tuple(
        open_dataset(it, progress=events.fetching, recursive=suite.recursive) for it in suite.datasets
    )
    _require_names(datasets)
    for dataset in datasets:
        events.note(_pictures_of(dataset, suite.limit))
        for remark in dataset.remarks(suite.limit):
            events.note(remark)
    if options.shard is not None:
        datasets = options.shard.of_datasets(datasets, suite.limit)
        events.note(f"shard {options.shard}: {sum(len(it.images) for it in datasets)} of these images")
    with RunWriter(folder) as writer:
        return _Run(suite, datasets, options, events, engine, writer).measure()


@dataclass(frozen=True)
class _Run:
    """What takes part in a run."""

    suite: Suite
    datasets: tuple[Dataset, ...]
    options: Options
    events: Events
    engine: Engine
    writer: RunWriter

    def measure(self) -> Summary:
        """Describe, plan, and measure what is missing."""
        self._note_conditions()
        _require_processors(self.options, self.engine)
        resolved, task = self._planned()
        info, todo, pieces, planned = self._to_do(resolved, task)
        pending = len(todo) + sum(len(it.values) for it in pieces)
        statuses = Counter({"ok": planned - pending})
        self.events.started(pending, planned)
        taken = _Taken(self, RunMachines(info, self.engine, self.writer, self.events), statuses)
        for result in self.engine.run(task, todo):
            taken.take(result)
            taken.count(result.label, result.measurement)
        self._search(task, pieces, taken)
        if taken.timed:
            _note_disturbance(taken.timed, self.events)
        labels = {it.label for it in resolved.plan.codecs}
        return Summary(
            self.writer.folder,
            planned,
            pending,
            planned - pending,
            statuses,
            tuple(it.label for it in info.codecs if it.label not in labels),
            tuple(it.name for it in info.images if it not in resolved.files),
            resolved.plan.codecs,
            resolved.plan.metrics,
        )

    def _search(self, task: MeasureTrial, pieces: Sequence[ImageSearch], taken: _Taken) -> None:
        """Make the searches: on the first image of each data set, then with what that has taught."""
        quick = replace(task, timing="load", repeat=Repeat(), keep_bitstreams=False)
        search = SearchImage(quick if self.options.timing else task, task)
        firsts, others = firsts_and_others(pieces)
        found = []
        if begun := [it for it in firsts if it.values]:
            found = [taken.search(it) for it in self.engine.run(search, begun)]
        if rest := taught((it for it in others if it.values), firsts, found):
            for result in self.engine.run(search, rest):
                taken.search(result)
        if targets := taken.searches["targets"]:
            self.events.note(
                f"{taken.searches['within']} of {targets} targets are reached within the tolerance, with"
                f" {taken.searches['trials'] / targets:.1f} trials each"
            )

    def _note_conditions(self) -> None:
        if remark := kernel_cache.remark():
            self.events.note(remark)
        if not self.engine.isolated:
            self.events.note(
                f"the engine {self.options.engine} isolates nothing: a codec that crashes or"
                " hangs takes the run along, and what is measured is marked"
            )

    def _planned(self) -> tuple[ResolvedSuite, MeasureTrial]:
        """The plan, and what is done with each of its trials."""
        folder, options = self.writer.folder, self.options
        metrics = asked_metrics(self.engine, self.suite, self.events.note)
        if is_run(folder) and not options.fresh:
            before = read_info(folder)
            require_same_shard(folder, before, options.shard)
            require_same_sets(folder, before, self.datasets)
            require_given(before, self.suite)
            metrics += metrics_of_folder(before, metrics, self.engine, self.events)
        suite = with_threads(self.engine, self.suite, options.threads, self.events.note)
        described = describe_suite(self.engine, suite, metrics)
        resolved = make_plan(suite, self.datasets, described)
        for text in resolved.left_out:
            self.events.note(text)
        task = MeasureTrial(
            resolved.plan.metrics,
            timing="alone" if options.timing else "load",
            repeat=Repeat(warmup=1, samples=options.repeats) if options.timing else Repeat(),
            metrics_device=described.metrics_device,
            isolation="process" if self.engine.isolated else "none",
            keep_bitstreams=options.keep_bitstreams,
        )
        return resolved, task

    def _to_do(
        self, resolved: ResolvedSuite, task: MeasureTrial
    ) -> tuple[RunInfo, list[Trial], list[ImageSearch], int]:
        """What the folder holds from now on, the trials that are missing, all searches, and how many rows."""
        writer, plan = self.writer, resolved.plan
        if self.options.fresh:
            writer.archive()
        info = joined_info(writer.folder, plan, self.engine.machines, self.datasets, self.events)
        info = msgspec.structs.replace(info, shard=self.options.shard and str(self.options.shard))
        if is_run(writer.folder):
            info = without_history(writer.folder, info, plan, self.options, self.events)
        if self.suite.title:
            info = msgspec.structs.replace(info, title=self.suite.title)
        if self.suite.conditions:
            info = msgspec.structs.replace(info, conditions=self.suite.conditions)
        done, lacking = finished(writer.folder, info, self.options, task.isolation)
        writer.write_info(info)
        if self.options.prune:
            selector = LineSelector(info)
            if former := writer.prune(lambda it: selector.row(it) is not None or selector.is_of_search(it)):
                self.events.note(f"removed results that are not asked for; the journal with them is {former}")
        asked = [
            ((it.codec.label, it.image.dataset, it.image.name, it.key), it)
            for it in trials(plan, resolved.files)
        ]
        todo = [replace(it, former=lacking.get(row)) for row, it in asked if row not in done]
        pieces = searches(writer.folder, info, resolved, self.options, task.isolation)
        return info, todo, pieces, len(asked) + sum(len(it.codec.qualities) for it in pieces)


@dataclass(frozen=True)
class _Taken:
    """Takes results into the store."""

    run: _Run
    machines: RunMachines
    statuses: Counter[str]
    timed: list[Measurement] = field(default_factory=list)
    searches: Counter[str] = field(default_factory=Counter)
    """How many targets there were, how many of them were reached, and by how many trials."""

    def take(self, *results: MeasuredTrial, outcomes: Sequence[Measurement] = ()) -> None:
        """Write trials, and what they have reached, all at once: a search is in the journal or is not."""
        writer = self.run.writer
        for result in results:
            measurement = result.measurement
            if result.bitstream is not None and measurement.bitstream_sha256:
                writer.keep_bitstream(measurement.bitstream_sha256, result.bitstream)
            self.machines.saw(measurement.environment)
            if measurement.cpu_share is not None:
                self.timed.append(measurement)
        writer.append(*(it.measurement for it in results), *outcomes)

    def count(self, label: str, row: Measurement) -> None:
        """Count what was planned."""
        self.statuses[row.status] += 1
        self.run.events.measured(label, row)

    def search(self, result: Searched) -> Searched:
        """Write a search, and count what it has reached; given back without bitstreams."""
        self.take(*result.trials, outcomes=result.outcomes)
        for outcome in result.outcomes:
            self.count(result.label, outcome)
            self.searches["within"] += outcome.reached is not None and outcome.reached.within
        self.searches["targets"] += len(result.outcomes)
        self.searches["trials"] += len(result.trials)
        return replace(result, trials=tuple(replace(it, bitstream=None) for it in result.trials))


def _require_processors(options: Options, engine: Engine) -> None:
    """Refuse threads without a processor each, or without precise times, which alone tell what they gain."""
    if not options.threads:
        return
    if not options.timing:
        raise ConfigError("--threads goes with --timing: beside other trials, threads have no processors")
    most = min((it.processors for it in engine.machines if it.processors is not None), default=None)
    if min(options.threads) < 1 or (most is not None and max(options.threads) > most):
        raise ConfigError(
            f"--threads {','.join(map(str, options.threads))}: each is from 1 to {most or 'as many'}, the"
            " processors that this run may use"
        )


def _require_names(datasets: Sequence[Dataset]) -> None:
    """Tables know a data set by its name alone."""
    by_name: dict[str, str] = {}
    for dataset in datasets:
        if (first := by_name.setdefault(dataset.name, dataset.source)) != dataset.source:
            raise ConfigError(
                f"two data sets are called {dataset.name!r} ({first}, {dataset.source}); rename one of the"
                " folders, or run them apart, each with an --out of its own"
            )
    if len(by_name) < len(datasets):
        raise ConfigError("a data set is named twice; name it once")


def _pictures_of(dataset: Dataset, limit: int | None) -> str:
    """Which pictures a name stands for."""
    count = len(dataset.images)
    taken = count if limit is None or limit >= count else f"the first {limit} of {count}"
    place = "the catalogue's" if dataset.source == CATALOGUE else f"of {dataset.source}"
    return f"data set {dataset.name}: {taken} images, {place}"


def _note_disturbance(timed: list[Measurement], events: Events) -> None:
    """Tell whether other processes had part in the times of trials that ran alone."""
    load = os.getloadavg()[0]
    disturbed = [it for it in timed if it.disturbed]
    if disturbed:
        worst = min(disturbed, key=lambda it: it.cpu_share or 0.0)
        events.note(
            f"times of {len(disturbed)} of {len(timed)} trials are too long: other processes took part of the"
            f" processor ({worst.codec} on {worst.image} had {worst.cpu_share:.0%} of it, the load average is"
            f" {load:.1f}); on an idle machine the same command measures these again"
        )
    elif load > 1 + _CROWDED * (os.cpu_count() or 1):  # the timed work itself is 1
        events.note(
            f"the load average is {load:.1f}: other processes ran beside this one. They left it its"
            " processor, but memory and caches are shared, and times may be too long"
        )
