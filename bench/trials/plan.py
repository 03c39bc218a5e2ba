"""From what the user asked for to the trials that will run."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import msgspec

from bench import registry
from bench.errors import ConfigError
from bench.files.typed_json import Option, Sha256
from bench.inputs.datasets import Dataset, ImageFile
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
from bench.trials.measurement import RecordedDecoder

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


class CodecPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A codec at one configuration, as it was found on this machine."""

    label: str
    codec: str
    target: str
    version: str
    lossless: bool
    config: dict[str, Option]
    qualities: tuple[float | None, ...]
    weights_sha256: str | None = None
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
        """The codec and its configuration, of another decoder too: what tells it apart within a plan."""
        if self.decoder is None:
            return self.codec, _canonical(self.config)
        return self.codec, _canonical([self.config, self.decoder.codec, self.decoder.config])

    @property
    def build(self) -> tuple[str | None, ...]:
        """Versions and weights: with others, results of the same configuration are history."""
        own = self.version, self.weights_sha256
        return own if self.decoder is None else (*own, self.decoder.version, self.decoder.weights_sha256)

    @property
    def on_gpu(self) -> bool:
        """Whether its configuration, or that of its decoder, is for a GPU."""
        return any(dict(it.config).get("device") == "cuda" for it in self.refs)

    def with_points_of(self, before: CodecPlan | None) -> Self:
        """With the operating points that it had before too, where version and weights were the same."""
        if before is None or self.lossless:
            return self
        if before.build != self.build:
            return self
        points = sorted({*before.qualities, *self.qualities}, key=lambda q: -1.0 if q is None else q)
        return msgspec.structs.replace(self, qualities=tuple(points))


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


def trials(plan: Plan, files: dict[ImagePlan, ImageFile]) -> Iterator[Trial]:
    """All trials whose image file is at hand, image by image.

    Parameters
    ----------
    files : where the plan's images are; those without a file have no trials
    """
    prefixes = [(codec, _codec_identity(codec, plan.metrics)) for codec in plan.codecs]
    by_form = any(it.accepted != RGB8 for it in plan.codecs)
    for image in plan.images:
        if image not in files:
            continue
        form = stored_form(files[image].path) if by_form else StoredForm()
        for codec, identity in prefixes:
            suffix = key_suffix(codec.accepted, form)
            for quality in codec.qualities:
                text = f"{image.sha256}|{identity}|{quality!r}{suffix}"
                yield Trial(
                    image, files[image].path, codec, quality, hashlib.sha256(text.encode()).hexdigest()[:32]
                )


@dataclass(frozen=True)
class ResolvedSuite:
    """A suite as it will be run."""

    plan: Plan
    files: dict[ImagePlan, ImageFile]
    """Of each image of the plan."""
    left_out: tuple[str, ...]
    """Each optional codec that is unavailable, and why."""


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
    codecs = tuple(it for entry, it in found if it.unavailable is None or not entry.optional)
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
    return ResolvedSuite(Plan(tuple(files), codecs, metrics), files, left_out)


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
        return TrustedCodec(
            label=entry.label or _label(name, dict(entry.config), {}),
            codec=name,
            target=target,
            version="",
            lossless=False,
            config=dict(entry.config),
            qualities=entry.quality or (None,),
            unavailable=found,
        )
    name = _name(entry, target, found.name)
    return TrustedCodec(
        label=entry.label or _label(name, *_for_label(entry, suite.device, found, described.bare)),
        codec=name,
        target=target,
        version=found.version,
        lossless=found.lossless,
        config=found.config,
        qualities=_qualities(name, entry.quality, suite.quality, found),
        weights_sha256=found.weights_sha256,
        complexity=found.complexity,
        accepted=msgspec.structs.replace(found.accepted, convert=suite.convert.conversions),
        own_bytes=found.own_bytes,
        needs=found.needs,
    )


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


def _qualities(
    name: str, asked: tuple[float, ...] | None, common: tuple[float, ...] | None, codec: Description
) -> tuple[float | None, ...]:
    if codec.lossless or not codec.takes_quality:
        if asked:
            why = "is lossless at this configuration" if codec.lossless else "encodes without a quality"
            raise ConfigError(f"codec {name!r} {why} and has no quality; leave out @…")
        return (None,)
    qualities = asked or common or codec.qualities
    if not qualities:
        raise ConfigError(
            f"codec {name!r} has no sweep of its own; name its operating points, as in {name}@10,50,90"
        )
    points = [it for it in qualities if it is not None]
    if not points:
        return (None,)
    low, high = codec.quality_range or (-math.inf, math.inf)
    for quality in points:
        if not low <= quality <= high:
            raise ConfigError(f"codec {name!r}: quality {quality:g} is outside its range {low:g} to {high:g}")
    return tuple(sorted(points))


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
            parts.append(Path(value).name)
        else:
            parts.append(f"{key}{value}")
    return printable("-".join(parts))


def _codec_identity(codec: CodecPlan, metrics: tuple[MetricPlan, ...]) -> str:
    definitions = sorted((it.name, it.version) for it in metrics)
    identity: list[Any] = [codec.codec, codec.version, codec.config, codec.weights_sha256, definitions]
    if codec.recorded_decoder is not None:
        identity.append(msgspec.structs.asdict(codec.recorded_decoder))
    return _canonical(identity)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
