"""A plan minus what is done -> measurements in the store."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bench import registry
from bench.engines.devices import device_of
from bench.engines.local import default_jobs, pinned_cpu, run_trials
from bench.engines.messages import Describe, DescribeMetric, Failed, Repeat
from bench.engines.worker_handle import Died, Limits, Worker, share_of_memory
from bench.engines.zygote import Zygote
from bench.errors import ConfigError
from bench.host import kernel_cache
from bench.host.device import DeviceName
from bench.host.environment import Environment, current
from bench.inputs.datasets import CATALOGUE, Dataset, Progress, catalog, open_dataset
from bench.inputs.suite import Suite
from bench.runs.measure import Outcome, Recipe, measure
from bench.runs.store import BITSTREAM_FOLDER, RunInfo, RunWriter, Selector, is_run, read_info, read_journal
from bench.trials.codec_ref import CodecRef, Description, MetricDescription
from bench.trials.measurement import DISTURBED, Measurement, TimingMode
from bench.trials.plan import CodecPlan, Host, MetricPlan, Plan, Trial, make_plan, trials

_CROWDED = 0.25
"""Of the processors, the share that others may keep busy beside a timed run without a remark."""


@dataclass(frozen=True)
class Options:
    """How to run a suite; none of it changes what a codec produces."""

    jobs: int | None = 1
    """Trials at a time; None for one on each processor, or fewer on a GPU."""
    timeout: float = 300.0
    """Seconds that one encode, decode or scoring may take."""
    timing: bool = False
    """Measure times in earnest: one trial at a time, pinned, warmed up, repeated."""
    repeats: int = 5
    fresh: bool = False
    """Measure everything again; the former journal is set aside."""
    keep_bitstreams: bool = False
    prune: bool = False
    """Remove what the suite does not ask for from the run; the former journal is kept beside the new one."""


@dataclass(frozen=True)
class Events:
    """What a caller may want to know while a run goes on."""

    note: Callable[[str], None] = lambda text: None
    """Something that the user should read: the environment changed, a codec is unavailable."""
    started: Callable[[int, int], None] = lambda pending, planned: None
    measured: Callable[[str, Measurement], None] = lambda label, measurement: None
    """Called with the label of the configuration too: several may be of one codec."""
    fetching: Progress = lambda name, done, total: None


@dataclass(frozen=True)
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

    @property
    def failed(self) -> int:
        """Planned trials that are not ``ok``."""
        return self.planned - self.statuses["ok"]


def run(
    suite: Suite,
    folder: Path,
    options: Options = Options(),
    events: Events = Events(),
    zygote: Zygote | None = None,
) -> Summary:
    """Measure what a suite asks for and the run folder does not hold yet.

    A caller that can start ``zygote`` early saves the time it takes to load, and closes it.

    Raises
    ------
    ConfigError, DatasetError
        The suite cannot be planned; nothing has been measured.
    StoreError
        The folder is in use by another run, or not readable by this version.
    KeyboardInterrupt
        Passed on after the workers have ended; what was measured is in the store.
    """
    if zygote is None:
        with Zygote() as own:
            return run(suite, folder, options, events, own)
    # before the folder is made: a mistyped data set leaves none
    datasets = tuple(
        open_dataset(it, progress=events.fetching, recursive=suite.recursive) for it in suite.datasets
    )
    _require_names(datasets)
    for dataset in datasets:
        events.note(_told(dataset, suite.limit))
        for remark in dataset.remarks(suite.limit):
            events.note(remark)
    with RunWriter(folder) as writer:
        return _run((suite, datasets), writer, options, events, zygote)


def _run(
    asked: tuple[Suite, tuple[Dataset, ...]],
    writer: RunWriter,
    options: Options,
    events: Events,
    zygote: Zygote,
) -> Summary:
    suite, datasets = asked
    environment = current()
    if remark := kernel_cache.remark():
        events.note(remark)
    limits = Limits(timeout=options.timeout, memory=share_of_memory())
    with _Describer(zygote, limits) as describer:
        metrics = tuple(describer.metric(name) for name in suite.metrics)
        if is_run(writer.folder) and not options.fresh:
            _require_same_sets(writer.folder, read_info(writer.folder), datasets)
            metrics += _also_taken(read_info(writer.folder), suite, describer, events)
        host = Host(describer.codec, describer.device, events.note, describer.gpu_metrics)
        plan, files = make_plan(suite, datasets, metrics, host)
        metrics_device = describer.metrics_device(suite, plan)
    if options.fresh:
        writer.set_aside()
    info = _resumed_info(writer, plan, environment, datasets, events)
    if is_run(writer.folder):
        info = _without_history(writer.folder, info, plan, options, events)
    done = _finished(writer.folder, info, options)
    writer.write_info(info)
    if options.prune:
        selector = Selector(info)
        if former := writer.prune(lambda it: selector.row(it) is not None):
            events.note(f"removed results that are not asked for; the journal with them is {former}")

    everything = list(trials(plan, files))
    todo = [it for it in everything if (it.image.dataset, it.image.name, it.key) not in done]
    statuses = Counter({"ok": len(everything) - len(todo)})
    events.started(len(todo), len(everything))
    recipe = _recipe(plan, environment, options, metrics_device)
    timed: list[Measurement] = []
    for label, outcome in _outcomes(todo, zygote, options, recipe):
        measurement = outcome.measurement
        if options.keep_bitstreams and outcome.bitstream is not None and measurement.bitstream_sha256:
            writer.keep_bitstream(measurement.bitstream_sha256, outcome.bitstream)
        writer.append(measurement)
        statuses[measurement.status] += 1
        events.measured(label, measurement)
        if measurement.cpu_share is not None:
            timed.append(measurement)
    if timed:
        _note_disturbance(timed, events)
    labels = {it.label for it in plan.codecs}
    return Summary(
        writer.folder,
        len(everything),
        len(todo),
        len(everything) - len(todo),
        statuses,
        tuple(it.label for it in info.codecs if it.label not in labels),
        tuple(it.name for it in info.images if it not in files),
        plan.codecs,
    )


def _require_names(datasets: Sequence[Dataset]) -> None:
    """Tables know a data set by its name alone."""
    by_name: dict[str, str] = {}
    for it in datasets:
        if (first := by_name.setdefault(it.name, it.source)) != it.source:
            raise ConfigError(
                f"two data sets are called {it.name!r} ({first}, {it.source}); rename one of the folders, or"
                " run them apart, each with an --out of its own"
            )
    if len(by_name) < len(datasets):
        raise ConfigError("a data set is named twice; name it once")


def _told(dataset: Dataset, limit: int | None) -> str:
    """Which pictures a name stands for."""
    count = len(dataset.images)
    taken = count if limit is None or limit >= count else f"the first {limit} of {count}"
    place = "the catalogue's" if dataset.source == CATALOGUE else f"of {dataset.source}"
    return f"data set {dataset.name}: {taken} images, {place}"


def _require_same_sets(folder: Path, before: RunInfo, datasets: Sequence[Dataset]) -> None:
    """Two data sets of one name would share a mean.

    A folder may move, and gain or lose pictures; where it is another one and its pictures are others too, it
    is another data set.
    """
    for it in datasets:
        old = {(image.name, image.sha256) for image in before.images if image.dataset == it.name}
        new = {(image.name, image.sha256) for image in it.images}
        former = before.sources.get(it.name)
        # runs of older versions do not say where their pictures came from
        shared = old & new if former is None else old <= new or new <= old
        if old and former != it.source and not shared:
            path = Path(it.source)
            raise ConfigError(
                f"{folder}: holds another data set called {it.name!r}"
                + (f" (of {former})" if former else "")
                + f" than {it.source}, and they would share a mean; keep this one in a run folder of its own:"
                f" --out {folder.with_name(f'{path.parent.name}-{path.name}')}"
            )


def _note_disturbance(timed: list[Measurement], events: Events) -> None:
    """Tell whether other processes had part in the times of trials that ran alone."""
    load = os.getloadavg()[0]
    disturbed = [it for it in timed if _disturbed(it)]
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


def _disturbed(it: Measurement) -> bool:
    return it.cpu_share is not None and it.cpu_share < DISTURBED


def _also_taken(
    before: RunInfo, suite: Suite, describer: _Describer, events: Events
) -> tuple[MetricPlan, ...]:
    """The metrics that a folder holds and the suite does not ask for.

    They are taken too: a trial measured again without them would lose its values of them.
    """
    found = []
    for name in (it.name for it in before.metrics if it.name not in suite.metrics):
        try:
            found.append(describer.metric(name))
        except ConfigError as error:
            events.note(f"{error}; what is measured now has no values of it")
    if found:
        events.note(f"also takes {', '.join(it.name for it in found)}, which this folder has")
    return tuple(found)


def _recipe(plan: Plan, environment: Environment, options: Options, metrics: DeviceName) -> Recipe:
    mode: TimingMode = "alone" if options.timing else "load"
    repeat = Repeat(warmup=1, samples=options.repeats) if options.timing else Repeat()
    return Recipe(plan.metrics, environment.id, mode, repeat, metrics)


def _resumed_info(
    writer: RunWriter, plan: Plan, environment: Environment, datasets: Sequence[Dataset], events: Events
) -> RunInfo:
    """``run.json`` for the plan, joined with what the folder holds already."""
    specs = catalog()
    sources = {it.name: it.source for it in datasets}
    licences = {name: specs[name].licence for name in sources if name in specs}
    if is_run(writer.folder):
        before = read_info(writer.folder)
        changed = before.environment.differences(environment)
        if changed:
            consequence = (
                "another machine: everything is measured again"
                if before.environment.id != environment.id
                else "codecs whose version changed are measured again"
            )
            events.note(
                f"the environment differs from this run's former one ({'; '.join(changed)}): {consequence}"
            )
        _note_renewed(writer.folder, before, plan, events)
        versions = {it.name: it.version for it in before.metrics}
        for it in plan.metrics:
            if (old := versions.get(it.name, it.version)) != it.version:
                events.note(
                    f"{it.name} changed ({old} -> {it.version}): codecs that are not run again now keep"
                    " values of the former definition"
                )
        if replaced := before.plan.replaced(plan):
            names = ", ".join(it.name for it in replaced[:3]) + (", …" if len(replaced) > 3 else "")
            events.note(
                f"{len(replaced)} pictures are others than before ({names}): former results of them are left"
                " aside; give another --out to keep both"
            )
        plan = before.plan.merged(plan)
        licences = {key: it for key, it in before.datasets.items() if key not in sources} | licences
        sources = before.sources | sources
    return RunInfo(
        environment=environment,
        datasets=licences,
        sources=sources,
        images=plan.images,
        codecs=plan.codecs,
        metrics=plan.metrics,
    )


def _without_history(folder: Path, info: RunInfo, asked: Plan, options: Options, events: Events) -> RunInfo:
    """``run.json`` without what the folder holds, but not for every image, and nobody asks for now."""
    before = read_info(folder).plan
    if options.prune:
        whole = Plan(asked.images, asked.codecs, info.metrics)
    else:
        selector = Selector(info)
        measured = {row for it in read_journal(folder) if (row := selector.row(it)) is not None}
        whole = info.plan.without_gaps(asked, measured)
    if told := _left_out(before, whole):
        brings = (
            "" if options.prune else "; the command that asks for them brings them back, --prune removes them"
        )
        events.note(f"no longer in reports, since this command does not ask for them: {told}{brings}")
    return msgspec.structs.replace(info, images=whole.images, codecs=whole.codecs)


def _left_out(before: Plan, now: Plan) -> str:
    """What of a former plan is in the present one no more."""
    points = {it.label: it.qualities for it in now.codecs}
    identities = {it.identity for it in now.codecs}
    told = []
    for it in before.codecs:
        if it.label not in points and it.identity not in identities:
            told.append(it.label)
        elif lost := [
            f"{q:g}" for q in it.qualities if q is not None and q not in points.get(it.label, (q,))
        ]:
            told.append(f"{it.label} at {', '.join(lost)}")
    names = {(it.dataset, it.name) for it in now.images}
    images = [it for it in before.images if (it.dataset, it.name) not in names]
    if images:
        some = ", ".join(it.name for it in images[:3]) + (", …" if len(images) > 3 else "")
        told.append(f"{len(images)} image{'s' if len(images) > 1 else ''} ({some})")
    return "; ".join(told)


def _note_renewed(folder: Path, before: RunInfo, plan: Plan, events: Events) -> None:
    """Tell of codecs that changed since: results of another version or other weights are history."""
    former = {(it.codec, it.label): it for it in before.codecs}
    changed = []
    for it in plan.codecs:
        old = former.get((it.codec, it.label), it)
        if not it.unavailable and (old.version, old.weights_sha256) != (it.version, it.weights_sha256):
            changed.append((old, it))
    if not changed:
        return
    selector = Selector(before)
    keys: dict[str, set[str]] = defaultdict(set)
    for line in read_journal(folder):
        codec = selector.codec_of(line) if line.status == "ok" else None
        if codec is not None:
            keys[codec.label].add(line.key)
    for old, it in changed:
        if keys[old.label]:
            change = "other weights" if old.version == it.version else f"{old.version} -> {it.version}"
            count = len(keys[old.label])
            events.note(f"{it.label} changed ({change}): its {count} former results are left aside")


def _finished(folder: Path, info: RunInfo, options: Options) -> set[tuple[str, str, str]]:
    """The trials that need not run again, as (data set, image, key).

    Of several lines for one trial the last decides, which is what tables show. A failure runs again: what
    made it fail may be mended.
    """
    selector = Selector(info)
    last: dict[int, tuple[str, str, str] | None] = {}
    for it in read_journal(folder):
        row = selector.row(it)
        if row is not None:
            last[row] = (it.dataset, it.image, it.key) if _serves(it, folder, options) else None
    return {it for it in last.values() if it is not None}


def _serves(it: Measurement, folder: Path, options: Options) -> bool:
    """Whether a result is all that a run with these options would give."""
    if it.status != "ok":
        return False
    if options.timing and (it.timing != "alone" or len(it.encode_s) < options.repeats or _disturbed(it)):
        return False
    kept = folder / BITSTREAM_FOLDER / str(it.bitstream_sha256)
    return not options.keep_bitstreams or kept.exists()


class _Describer:
    """Constructs codecs and metrics in a worker to learn what they are; a broken one can't harm the run."""

    def __init__(self, zygote: Zygote, limits: Limits) -> None:
        self._worker = Worker(zygote, limits)
        self._learned_metrics = False
        self.gpu_metrics = False
        """Whether a metric described so far can use a GPU."""

    def __enter__(self) -> _Describer:
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.close()

    def codec(self, ref: CodecRef) -> Description | str:
        """A codec's description, or why it is unavailable."""
        answer = self._worker.ask(Describe(ref))
        if isinstance(answer, Description):
            return answer
        assert isinstance(answer, Failed | Died)
        if answer.status == "unsupported":
            return answer.message
        if isinstance(answer, Failed) and not answer.exception:
            raise ConfigError(answer.message)
        cause = f"{answer.exception}: " if isinstance(answer, Failed) else ""
        remedy = "; give it more with --timeout" if answer.status == "timeout" else ""
        raise ConfigError(f"codec {ref.target} cannot be constructed: {cause}{answer.message}{remedy}")

    def metric(self, name: str) -> MetricPlan:
        """A metric by its installed name."""
        target = registry.find(registry.METRICS, name)
        answer = self._worker.ask(DescribeMetric(target))
        if not isinstance(answer, MetricDescription):
            raise ConfigError(f"metric {name!r}: {answer.message}")
        self.gpu_metrics |= answer.takes_device
        self._learned_metrics |= answer.learned
        return MetricPlan(
            name,
            target,
            answer.version,
            answer.unit,
            answer.higher_is_better,
            answer.ideal,
            answer.title,
            answer.role,
        )

    def device(self, wanted: str) -> DeviceName:
        """Where ``auto``, ``cpu`` or ``cuda`` is on this machine."""
        return device_of(self._worker, wanted)

    def metrics_device(self, suite: Suite, plan: Plan) -> DeviceName:
        """Where the metrics run: with ``auto`` on a GPU only if a network of this run is there anyway.

        Pixel metrics alone are done on the CPU before torch has been imported.
        """
        networks = self._learned_metrics or any(it.on_gpu for it in plan.codecs)
        if not self.gpu_metrics or (suite.device == "auto" and not networks):
            return "cpu"
        return self.device(suite.device)


def _outcomes(
    todo: list[Trial], zygote: Zygote, options: Options, recipe: Recipe
) -> Iterator[tuple[str, Outcome]]:
    # Times are honest only where nothing else runs.
    gpu = recipe.metrics_device == "cuda" or any(it.codec.on_gpu for it in todo)
    jobs = 1 if options.timing else max(1, min(options.jobs or default_jobs(gpu=gpu), len(todo)))
    limits = Limits(
        timeout=options.timeout,
        memory=share_of_memory(jobs),
        cpu=pinned_cpu() if options.timing else -1,
    )
    return run_trials(
        todo, zygote, limits, jobs, lambda it, slot: (it.codec.label, measure(it, slot, recipe))
    )
