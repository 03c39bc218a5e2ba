"""From what the user asked for to the trials that will run."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import msgspec

from bench import checkpoints, registry
from bench.errors import ConfigError
from bench.files.typed_json import Option, Sha256
from bench.inputs.datasets import Dataset, ImageFile
from bench.inputs.goals import BUDGET, RATES, Goals
from bench.inputs.image import stored_form
from bench.inputs.pixels import RGB8, Accepted, StoredForm, key_suffix
from bench.inputs.suite import CodecChoice, CodecEntry, Suite
from bench.text.plain import printable
from bench.trials.codec_ref import (
    CodecRef,
    Described,
    DescribedCodec,
    DescribedMetric,
    Description,
    MetricRef,
)
from bench.trials.measurement import Measurement, RecordedDecoder

DatasetName = Annotated[str, msgspec.Meta(pattern=r"^(?!\.{1,2}\Z)[\w.-]+\Z", max_length=255)]
MetricName = Annotated[str, msgspec.Meta(pattern=r"^\w[\w.-]*\Z", max_length=100)]
"""Both become parts of file names."""


class DecoderPlan(RecordedDecoder, frozen=True, kw_only=True):
    """Another codec that decodes, as it was found on this machine."""

    target: str
    needs: tuple[str, ...] | None = None

    @property
    def recorded(self) -> RecordedDecoder:
        """As it stands in the journal."""
        return RecordedDecoder(
            codec=self.codec, version=self.version, config=self.config, weights_sha256=self.weights_sha256
        )


class CodecLinks(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a suite says about a codec for whoever reads the report."""

    paper: str = ""
    code: str = ""
    note: str = ""


