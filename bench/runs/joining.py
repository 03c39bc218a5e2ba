"""The plans of several runs as one, or why they are none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import msgspec

from bench.errors import ConfigError
from bench.host.environment import Environment
from bench.inputs.shard import Shard
from bench.runs.store import RunInfo
from bench.trials.plan import CodecPlan, ImagePlan


@dataclass(frozen=True)
class JoiningRun:
    """A run that is joined with others."""

    folder: Path
    info: RunInfo


def joint_info(runs: Sequence[JoiningRun], note: Callable[[str], None]) -> RunInfo:
    """``run.json`` of all runs together: their images, codecs, operating points and machines.

    Raises
    ------
    ConfigError
        What two runs call the same is not, and the message names both; or they have other metrics, which are
        part of what a trial is.
    """
    first, *others = runs
    for other in others:
        _require_same_metrics(first, other)
    (environment, *further), _ = joint_environments(runs)
    shards = {it.info.shard for it in runs}
    return RunInfo(
        environment=environment,
        further_environments=tuple(further),
        several_machines=any(it.info.several_machines for it in runs)
        or any(it.id != environment.id for it in further),
        title=next((it.info.title for it in runs if it.info.title), ""),
        conditions=first.info.conditions if len({it.info.conditions for it in runs}) == 1 else "",
        datasets={key: it for run in reversed(runs) for key, it in run.info.datasets.items()},
        sources={key: it for run in reversed(runs) for key, it in run.info.sources.items()},
        shard=first.info.shard if len(shards) == 1 else None,
        images=_images(runs),
        codecs=_codecs(runs, note),
        metrics=first.info.metrics,
    )


def joint_environments(runs: Sequence[JoiningRun]) -> tuple[list[Environment], list[dict[str, str]]]:
    """The environments of all runs, and for each run what ``id`` stands there for one of its own.

    It is another one where a machine had other software than in a run before: the two are told apart.
    """
    found: list[Environment] = []
    names: list[dict[str, str]] = []
    for run in runs:
        former = {it.id: it for it in reversed(found)}
        machines: dict[str, dict[str, str]] = {}
        for its in run.info.environments:
            told_apart = its.beside(former[its.id].software) if its.id in former else its
            joint = Environment(machines.setdefault(its.id, told_apart.machine), its.software)
            if joint not in found:
                found.append(joint)
        names.append({name: Environment(it, {}).id for name, it in machines.items()})
    return found, names


def _require_same_metrics(one: JoiningRun, other: JoiningRun) -> None:
    mine, its = ({it.name: it.version for it in run.info.metrics} for run in (one, other))
    for name in dict.fromkeys((*mine, *its)):
        if name not in mine or name not in its:
            has, lacks = (one, other) if name in mine else (other, one)
            raise ConfigError(
                f"{has.folder} has the metric {name}, and {lacks.folder} has not; take it there too"
                f" (--metric {name})"
            )
        if mine[name] != its[name]:
            raise ConfigError(
                f"the metric {name} is of version {mine[name]} in {one.folder} and of version {its[name]} in"
                f" {other.folder}; measure one of them again"
            )


def _images(runs: Sequence[JoiningRun]) -> tuple[ImagePlan, ...]:
    """All images, those of a data set one after the other."""
    known: dict[tuple[str, str], tuple[JoiningRun, ImagePlan]] = {}
    for run in runs:
        for image in run.info.images:
            other, former = known.setdefault((image.dataset, image.name), (run, image))
            if former != image:
                raise ConfigError(
                    f"{image.name} of {image.dataset} is another picture in {other.folder} (SHA-256"
                    f" {former.sha256[:12]}…) than in {run.folder} ({image.sha256[:12]}…)"
                )
    by_set: dict[str, list[ImagePlan]] = {}
    for image in dict.fromkeys(_in_order(runs)):
        by_set.setdefault(image.dataset, []).append(image)
    return tuple(chain.from_iterable(by_set.values()))


def _in_order(runs: Sequence[JoiningRun]) -> Iterator[ImagePlan]:
    """The images run by run; of shards in the order in which they were dealt out."""
    shards = [Shard.parse(it.info.shard or "1/1") for it in runs]
    if shards[0].of == 1 or len({it.of for it in shards}) > 1:
        yield from (image for run in runs for image in run.info.images)
        return
    dealt = [
        ((place, shard.number), image)
        for run, shard in zip(runs, shards, strict=True)
        for place, image in enumerate(run.info.images)
    ]
    yield from (image for _, image in sorted(dealt, key=lambda it: it[0]))


def _codecs(runs: Sequence[JoiningRun], note: Callable[[str], None]) -> tuple[CodecPlan, ...]:
    held: dict[tuple[str, str], tuple[JoiningRun, CodecPlan]] = {}
    labels: dict[str, tuple[JoiningRun, CodecPlan]] = {}
    for run in runs:
        for codec in run.info.codecs:
            if codec.identity not in held:
                other, namesake = labels.setdefault(codec.label, (run, codec))
                if namesake is not codec:
                    raise _conflict(other, namesake, run, codec, "give one of them another label")
                held[codec.identity] = run, codec
                continue
            other, former = held[codec.identity]
            if _made_like(former) != _made_like(codec):
                raise _conflict(other, former, run, codec, "measure one as the other was")
            if former.label != codec.label:
                note(
                    f"{codec.label} of {run.folder} is what {other.folder} calls {former.label}, which stays"
                )
            points = sorted({*former.qualities, *codec.qualities}, key=lambda q: -1.0 if q is None else q)
            held[codec.identity] = other, msgspec.structs.replace(former, qualities=tuple(points))
    return tuple(codec for _, codec in held.values())


def _made_like(codec: CodecPlan) -> tuple[object, ...]:
    """What is the same where two results of one configuration are to be equal."""
    return codec.build, codec.accepted, codec.lossless, codec.goal


def _conflict(
    one: JoiningRun, mine: CodecPlan, other: JoiningRun, its: CodecPlan, remedy: str
) -> ConfigError:
    """The error about two configurations that tables or the journal could not tell apart."""
    told = "; ".join(
        f"{what} {was} and {now}"
        for (what, was), (_, now) in zip(_facts(mine), _facts(its), strict=True)
        if was != now
    )
    return ConfigError(
        f"{mine.label} of {one.folder} and {its.label} of {other.folder} can't be one: {told}; {remedy}"
    )


def _facts(codec: CodecPlan) -> Iterator[tuple[str, str]]:
    """What two configurations may differ in, as an error tells it."""
    decoder = codec.recorded_decoder
    convert = codec.accepted.convert
    yield "codec", codec.codec
    yield "options", ", ".join(f"{key}={it}" for key, it in sorted(codec.config.items())) or "none"
    yield "version", codec.version if codec.unavailable is None else f"none ({codec.unavailable})"
    yield "weights", (codec.weights_sha256 or "none")[:12]
    yield "decoder", "its own" if decoder is None else f"{decoder} {decoder.config}"
    yield "conversions", f"alpha {convert.alpha or 'as it is'}, depth {convert.depth or 'as it is'}"
    yield "pictures", f"{codec.accepted.depths} {codec.accepted.channels}"
    yield "lossless", str(codec.lossless).lower()
    yield "target", "none" if codec.goal is None else str(codec.goal)
