"""What is here, asked of an engine: codecs, metrics and the GPU, and whether they work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import msgspec

from bench import registry
from bench.engines.engine import Engine
from bench.engines.messages import CheckCuda, Describe, DescribeMetric, Failed
from bench.errors import ConfigError
from bench.files.typed_json import Option
from bench.host.device import DeviceName, resolve
from bench.inputs.suite import CodecChoice, CodecEntry, CommandEntry, Suite
from bench.metrics.dataset import DATASET_METRICS
from bench.sealing.view import own_bytes
from bench.trials.codec_ref import (
    THREADS_OPTION,
    CodecRef,
    Described,
    DescribedCodec,
    DescribedMetric,
    Description,
    MetricDescription,
    MetricRef,
)
from bench.trials.plan import CodecPlan, DecoderPlan, has_same_weights, needs_bare

_COMMAND_METRIC = "bench.metrics.command:CommandMetric"

State = Literal["ok", "needs options", "unavailable", "broken"]


def describe_codec(engine: Engine, codec: CodecRef) -> Description | str:
    """A codec's description, or the reason why it is unavailable here.

    Parameters
    ----------
    codec : whether it is trusted decides what may be constructed, see :func:`bench.registry.load_codec`

    Raises
    ------
    ConfigError
        It cannot be constructed: its options do not fit, or it fails.
    """
    answer = engine.describe(Describe(codec))
    if isinstance(answer, Description):
        return answer
    if answer.status == "unsupported":
        return answer.message
    if answer.deliberate:
        raise ConfigError(answer.message)
    raise ConfigError(f"codec {codec.target} cannot be constructed: {answer.reason}{_remedy(answer)}")


def installed_metric(engine: Engine, name: str) -> DescribedMetric:
    """An installed metric by its name, which may be one that a run folder has.

    Raises
    ------
    ConfigError
        The name is unknown, or the metric cannot be constructed.
    """
    return _described_metric(engine, _installed_ref(name))


def describe_metric(engine: Engine, wanted: str | CommandEntry) -> DescribedMetric:
    """A metric that the user names.

    Parameters
    ----------
    wanted : an installed name, ``path/to/file.py:Class``, or a program

    Raises
    ------
    ConfigError
        The name is unknown, or the metric cannot be constructed.
    """
    if isinstance(wanted, CommandEntry):
        config = tuple(sorted(wanted.model_dump().items()))
        ref = MetricRef(wanted.name, _COMMAND_METRIC, config, trusted=True)
    elif registry.is_file_target(wanted):
        ref = MetricRef("", wanted, trusted=True)
    else:
        ref = _installed_ref(wanted)
    return _described_metric(engine, ref)


def _installed_ref(name: str) -> MetricRef:
    return MetricRef(name, registry.find(registry.METRICS, name), trusted=True)


def _described_metric(engine: Engine, ref: MetricRef) -> DescribedMetric:
    answer = engine.describe(DescribeMetric(ref))
    if isinstance(answer, Failed):
        raise ConfigError(f"metric {ref.name or ref.target!r}: {answer.reason}")
    return DescribedMetric(msgspec.structs.replace(ref, name=ref.name or answer.name), answer)


def describe_suite(engine: Engine, suite: Suite, metrics: Sequence[DescribedMetric] = ()) -> Described:
    """What a suite names, as it is here: all that :func:`bench.trials.plan.make_plan` has to know.

    Parameters
    ----------
    metrics : those to be taken; the suite's own may be only a part of them, or play no part

    Raises
    ------
    ConfigError
        An unknown codec, one that cannot be constructed, an option that it does not have, or a GPU that was
        asked for and is absent.
    """
    codecs = tuple(_describe_entry(engine, it, suite.device) for it in suite.codecs)
    if suite.device == "cuda":
        device_of(engine, "cuda")
    # With auto on a GPU only if a network of this run is there anyway: pixel metrics alone are done on the
    # CPU before torch has been imported.
    learned = any(it.found.learned for it in metrics)
    described = (it for codec in codecs for it in (codec, codec.decoder) if it is not None)
    on_gpu = any(
        isinstance(it.found, Description) and it.found.config.get("device") == "cuda" for it in described
    )
    wanted = suite.device if suite.device != "auto" or learned or on_gpu else "cpu"
    takes_device = any(it.found.takes_device for it in metrics)
    return Described(codecs, tuple(metrics), device_of(engine, wanted) if takes_device else "cpu")


def with_threads(engine: Engine, suite: Suite, counts: Sequence[int], note: Callable[[str], None]) -> Suite:
    """A suite that has each codec once for each number of threads.

    One that can't be told a number is there once, as it was; so is one whose spec has a number of its own.

    Parameters
    ----------
    counts : numbers of threads; none leaves the suite as it is
    note : told who stays alone, and why

    Raises
    ------
    ConfigError
        As of :func:`describe_codec`, of the codec without a number.
    """
    if not counts:
        return suite
    codecs: list[CodecEntry] = []
    for entry in suite.codecs:
        numbers = () if THREADS_OPTION in entry.config else counts
        with entry.located_errors():
            codecs += [*_each_number(engine, entry, numbers, note)] or [entry]
    return suite.model_copy(update={"codecs": tuple(codecs)})


def _each_number(
    engine: Engine, entry: CodecEntry, counts: Sequence[int], note: Callable[[str], None]
) -> Iterator[CodecEntry]:
    """The codec with each number that it takes; the one that it has anyway leaves it as it is."""
    target = codec_target(entry.codec)
    found = describe_codec(engine, named(target, entry))
    if isinstance(found, str):
        return
    refused: dict[str, list[int]] = {}
    for count in counts:
        if count == found.config.get(THREADS_OPTION, 1):
            yield entry
            continue
        config = entry.config | {THREADS_OPTION: count}
        try:
            describe_codec(engine, named(target, entry, config))
        except ConfigError as error:
            refused.setdefault(str(error), []).append(count)
            continue
        label = entry.label and f"{entry.label}-{THREADS_OPTION}{count}"
        yield entry.model_copy(update={"config": config, "label": label})
    for why, numbers in refused.items():
        name, several = entry.label or found.name, " or ".join(map(str, numbers))
        note(
            f"{name} is not measured with {several} threads: {why} (a codec of one's own is given an option"
            f" {THREADS_OPTION}: docs/concepts/timing.md)"
        )


def codec_target(name: str) -> str:
    """What an installed name stands for; a file is its own target.

    Raises
    ------
    ConfigError
        The name is unknown.
    """
    return name if registry.is_file_target(name) else registry.find(registry.CODECS, name)


def named(target: str, choice: CodecChoice, config: Mapping[str, Option] | None = None) -> CodecRef:
    """How a worker constructs a codec that the user names, with these options if not with its own."""
    config = choice.config if config is None else config
    return CodecRef.of(target, config, needs=choice.needs, trusted=True)


def _describe_entry(engine: Engine, entry: CodecEntry, device: str) -> DescribedCodec:
    with entry.located_errors():
        return _description_of(engine, entry, device)


def _description_of(engine: Engine, entry: CodecEntry, device: str) -> DescribedCodec:
    target = codec_target(entry.codec)
    found = _placed(engine, entry, target, device)
    if isinstance(found, Description):
        found = msgspec.structs.replace(found, own_bytes=own_bytes(target, found.config.values()))
    bare: Description | str | None = None
    if isinstance(found, Description) and entry.label is None and needs_bare(entry, device):
        with suppress(ConfigError):  # it can't be without options
            bare = describe_codec(engine, CodecRef(target, trusted=True))
    decoder = None
    if entry.decoder is not None:
        other = codec_target(entry.decoder.codec)
        decoder = DescribedCodec(other, _placed(engine, entry.decoder, other, device))
    return DescribedCodec(target, found, bare if isinstance(bare, Description) else None, decoder)


def _placed(engine: Engine, entry: CodecChoice, target: str, wanted: str) -> Description | str:
    """The codec on the device that its spec, else the suite, asks for; ``config`` names the real one.

    Raises
    ------
    ConfigError
        CUDA was asked for in so many words and is absent: no row that fails later, no silent run elsewhere.
    """
    found = describe_codec(engine, named(target, entry))
    explicit = entry.config.get("device", "auto")
    if isinstance(found, str):
        if explicit == "cuda":
            raise ConfigError(found)
        return found
    default = found.config.get("device")
    if explicit != "auto" or default is None:
        return found
    device = device_of(engine, wanted)
    if device == default or (wanted == "auto" and device == "cpu" and default != "auto"):
        return found
    try:
        placed = describe_codec(engine, named(target, entry, entry.config | {"device": device}))
    except ConfigError:
        if wanted != "auto":
            raise
        return found  # its devices are of another kind
    if isinstance(placed, str) and wanted != "auto":
        raise ConfigError(placed)
    return found if isinstance(placed, str) else placed


def device_of(engine: Engine, wanted: str) -> DeviceName:
    """The device behind a wish; a worker imports torch where that has to be known.

    Parameters
    ----------
    wanted : ``auto``, ``cpu`` or ``cuda``

    Raises
    ------
    ConfigError
        CUDA was asked for and is absent.
    """

    def problem() -> str | None:
        answer = engine.describe(CheckCuda())
        return answer.message if isinstance(answer, Failed) else answer.problem

    return resolve(wanted, problem)


def require_unchanged(engine: Engine, codecs: Iterable[CodecPlan]) -> None:
    """See that each codec of a finished run is here, and is the one that it was then.

    Parameters
    ----------
    codecs : as planned then; each configuration is constructed once

    Raises
    ------
    ConfigError
        One can't be constructed: a library, its weights, or the GPU that it is to run on are not here; or its
        version or weights are others now, so that it need not understand what it encoded then.
    """
    for ref, (label, part) in {ref: (it.label, part) for it in codecs for ref, part in _parts(it)}.items():
        answer = engine.describe(Describe(ref))
        if isinstance(answer, Failed):
            raise ConfigError(f"{label} cannot run on this machine: {answer.message}{_remedy(answer)}")
        if answer.version != part.version or not has_same_weights(part, answer):
            now, then = _identity(answer), _identity(part)
            raise ConfigError(f"{label} is {now} here, the run has {then}: run it again first")


def _parts(codec: CodecPlan) -> Iterator[tuple[CodecRef, CodecPlan | DecoderPlan]]:
    """Encoder and decoder, which most often are one."""
    yield codec.ref, codec
    if codec.decoder is not None:
        yield codec.decoder_ref, codec.decoder


def _identity(codec: Description | CodecPlan | DecoderPlan) -> str:
    weights = f", weights {codec.weights_sha256[:12]}…" if codec.weights_sha256 else ""
    return f"version {codec.version}{weights}"


def _remedy(answer: Failed) -> str:
    return "; give it more with --timeout" if answer.status == "timeout" else ""


@dataclass(frozen=True)
class Installed:
    """One installed codec, metric or data-set metric."""

    name: str
    state: State
    version: str = ""
    problem: str = ""
    """Why it does not work as it is, with the remedy; empty when it does."""
    codec: Description | None = None
    metric: MetricDescription | None = None


def installed_codecs(engine: Engine) -> list[Installed]:
    """Every installed codec at its default configuration."""
    return [
        _installed(name, engine.describe(Describe(CodecRef(target))))
        for name, target in registry.targets(registry.CODECS).items()
    ]


def installed_metrics(engine: Engine) -> list[Installed]:
    """Every installed metric of a pair of pictures."""
    return list(_metrics(engine, registry.METRICS))


def installed_dataset_metrics(engine: Engine) -> list[Installed]:
    """Every installed metric of sets of pictures."""
    return list(_metrics(engine, DATASET_METRICS))


def _metrics(engine: Engine, group: str) -> Iterator[Installed]:
    for name, target in registry.targets(group).items():
        yield _installed(name, engine.describe(DescribeMetric(MetricRef(name, target, trusted=True))))


def _installed(name: str, answer: Description | MetricDescription | Failed) -> Installed:
    if isinstance(answer, Description):
        return Installed(name, "ok", answer.version, codec=answer)
    if isinstance(answer, MetricDescription):
        return Installed(name, "ok", answer.version, metric=answer)
    if answer.status == "unsupported":
        return Installed(name, "unavailable", problem=answer.message)
    if answer.deliberate:  # the options, for a codec that has no default ones
        return Installed(name, "needs options", problem=answer.message)
    return Installed(name, "broken", problem=answer.reason)