class Goal(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the operating points of a configuration are, where they are no qualities of the codec's own."""

    of: MetricName
    """``bpp``, ``bytes``, a metric, or ``budget`` where the suite gives a quality for each image."""
    tolerance: Annotated[float, msgspec.Meta(ge=0, le=1e12)] = 0.01
    relative: bool = True
    """Whether the tolerance is a share of the value, and not in its unit."""

    def window(self, value: float) -> tuple[float, float]:
        """The smallest and the largest value that counts as ``value``."""
        half = self.tolerance * abs(value) if self.relative else self.tolerance
        return value - half, value + half

    def value_of(self, it: Measurement) -> float | None:
        """What a trial has reached; None without a value."""
        if self.of in ("bpp", BUDGET):
            return it.bpp
        return it.bytes if self.of == "bytes" else it.metrics.get(self.of)

    def is_within(self, it: Measurement, value: float) -> bool:
        """Whether that is ``value``, within the tolerance."""
        reached = self.value_of(it) if it.status == "ok" else None
        low, high = self.window(value) if self.of != BUDGET else (-math.inf, math.inf)
        return reached is not None and low <= reached <= high

    def __str__(self) -> str:
        if self.of == BUDGET:
            return "a budget of the data set"
        tolerance = f"{100 * self.tolerance:g}%" if self.relative else f"{self.tolerance:g}"
        return f"{self.of} ± {tolerance}"


class CodecPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A codec at one configuration, as it was found on this machine."""

    label: str
    codec: str
    target: str
    version: str
    lossless: bool
    config: dict[str, Option]
    qualities: tuple[float | None, ...]
    """Its operating points; with a ``goal``, what each image is to reach."""
    weights_sha256: str | None = None
    weights_by_quality: dict[float, Sha256] = {}
    """Of the weights of each quality, where each has its own; ``weights_sha256`` is then of all of them."""
    complexity: dict[str, Annotated[float, msgspec.Meta(ge=0, le=1e15)]] = {}
    """Parameters, bytes of weights, kMAC per pixel and hours of training of a learned codec."""
    accepted: Accepted = RGB8
    """The pictures that it takes, and what the suite lets be converted for it."""
    own_bytes: Annotated[int, msgspec.Meta(ge=0, le=1 << 53)] | None = None
    """Of its code, weights and programs, as far as rdbench does not bring them: as much as it could know by
    heart."""
    needs: tuple[str, ...] | None = None
    """What it has declared to need, or is given, of the machine beyond files of its own, see
    :class:`bench.codec.Codec`: its processes see this and no more. None where nobody knows, so that it is
    asked: in older runs, and of what somebody else's run folder says."""
    unavailable: str | None = None
    """Why it cannot run here, with the install line; its trials end as ``unsupported``."""
    decoder: DecoderPlan | None = None
    """Another codec that decodes its bitstreams."""
    links: CodecLinks = CodecLinks()
    goal: Goal | None = None
    """Where the qualities that the codec is given are searched on each image."""

    trusted: ClassVar[bool] = False

    @property
    def ref(self) -> CodecRef:
        """How a worker constructs it: only if it is installed and harmless, see :class:`TrustedCodec`."""
        return _ref(self, trusted=self.trusted)

    @property
    def decoder_ref(self) -> CodecRef:
        """How a worker constructs what decodes: the same, or another codec."""
        return _ref(self.decoder or self, trusted=self.trusted)

    @property
    def refs(self) -> frozenset[CodecRef]:
        """All that workers construct for it."""
        return frozenset((self.ref, self.decoder_ref))

    @property
    def given(self) -> tuple[str, ...]:
        """What encoder and decoder are given of the machine beyond files of their own, as far as is known."""
        return tuple(dict.fromkeys((*(self.needs or ()), *((self.decoder and self.decoder.needs) or ()))))

    @property
    def recorded_decoder(self) -> RecordedDecoder | None:
        """Whose decoder it is, where that is not its own."""
        return None if self.decoder is None else self.decoder.recorded

    @property
    def identity(self) -> tuple[str, str]:
        """What tells it apart within a plan: codec, configuration, another decoder, and what is searched."""
        parts: list[Any] = [self.config]
        if self.decoder is not None:
            parts += [self.decoder.codec, self.decoder.config]
        if self.goal is not None:
            parts.append({"goal": self.goal.of})
        return self.codec, _canonical(parts if len(parts) > 1 else self.config)

    @property
    def build(self) -> tuple[str | None, ...]:
        """Versions and weights: with others, results of the same configuration are history."""
        return self.build_of(None)

    def build_of(self, quality: float | None) -> tuple[str | None, ...]:
        """The same of one operating point."""
        own = self.version, self.weights_of(quality)
        return own if self.decoder is None else (*own, self.decoder.version, self.decoder.weights_sha256)

    def weights_of(self, quality: float | None) -> str | None:
        """The SHA-256 of the weights that code at a quality."""
        if quality is None or not self.weights_by_quality:
            return self.weights_sha256
        return self.weights_by_quality.get(quality, self.weights_sha256)

    def distinctive(self, config: dict[str, Option]) -> dict[str, Option]:
        """The options, of its own or of a recorded result, that tell results of configurations apart.

        Where the hash of each point's weights does, it does not matter where the files lie, or which others
        there are.
        """
        if not self.weights_by_quality:
            return config
        return {name: value for name, value in config.items() if name != checkpoints.OPTION}

    @property
    def on_gpu(self) -> bool:
        """Whether its configuration, or that of its decoder, is for a GPU."""
        return any(dict(it.config).get("device") == "cuda" for it in self.refs)

    def with_points_of(self, before: CodecPlan | None) -> Self:
        """With the operating points that it had before too, where version and weights were the same."""
        if before is None or self.lossless:
            return self
        still = {it for it in before.qualities if before.build_of(it) == self.build_of(it)}
        points = sorted({*still, *self.qualities}, key=lambda q: -1.0 if q is None else q)
        return msgspec.structs.replace(self, qualities=tuple(points))


def has_same_weights(recorded: CodecPlan | DecoderPlan, found: Description) -> bool:
    """Whether a codec has the weights here that coded its operating points in a run."""
    if isinstance(recorded, CodecPlan) and recorded.weights_by_quality and recorded.goal is None:
        now = found.weights_by_quality
        then = recorded.weights_by_quality
        return all(it is None or then.get(it) == now.get(it) for it in recorded.qualities)
    return recorded.weights_sha256 == found.weights_sha256


def _ref(of: CodecPlan | DecoderPlan, *, trusted: bool) -> CodecRef:
    """How a worker constructs a codec; a run folder that nobody vouches for gives it nothing to see."""
    needs = of.needs if trusted else None
    return CodecRef.of(of.target, of.config, needs=needs or (), settled=needs is not None, trusted=trusted)


class TrustedCodec(CodecPlan, frozen=True, kw_only=True):
    """A codec that the user named in this call, or vouched for: it may be a file, and run programs.

    It is written as any other; what is read from ``run.json`` is never one, see :mod:`bench.trials.trust`.
    """

    trusted: ClassVar[bool] = True


class MetricPlan(msgspec.Struct, frozen=True, omit_defaults=True):
    """A metric, as it was found on this machine."""

    name: MetricName
    target: str
    version: str
    unit: str
    higher_is_better: bool
    ideal: float | None = None
    """The best value of a metric that is worse on both sides of it, and so has no better direction."""
    title: str = ""
    """Its name in print; empty in older runs, and where it declares none. So is ``role``."""
    role: str = ""
    """What a report takes it for, see :class:`bench.metrics.base.Metric`."""
    config: dict[str, Option] = {}
    """What its constructor was given; installed metrics have no options."""

    trusted: ClassVar[bool] = False

    @property
    def ref(self) -> MetricRef:
        """How a worker constructs it: only if it is installed, see :class:`TrustedMetric`."""
        return MetricRef(self.name, self.target, tuple(sorted(self.config.items())), self.trusted)


class TrustedMetric(MetricPlan, frozen=True, omit_defaults=True):
    """A metric that the user named in this call, or vouched for: it may be a file, and run programs.

    It is written as any other; what is read from ``run.json`` is never one, see :mod:`bench.trials.trust`.
    """

    trusted: ClassVar[bool] = True


class ImagePlan(msgspec.Struct, frozen=True):
    """An image's place in a run, by its identity rather than by its path."""

    dataset: DatasetName
    name: str
    sha256: Sha256


class Plan(msgspec.Struct, frozen=True):
    """Everything that a run is to measure: the product of its parts."""

    images: tuple[ImagePlan, ...]
    codecs: tuple[CodecPlan, ...]
    metrics: tuple[MetricPlan, ...]

    def __len__(self) -> int:
        return len(self.images) * sum(len(it.qualities) for it in self.codecs)

    def replaced(self, later: Plan) -> tuple[ImagePlan, ...]:
        """The images of this plan whose name stands for another picture in a later one."""
        now = {(it.dataset, it.name): it.sha256 for it in later.images}
        return tuple(it for it in self.images if now.get((it.dataset, it.name), it.sha256) != it.sha256)

    def merged(self, later: Plan) -> Plan:
        """The union of this plan and a later one for the same folder, which replaces what it names again.

        The images of a data set are those of the last plan that names it. Configurations and operating points
        add up; :meth:`without_gaps` tells which of them can.

        Parameters
        ----------
        later : made now, with what is installed now
        """
        labels = {it.label for it in later.codecs}
        identities = {it.identity for it in later.codecs}
        kept = [it for it in self.codecs if it.label not in labels and it.identity not in identities]
        before = {it.identity: it for it in self.codecs}
        renewed = [it.with_points_of(before.get(it.identity)) for it in later.codecs]
        named = {it.dataset for it in later.images}
        images: dict[str, list[ImagePlan]] = {it.dataset: [] for it in (*self.images, *later.images)}
        for image in (*(it for it in self.images if it.dataset not in named), *later.images):
            images[image.dataset].append(image)
        return Plan(
            tuple(it for of_set in images.values() for it in of_set),
            (*kept, *renewed),
            tuple({it.name: it for it in (*self.metrics, *later.metrics)}.values()),
        )

    def without_gaps(self, asked: Plan, measured: Container[int]) -> Plan:
        """The plan without what is not asked for now and not measured on every image.

        A run goes on only with what was asked for: a gap in anything else would stay, and mean curves are of
        the images that have no gap.

        Parameters
        ----------
        asked : the plan of the command at hand, a part of this one
        measured : the trials that have a result, by their place in the product of this plan: codec by codec,
            quality by quality, image last
        """
        now = {it.identity: it.qualities for it in asked.codecs}
        rows = range(0, len(self), len(self.images) or 1)
        points = [(codec, quality) for codec in self.codecs for quality in codec.qualities]
        wanted = [place for place, it in enumerate(self.images) if it in {*asked.images}]
        kept = {
            (codec.label, quality): row
            for (codec, quality), row in zip(points, rows, strict=True)
            if quality in now.get(codec.identity, ()) or all(row + place in measured for place in wanted)
        }
        images = tuple(
            it
            for place, it in enumerate(self.images)
            if place in wanted or all(row + place in measured for row in kept.values())
        )
        codecs = (
            msgspec.structs.replace(it, qualities=tuple(q for q in it.qualities if (it.label, q) in kept))
            for it in self.codecs
        )
        return Plan(images, tuple(it for it in codecs if it.qualities), self.metrics)


@dataclass(frozen=True)
class Trial:
    """One codec configuration at one operating point on one image."""

    image: ImagePlan
    path: Path
    codec: CodecPlan
    quality: float | None
    key: str
    """Identity of the result: the same key means that measuring again would give the same numbers."""
    former: Measurement | None = None
    """A result of this key that lacks something that is asked for now, say precise times: its scores hold for
    the same samples."""


@dataclass(frozen=True)
class TrialMaker:
    """One codec configuration on one image, at whatever quality."""

    image: ImagePlan
    path: Path
    codec: CodecPlan
    identity: str
    """What keys have of the codec and the metrics."""
    suffix: str
    """And of the form in which the codec gets the image."""
    by_quality: Mapping[float, str] = field(default_factory=dict)
    """In the place of ``identity``, where each quality has weights of its own."""

    def at(self, quality: float | None) -> Trial:
        """The trial at a quality of the codec's own."""
        identity = self.identity if quality is None else self.by_quality.get(quality, self.identity)
        text = f"{self.image.sha256}|{identity}|{quality!r}{self.suffix}"
        key = hashlib.sha256(text.encode()).hexdigest()[:32]
        return Trial(self.image, self.path, self.codec, quality, key)


def trials(plan: Plan, files: dict[ImagePlan, ImageFile]) -> Iterator[Trial]:
    """All trials whose image file is at hand, image by image; not those that a search will find.

    Parameters
    ----------
    files : where the plan's images are; those without a file have no trials
    """
    for maker in trial_makers(plan, files):
        if maker.codec.goal is None:
            yield from map(maker.at, maker.codec.qualities)


def trial_makers(plan: Plan, files: dict[ImagePlan, ImageFile]) -> Iterator[TrialMaker]:
    """Each codec on each image whose file is at hand, image by image."""
    identities = [
        (
            codec,
            _codec_identity(codec, plan.metrics, codec.weights_sha256),
            {q: _codec_identity(codec, plan.metrics, it) for q, it in codec.weights_by_quality.items()},
        )
        for codec in plan.codecs
    ]
    by_form = any(it.accepted != RGB8 for it in plan.codecs)
    for image in plan.images:
        if image not in files:
            continue
        path = files[image].path
        form = stored_form(path) if by_form else StoredForm()
        for codec, identity, by_quality in identities:
            suffix = key_suffix(codec.accepted, form)
            yield TrialMaker(image, path, codec, identity, suffix, by_quality)


@dataclass(frozen=True)
class Settings:
    """The qualities of a codec's own among which a search is made."""

    low: float
    high: float
    sweep: tuple[float, ...]
    """Its default operating points, or both ends."""
    alone: bool = False
    """Whether there is nothing between and beyond those of ``sweep``, as where each is a checkpoint."""


@dataclass(frozen=True)
class ResolvedSuite:
    """A suite as it will be run."""

    plan: Plan
    files: dict[ImagePlan, ImageFile]
    """Of each image of the plan."""
    left_out: tuple[str, ...]
    """Each optional codec that is unavailable, and why."""
    settings: dict[str, Settings] = field(default_factory=dict)
    """By label, of what is searched."""
    given: dict[str, dict[float, dict[str, float]]] = field(default_factory=dict)
    """By label, operating point and image, of what is given image by image."""


def make_plan(suite: Suite, datasets: tuple[Dataset, ...], described: Described) -> ResolvedSuite:
    """The plan of a suite, from what was found on the machine.

    Parameters
    ----------
    datasets : those of the suite, opened
    described : by :func:`bench.engines.describing.describe_suite`

    Raises
    ------
    ConfigError
        A quality outside a codec's range, a label or a configuration used twice, or a GPU that was asked for
        and is of no use.
    """
    files: dict[ImagePlan, ImageFile] = {}
    for dataset in datasets:
        for file in dataset.images[: suite.limit]:
            files[ImagePlan(dataset.name, file.name, file.sha256)] = file
    found = [
        (entry, _codec_plan(entry, suite, it))
        for entry, it in zip(suite.codecs, described.codecs, strict=True)
    ]
    codecs = _once(it for entry, it in found if it.unavailable is None or not entry.optional)
    left_out = tuple(
        f"{it.label} is left out: {it.unavailable}"
        for entry, it in found
        if it.unavailable is not None and entry.optional
    )
    gpu_metrics = any(it.found.takes_device for it in described.metrics)
    if suite.device == "cuda" and not gpu_metrics and not any(it.on_gpu for it in codecs):
        raise ConfigError(
            "--device cuda: none of these codecs and metrics can run on a GPU; leave it out,"
            " or name one that can"
        )
    _require_distinct(codecs)
    metrics = tuple(metric_plan(it) for it in described.metrics)
    _require_reachable(codecs, metrics)
    given = {
        codec.label: {it.bpp: it.images for it in points.given}
        for entry, codec in found
        if codec.goal is not None and isinstance(points := entry.quality or suite.quality, Goals)
    }
    _require_given(given, files)
    settings = {
        codec.label: _settings(codec.label, it.found)
        for codec, it in zip((it for _, it in found), described.codecs, strict=True)
        if codec.goal is not None and codec.goal.of != BUDGET and isinstance(it.found, Description)
    }
    return ResolvedSuite(Plan(tuple(files), codecs, metrics), files, left_out, settings, given)


def _require_given(given: dict[str, dict[float, dict[str, float]]], images: Iterable[ImagePlan]) -> None:
    """Refuse a budget that leaves out an image."""
    names = [it.name for it in images]
    for label, points in given.items():
        for bpp, qualities in points.items():
            if absent := [it for it in names if it not in qualities]:
                raise ConfigError(f"{label}: the budget of {bpp:g} bpp names no quality for {absent[0]}")


def _require_reachable(codecs: Sequence[CodecPlan], metrics: Sequence[MetricPlan]) -> None:
    """Refuse goals in what is not measured, or has no better direction."""
    ideals = {it.name: it.ideal for it in metrics}
    for codec in codecs:
        name = None if codec.goal is None else codec.goal.of
        if name is None or name in (*RATES, BUDGET):
            continue
        if name not in ideals:
            raise ConfigError(f"{codec.label}: {name} is not a metric of this suite, nor {', '.join(RATES)}")
        if ideals[name] is not None:
            raise ConfigError(f"{codec.label}: {name} is best at {ideals[name]:g}; no search goes for it")


def _settings(label: str, found: Description) -> Settings:
    """Where a search may look: at the qualities with weights, else in the codec's range or its sweep's."""
    sweep = tuple(sorted(found.weights_by_quality or (it for it in found.qualities if it is not None)))
    ends = (sweep[0], sweep[-1]) if sweep else (math.nan, math.nan)
    alone = bool(found.weights_by_quality)
    low, high = ends if alone else found.quality_range or ends
    if not low < high:
        raise ConfigError(
            f"{label}: a target needs the codec's quality_range, or a sweep of its own between whose ends to"
            " search"
        )
    return Settings(float(low), float(high), sweep or (float(low), float(high)), alone)


def _once(codecs: Iterable[CodecPlan]) -> tuple[CodecPlan, ...]:
    """Without those that are named again, such as the anchor of test conditions by who compares with it."""
    kept: list[CodecPlan] = []
    for codec in codecs:
        if codec not in kept:
            kept.append(codec)
    return tuple(kept)


def _require_distinct(codecs: Sequence[CodecPlan]) -> None:
    """Refuse two configurations that tables or the journal could not tell apart."""
    labels = [it.label for it in codecs]
    for label in labels:
        if labels.count(label) > 1:
            raise ConfigError(f"two codecs have the label {label!r}; give one of them another `label`")
    same: dict[tuple[str, str], str] = {}
    for codec in codecs:
        first = same.setdefault(codec.identity, codec.label)
        if first != codec.label:
            raise ConfigError(
                f"{first!r} and {codec.label!r} are the same configuration of {codec.codec}; name it once"
            )


def metric_plan(described: DescribedMetric) -> MetricPlan:
    """A metric as a plan records it."""
    it = described.found
    return TrustedMetric(
        described.ref.name,
        described.ref.target,
        it.version,
        it.unit,
        it.higher_is_better,
        it.ideal,
        it.title,
        it.role,
        dict(described.ref.config),
    )


def _codec_plan(entry: CodecEntry, suite: Suite, described: DescribedCodec) -> CodecPlan:
    """A codec with its own decoder, or another one."""
    links = CodecLinks(entry.paper or "", entry.code or "", entry.note or "")
    with entry.located_errors():
        plan = msgspec.structs.replace(_own_plan(entry, suite, described), links=links)
    if entry.decoder is None or described.decoder is None:
        return plan
    decoder, unavailable = _decoder_plan(entry.decoder, described.decoder)
    found = described.decoder.found
    complexity = {} if isinstance(found, str) else found.complexity
    return msgspec.structs.replace(
        plan,
        label=entry.label or printable(f"{plan.label} decoded by {decoder.codec}"),
        complexity={key: it for key, it in plan.complexity.items() if not key.startswith("decoder")}
        | {key: it for key, it in complexity.items() if key.startswith("decoder")},
        unavailable=plan.unavailable or unavailable,
        decoder=decoder,
        accepted=plan.accepted if isinstance(found, str) else plan.accepted.shared_with(found.accepted),
    )


def _decoder_plan(chosen: CodecChoice, described: DescribedCodec) -> tuple[DecoderPlan, str | None]:
    """The other codec, and why it is unavailable."""
    target, found = described.target, described.found
    if isinstance(found, str):
        name = _name(chosen, target, registry.short_name(target))
        plan = DecoderPlan(codec=name, target=target, version="", config={**chosen.config})
        return plan, f"its decoder {name}: {found}"
    return DecoderPlan(
        codec=_name(chosen, target, found.name),
        target=target,
        version=found.version,
        config=found.config,
        weights_sha256=found.weights_sha256,
        needs=found.needs,
    ), None


def _name(chosen: CodecChoice, target: str, own: str) -> str:
    """What a codec is recorded as: its installed name, or what one of a file calls itself."""
    return chosen.codec if target != chosen.codec else own


def _own_plan(entry: CodecEntry, suite: Suite, described: DescribedCodec) -> CodecPlan:
    target, found = described.target, described.found
    if isinstance(found, str):
        name = _name(entry, target, registry.short_name(target))
        qualities, goal = _as_asked(entry.quality)
        return TrustedCodec(
            label=entry.label or _goal_label(_label(name, dict(entry.config), {}), goal),
            codec=name,
            target=target,
            version="",
            lossless=False,
            config=dict(entry.config),
            qualities=qualities or (None,),
            unavailable=found,
            goal=goal,
        )
    name = _name(entry, target, found.name)
    qualities, goal = _operating_points(name, entry.quality, suite.quality, found)
    label = _label(name, *_for_label(entry, suite.device, found, described.bare))
    return TrustedCodec(
        label=entry.label or _goal_label(label, goal),
        codec=name,
        target=target,
        version=found.version,
        lossless=found.lossless,
        config=found.config,
        qualities=qualities,
        weights_sha256=found.weights_sha256,
        weights_by_quality=found.weights_by_quality,
        complexity=found.complexity,
        accepted=msgspec.structs.replace(found.accepted, convert=suite.convert.conversions),
        own_bytes=found.own_bytes,
        needs=found.needs,
        goal=goal,
    )


def _goal_label(label: str, goal: Goal | None) -> str:
    """A name for legends, which tells what is searched from a sweep of the same configuration."""
    return label if goal is None else printable(f"{label}@{goal.of}")


def _as_asked(points: tuple[float, ...] | Goals | None) -> tuple[tuple[float | None, ...], Goal | None]:
    if isinstance(points, Goals):
        return points.values, Goal(points.of, points.tolerance, points.relative)
    return points or (), None


def _for_label(
    entry: CodecEntry, device: str, found: Description, bare: Description | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A configuration and the defaults that its label need not tell."""
    if not needs_bare(entry, device):
        return found.config, found.config
    if bare is None:
        return dict(entry.config), {}
    defaults = bare.config
    if device == "auto" and "device" not in entry.config and "device" in defaults:
        # What was chosen for the user is no part of a name that is to be the same on every machine.
        defaults = defaults | {"device": found.config["device"]}
    return found.config, defaults


def needs_bare(entry: CodecEntry, device: str) -> bool:
    """Whether the label of a codec depends on its defaults, ``device`` being what the suite asks for."""
    return bool(entry.config) or device != "auto"


def _operating_points(
    name: str,
    asked: tuple[float, ...] | Goals | None,
    common: tuple[float, ...] | Goals | None,
    codec: Description,
) -> tuple[tuple[float | None, ...], Goal | None]:
    """What a codec is to be measured at, and what is to be searched."""
    if codec.lossless or not codec.takes_quality:
        if asked:
            why = "is lossless at this configuration" if codec.lossless else "encodes without a quality"
            raise ConfigError(f"codec {name!r} {why} and has no quality; leave out @…")
        return (None,), None
    qualities, goal = _as_asked(asked or common or None)
    if goal is not None:
        return qualities, goal
    qualities = qualities or codec.qualities
    if not qualities:
        raise ConfigError(
            f"codec {name!r} has no sweep of its own; name its operating points, as in {name}@10,50,90"
        )
    points = [it for it in qualities if it is not None]
    if not points:
        return (None,), None
    low, high = codec.quality_range or (-math.inf, math.inf)
    for quality in points:
        if not low <= quality <= high:
            raise ConfigError(f"codec {name!r}: quality {quality:g} is outside its range {low:g} to {high:g}")
    return tuple(sorted(points)), None


def _label(name: str, config: dict[str, Any], defaults: dict[str, Any]) -> str:
    """A name for legends: the codec, its chroma subsampling, and every option that is not the default."""
    parts = [name]
    for key, value in config.items():
        if key == "subsampling":
            parts.append(str(value))
        elif key in defaults and value == defaults[key]:
            continue
        elif value is True:
            parts.append(key)
        elif value is False:
            parts.append(f"no-{key}")
        elif isinstance(value, str):
            several = checkpoints.told_checkpoints(value) if key == checkpoints.OPTION else None
            parts.append(Path(value).name if several is None else f"{len(several)} checkpoints")
        else:
            parts.append(f"{key}{value}")
    return printable("-".join(parts))


def _codec_identity(codec: CodecPlan, metrics: tuple[MetricPlan, ...], weights: str | None) -> str:
    definitions = sorted((it.name, it.version) for it in metrics)
    identity: list[Any] = [codec.codec, codec.version, codec.distinctive(codec.config), weights, definitions]
    if codec.recorded_decoder is not None:
        identity.append(msgspec.structs.asdict(codec.recorded_decoder))
    return _canonical(identity)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
