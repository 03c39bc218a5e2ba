"""What a run folder holds already: whether it goes with a new plan, and which of its results serve."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from bench.engines.describing import installed_metric
from bench.engines.engine import Engine, Machine
from bench.errors import ConfigError
from bench.files.given_codecs import is_given, no_longer_given
from bench.host.environment import Environment
from bench.inputs.datasets import Dataset
from bench.inputs.shard import Shard
from bench.inputs.suite import Suite
from bench.runs.machines import are_several, machine_notes
from bench.runs.options import Events, Options
from bench.runs.store import BITSTREAM_FOLDER, LineSelector, RunInfo, is_run, read_info, read_journal
from bench.trials.codec_ref import DescribedMetric
from bench.trials.measurement import Isolation, Measurement
from bench.trials.plan import CodecPlan, Plan


def require_same_sets(folder: Path, before: RunInfo, datasets: Sequence[Dataset]) -> None:
    """Refuse another data set of a name that the folder holds already: they would share a mean.

    A folder of pictures may move, and gain or lose some; where it is another one and its pictures are others
    too, it is another data set.

    Raises
    ------
    ConfigError
        Names both, and a run folder for the new one.
    """
    for dataset in datasets:
        old = {(it.name, it.sha256) for it in before.images if it.dataset == dataset.name}
        new = {(it.name, it.sha256) for it in dataset.images}
        former = before.sources.get(dataset.name)
        # runs of older versions do not say where their pictures came from
        shared = old & new if former is None else old <= new or new <= old
        if old and former != dataset.source and not shared:
            path = Path(dataset.source)
            raise ConfigError(
                f"{folder}: holds another data set called {dataset.name!r}"
                + (f" (of {former})" if former else "")
                + f" than {dataset.source}, and they would share a mean; keep this one in a run folder of its"
                f" own: --out {folder.with_name(f'{path.parent.name}-{path.name}')}"
            )


def require_same_shard(folder: Path, before: RunInfo, shard: Shard | None) -> None:
    """Refuse another part of the images than the folder holds: former results would leave the reports.

    Raises
    ------
    ConfigError
        Names both.
    """
    asked = None if shard is None else str(shard)
    if before.shard != asked:
        held, now = (f"shard {it}" if it else "all images" for it in (before.shard, asked))
        same = f"--shard {before.shard}" if before.shard else "no --shard"
        raise ConfigError(
            f"{folder}: is of {held}, and this command of {now}; go on with {same}, or give another --out and"
            " join both with `rdbench merge`"
        )


def require_given(before: RunInfo, suite: Suite) -> None:
    """Refuse the mere name of a codec that was an object of a Python session: no folder keeps those.

    Raises
    ------
    ConfigError
        Says how to give it again.
    """
    given = {it.codec for it in before.codecs if is_given(it.target)}
    for name in given & {it.codec for it in suite.codecs}:
        raise no_longer_given(name)


def metrics_of_folder(
    before: RunInfo, asked: Sequence[DescribedMetric], engine: Engine, events: Events
) -> list[DescribedMetric]:
    """The metrics that a folder holds and nobody asks for; one that is not installed here is told.

    They are taken too: a trial measured again without them would lose its values of them.
    """
    found: list[DescribedMetric] = []
    names = {it.ref.name for it in asked}
    for name in (it.name for it in before.metrics if it.name not in names):
        try:
            found.append(installed_metric(engine, name))
        except ConfigError as error:
            events.note(f"{error}; what is measured now has no values of it")
    if found:
        events.note(f"also takes {', '.join(it.ref.name for it in found)}, which this folder has")
    return found


def joined_info(
    folder: Path, plan: Plan, machines: Sequence[Machine], datasets: Sequence[Dataset], events: Events
) -> RunInfo:
    """``run.json`` for the plan, joined with what the folder holds already; what changed since is told.

    One machine takes the place of another one. Where there were several, or are now, they add up: those that
    the folder names stay, and the others are named as soon as they have measured something.

    Parameters
    ----------
    plan : of the command at hand
    machines : of the engine at hand
    datasets : those of the plan, for their places and licences

    Raises
    ------
    ConfigError
        The engine has no machine.
    """
    sources = {it.name: it.source for it in datasets}
    licences = {it.name: it.entry.spec.licence for it in datasets if it.entry is not None}
    if not machines:
        raise ConfigError("the engine has no machine to work on")
    first, further = machines[0].environment, list[Environment]()
    several = are_several(machines)
    before = read_info(folder) if is_run(folder) else None
    for text in machine_notes(before, machines):
        events.note(text)
    if before is not None:
        for text in (*_changes(before, plan), *_changed_codecs(folder, before, plan)):
            events.note(text)
        several = several or before.several_machines
        if several:
            first, *further = before.environments
        plan = before.plan.merged(plan)
        licences = {key: it for key, it in before.datasets.items() if key not in sources} | licences
        sources = before.sources | sources
    return RunInfo(
        environment=first,
        further_environments=tuple(further),
        several_machines=several,
        title="" if before is None else before.title,
        conditions="" if before is None else before.conditions,
        datasets=licences,
        sources=sources,
        images=plan.images,
        codecs=plan.codecs,
        metrics=plan.metrics,
    )


def _changes(before: RunInfo, plan: Plan) -> Iterator[str]:
    """What is another metric or picture than when the folder was written, and what follows."""
    versions = {it.name: it.version for it in before.metrics}
    for metric in plan.metrics:
        if (old := versions.get(metric.name, metric.version)) != metric.version:
            yield (
                f"{metric.name} changed ({old} -> {metric.version}): codecs that are not run again now keep"
                " values of the former definition"
            )
    if replaced := before.plan.replaced(plan):
        yield (
            f"{len(replaced)} pictures are others than before ({_first([it.name for it in replaced])}):"
            " former results of them are ignored; give another --out to keep both"
        )


def without_history(folder: Path, info: RunInfo, asked: Plan, options: Options, events: Events) -> RunInfo:
    """``run.json`` without what the folder holds, but not for every image, and nobody asks for now.

    Parameters
    ----------
    info : of :func:`joined_info`
    asked : the plan of the command at hand
    """
    before = read_info(folder).plan
    if options.prune:
        whole = Plan(asked.images, asked.codecs, info.metrics)
    else:
        selector = LineSelector(info)
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
    for codec in before.codecs:
        if codec.label not in points and codec.identity not in identities:
            told.append(codec.label)
            continue
        still = points.get(codec.label, codec.qualities)
        if lost := [f"{q:g}" for q in codec.qualities if q is not None and q not in still]:
            told.append(f"{codec.label} at {', '.join(lost)}")
    names = {(it.dataset, it.name) for it in now.images}
    images = [it.name for it in before.images if (it.dataset, it.name) not in names]
    if images:
        told.append(f"{len(images)} image{'s' if len(images) > 1 else ''} ({_first(images)})")
    return "; ".join(told)


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def _changed_codecs(folder: Path, before: RunInfo, plan: Plan) -> Iterator[str]:
    """Which codecs changed since: results of another version or other weights are history."""
    former = {(it.codec, it.label): it for it in before.codecs}
    changed = []
    for new in plan.codecs:
        old = former.get((new.codec, new.label), new)
        if not new.unavailable and any(old.build_of(it) != new.build_of(it) for it in old.qualities):
            changed.append((old, new))
    if not changed:
        return
    selector = LineSelector(before)
    now = {old.label: new for old, new in changed}
    keys: dict[str, set[str]] = defaultdict(set)
    for line in read_journal(folder):
        codec = selector.codec_of(line) if line.status == "ok" else None
        if codec is None or codec.label not in now:
            continue
        if codec.build_of(line.quality) != now[codec.label].build_of(line.quality):
            keys[codec.label].add(line.key)
    for old, new in changed:
        if keys[old.label]:
            change = _change(old, new)
            count = len(keys[old.label])
            yield f"{new.label} changed ({change}): its {count} former results are ignored"


def _change(old: CodecPlan, new: CodecPlan) -> str:
    """What of two builds that differ is another one."""
    if old.version != new.version:
        return f"{old.version} -> {new.version}"
    if old.weights_sha256 != new.weights_sha256:
        return "other weights"
    return f"decoder {old.recorded_decoder or 'its own'} -> {new.recorded_decoder or 'its own'}"


Row = tuple[str, str, str, str]
"""Label, data set, image and key of a trial."""


def finished(
    folder: Path, info: RunInfo, options: Options, isolation: Isolation
) -> tuple[set[Row], dict[Row, Measurement]]:
    """The trials that need not run again, and results that lack only bitstreams or precise times.

    Those of searches are in :mod:`bench.runs.goals`. Configurations that share a checkpoint share its keys,
    and each has a row of its own.

    Of several lines for one trial the last decides, which is what tables show. A failure runs again: what
    made it fail may be mended. So does what was measured without isolation, where there is isolation now, and
    what was not sealed, where that is asked for.

    Parameters
    ----------
    info : what counts from now on; other lines are history
    options : bitstreams that are to be kept, and precise times, have to be there
    isolation : of the engine at hand
    """
    selector = LineSelector(info)
    labels = [it.label for it in info.codecs for _ in it.qualities]
    done: dict[int, Row] = {}
    lacking: dict[int, tuple[Row, Measurement]] = {}
    for line in read_journal(folder):
        row = None if line.reached is not None else selector.row(line)
        if row is None:
            continue
        done.pop(row, None)
        lacking.pop(row, None)
        if line.status == "ok" and is_isolated(line, isolation, options):
            trial = (labels[row // len(info.images)], line.dataset, line.image, line.key)
            if serves(line, folder, options):
                done[row] = trial
            else:
                lacking[row] = trial, line
    return set(done.values()), dict(lacking.values())


def is_isolated(it: Measurement, isolation: Isolation, options: Options) -> bool:
    """Whether a result was measured in as much isolation as it would be now, where somebody wants that."""
    return it.isolation == "sealed" or (
        not options.sealed and (it.isolation == "process" or isolation == "none")
    )


def serves(it: Measurement, folder: Path, options: Options) -> bool:
    """Whether a result is all that a run with these options would give.

    Times of any machine that the run names are: who wants them of one machine takes a folder of its own.
    """
    if it.status != "ok":
        return False
    if options.timing and (it.timing != "alone" or len(it.encode_s) < options.repeats or it.disturbed):
        return False
    kept = folder / BITSTREAM_FOLDER / str(it.bitstream_sha256)
    return not options.keep_bitstreams or kept.exists()
