"""What a run was measured with, as it is on this machine."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.engines.describing import installed_metric
from bench.engines.engine import Engine
from bench.engines.messages import Describe, Failed
from bench.errors import ConfigError
from bench.runs.store import RunInfo
from bench.text.plain import printable
from bench.trials.codec_ref import CodecRef, Description, MetricRef
from bench.trials.plan import CodecPlan, DecoderPlan, has_same_weights
from bench.verifying.record import CodecFlag

_COMPLEXITY = 0.01
"""Share by which a recorded number of a codec's complexity may be another."""


@dataclass(frozen=True)
class MetricsHere:
    """What can be taken on this machine of the run's metrics."""

    refs: Mapping[str, MetricRef]
    units: Mapping[str, str]
    unavailable: Mapping[str, str] = field(default_factory=dict)
    """Why one can't be taken again."""


def metrics_here(engine: Engine, info: RunInfo) -> MetricsHere:
    """The run's metrics as they are installed here.

    Parameters
    ----------
    info : ``run.json``, of which the names of metrics count, and not the code that it names
    """
    refs, units, unavailable = {}, {}, {}
    for metric in info.metrics:
        try:
            found = installed_metric(engine, metric.name)
        except ConfigError as error:
            unavailable[metric.name] = f"{metric.name} can't be taken here ({error})"
            continue
        if found.found.version != metric.version:
            unavailable[metric.name] = (
                f"{metric.name} is version {found.found.version} here, the run has {metric.version}"
            )
            continue
        refs[metric.name], units[metric.name] = found.ref, found.found.unit
    return MetricsHere(refs, units, unavailable)


@dataclass(frozen=True)
class CodecHere:
    """A codec of the run on this machine."""

    absent: str = ""
    """Why it does not run."""
    flags: tuple[CodecFlag, ...] = ()


def codec_here(engine: Engine, codec: CodecPlan) -> CodecHere:
    """Whether a codec runs here, and what of it is another than the run says.

    Parameters
    ----------
    engine : constructs it
    codec : as planned; an untrusted one runs only if it is installed
    """
    if codec.unavailable:
        return CodecHere()
    parts: list[tuple[CodecPlan | DecoderPlan, Description]] = []
    own: tuple[CodecRef, CodecPlan | DecoderPlan] = (codec.ref, codec)
    others = () if codec.decoder is None else ((codec.decoder_ref, codec.decoder),)
    for ref, part in (own, *others):
        answer = engine.describe(Describe(ref))
        if isinstance(answer, Failed):
            return CodecHere(f"it does not run here: {answer.reason}")
        parts.append((part, answer))
    for part, found in parts:
        if not has_same_weights(part, found):
            return CodecHere(
                "its weights are others here",
                (_flag(codec, "other weights", part.weights_sha256, found.weights_sha256),),
            )
    flags = [
        _flag(codec, "other version", part.version, found.version)
        for part, found in parts
        if part.version != found.version
    ]
    found = parts[0][1]
    if codec.lossless != found.lossless:
        flags.append(_flag(codec, "lossless?", codec.lossless, found.lossless))
    for name, recorded in codec.complexity.items():
        value = found.complexity.get(name)
        if value is not None and not math.isclose(value, recorded, rel_tol=_COMPLEXITY):
            flags.append(_flag(codec, f"{name}?", recorded, value))
    return CodecHere(flags=tuple(flags))


def _flag(codec: CodecPlan, flag: str, recorded: object, found: object) -> CodecFlag:
    return CodecFlag(label=codec.label, flag=flag, detail=printable(f"{recorded} recorded, {found} here"))
