"""Whether a codec knows the test set: how it does on pictures that are nearly those of the run.

An honest codec takes about the same rate, at about the same quality, for a picture and for the same picture
cropped by 8 pixels, flipped, or with noise of one level. One that has the set in its weights knows the first
alone. What an alteration costs everybody shows in the other codecs, JPEG and PNG always among them.
"""

from __future__ import annotations

import hashlib
import math
import statistics
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.codec import Samples
from bench.engines.describing import codec_target
from bench.engines.encoding import encoded
from bench.engines.engine import Engine, Slot, Task
from bench.engines.messages import Decode, Describe, NoAnswer, Score, answered
from bench.errors import BadImage, ConfigError, UnsupportedImage
from bench.files.access import write_atomically
from bench.inputs.image import png_of, read_image
from bench.inputs.pixels import Accepted
from bench.registry import METRICS, find
from bench.trials.codec_ref import CodecRef, Description
from bench.trials.plan import CodecPlan, ImagePlan
from bench.verifying.record import CodecFlag

MEMORISED = "memorised?"
PICTURES = 3
"""Altered pictures of each codec, with each alteration."""
_RATE = 1.5
"""Times the others' factor by which an alteration raises a codec's rate that stands out."""
_DECIBELS = 3.0
"""Beyond the others' by which it lowers the quality of one that stands out."""
_BEST = 50.0
"""dB of a picture with noise of one level; what is better counts as this, so that flat pictures, which are
exact until there is noise, lose nothing."""
_NEARLY_LOSSLESS = 42.0
"""dB from where on noise of one level has to be coded: on drawings that takes a hundred times the rate."""
_OVERHEAD = 128
"""Bytes of headers, and of what small pictures need to be told, that are left out of factors of the rate."""
_MARGIN = 8
_SMALLEST = 4 * _MARGIN
_YARDSTICKS = (("jpeg", 50.0), ("png", None))


def _as_it_is(picture: Samples, random: np.random.Generator) -> Samples:
    del random
    return picture


def _cropped(picture: Samples, random: np.random.Generator) -> Samples:
    del random
    return picture[_MARGIN:, _MARGIN:]


def _flipped(picture: Samples, random: np.random.Generator) -> Samples:
    del random
    return picture[:, ::-1]


def _noisy(picture: Samples, random: np.random.Generator) -> Samples:
    most = np.iinfo(picture.dtype).max
    level = most // 255
    noise = level * random.integers(-1, 2, picture.shape, np.int64)
    noisy: Samples = np.clip(picture + noise, 0, most).astype(picture.dtype)
    return noisy


_NOISE = "with noise of ±1"
ALTERATIONS: Mapping[str, Callable[[Samples, np.random.Generator], Samples]] = {
    "as it is": _as_it_is,
    "cropped by 8 pixels": _cropped,
    "flipped": _flipped,
    _NOISE: _noisy,
}
"""What is done with a picture; the first one is what the others are held against."""


@dataclass(frozen=True)
class Probe:
    """A picture that is to be altered and coded."""

    image: ImagePlan
    path: Path
    codec: CodecPlan
    quality: float | None
    alteration: str
    seed: int
    yardstick: bool = False
    """Whether the codec is none of the run's."""


@dataclass(frozen=True)
class Probed:
    """What came of it."""

    probe: Probe
    bytes: int
    pixels: int
    psnr: float
    """Against the altered picture, in dB; infinite for identical pixels."""


@dataclass(frozen=True)
class ProbeAltered(Task[Probe, "Probed | None"]):
    """Codes an altered picture; None where that fails, or the picture is too small or of another form."""

    psnr: str
    """Target of the metric."""

    def __call__(self, work: Probe, slot: Slot) -> Probed | None:
        """Code one altered picture."""
        try:
            picture = read_image(work.path, work.image.sha256, work.codec.accepted)
        except (BadImage, UnsupportedImage, OSError):
            return None
        if picture.depth not in (8, 16) or min(picture.pixels.shape[:2]) < _SMALLEST:
            return None
        random = np.random.default_rng([work.seed, int(work.image.sha256[:8], 16)])
        altered = np.ascontiguousarray(ALTERATIONS[work.alteration](picture.pixels, random))
        data = png_of(altered)
        with tempfile.TemporaryDirectory(dir=slot.scratch) as folder:
            path = Path(folder, "altered.png").absolute()
            write_atomically(path, data)
            try:
                return self._coded(work, slot, path, hashlib.sha256(data).hexdigest())
            except NoAnswer:
                return None

    def _coded(self, work: Probe, slot: Slot, path: Path, sha256: str) -> Probed:
        codec = work.codec
        bitstream = answered(encoded(slot, path, codec, work.quality, sha256)).bitstream
        decoded = answered(slot.decoder.ask(Decode(codec.decoder_ref, bitstream, digest=False)))
        metrics = (("psnr", self.psnr),)
        score = Score(
            path, sha256, decoded.shape, metrics, False, dtype=decoded.dtype, accepted=codec.accepted
        )
        scored = answered(slot.scorer.ask(score, slot.decoder.decoded))
        value = scored.metrics["psnr"]
        psnr = value if value is not None else math.inf if scored.exact else math.nan
        return Probed(work, len(bitstream), math.prod(decoded.shape[:2]), psnr)


def probes(
    codecs: Sequence[CodecPlan], images: Mapping[ImagePlan, Path], seed: int, yardsticks: Sequence[CodecPlan]
) -> list[Probe]:
    """What is to be coded: of each codec the operating point in the middle.

    Parameters
    ----------
    codecs : those that run here
    images : the altered pictures' originals
    seed : of the noise
    yardsticks : further codecs, of which nobody thinks that they know a test set
    """
    subjects = [*((it, False) for it in codecs), *((it, True) for it in yardsticks)]
    return [
        Probe(image, path, codec, codec.qualities[len(codec.qualities) // 2], name, seed, yardstick)
        for image, path in images.items()
        for codec, yardstick in subjects
        for name in ALTERATIONS
    ]


def yardsticks_here(engine: Engine) -> Iterator[CodecPlan]:
    """JPEG and PNG, as far as they are installed."""
    for name, quality in _YARDSTICKS:
        try:
            target = codec_target(name)
        except ConfigError:
            continue
        found = engine.describe(Describe(CodecRef(target)))
        if isinstance(found, Description):
            yield CodecPlan(
                label=f"yardstick {name}",
                codec=name,
                target=target,
                version=found.version,
                lossless=found.lossless,
                config=found.config,
                qualities=(quality,),
                accepted=Accepted(),
            )


def psnr_target() -> str:
    """The metric that the audit takes."""
    return find(METRICS, "psnr_rgb")


@dataclass(frozen=True)
class _Cost:
    """What an alteration costs one codec: medians over the pictures."""

    rate: float
    """Factor of the rate."""
    loss: float
    """dB."""


def memorised(found: Iterable[Probed]) -> Iterator[CodecFlag]:
    """A flag for each codec that altered pictures cost far more than the others.

    Parameters
    ----------
    found : of all codecs, yardsticks among them
    """
    by_codec: dict[str, dict[tuple[ImagePlan, str], Probed]] = {}
    for it in found:
        by_codec.setdefault(it.probe.codec.label, {})[it.probe.image, it.probe.alteration] = it
    yardsticks = {label for label, its in by_codec.items() if next(iter(its.values())).probe.yardstick}
    costs = {label: _costs(its) for label, its in by_codec.items()}
    kinds = {label: _is_nearly_lossless(its) for label, its in by_codec.items()}
    for label in by_codec.keys() - yardsticks:
        others = [it for it in costs if it != label and kinds[it] == kinds[label]]
        told = []
        for name, cost in costs[label].items():
            usual = [costs[it][name] for it in others if name in costs[it]]
            rate = max(1.0, statistics.median([it.rate for it in usual]) if usual else 1.0)
            loss = max(0.0, statistics.median([it.loss for it in usual]) if usual else 0.0)
            if cost.rate > _RATE * rate and not (kinds[label] and name == _NOISE):
                told.append(f"{name}, pictures take {cost.rate:.3g} times the rate (others {rate:.3g})")
            if cost.loss > loss + _DECIBELS:
                told.append(f"{name}, pictures lose {cost.loss:.3g} dB (others {loss:.3g})")
        if told:
            yield CodecFlag(label=label, flag=MEMORISED, detail="; ".join(told))


def _is_nearly_lossless(its: Mapping[tuple[ImagePlan, str], Probed]) -> bool:
    """Whether most altered pictures, which nobody has learned by heart, are coded nearly without loss."""
    values = [it.psnr for (_, name), it in its.items() if name != next(iter(ALTERATIONS))]
    return bool(values) and statistics.median(values) > _NEARLY_LOSSLESS


def _costs(its: Mapping[tuple[ImagePlan, str], Probed]) -> dict[str, _Cost]:
    """By alteration, of a codec."""
    plain, *others = ALTERATIONS
    costs = {}
    for name in others:
        pairs = [
            (its[image, plain], it)
            for (image, alteration), it in its.items()
            if alteration == name and (image, plain) in its
        ]
        losses = [min(_BEST, one.psnr) - min(_BEST, other.psnr) for one, other in pairs]
        losses = [it for it in losses if not math.isnan(it)]
        if pairs:
            rate = statistics.median(
                (other.bytes + _OVERHEAD) / (one.bytes * other.pixels / one.pixels + _OVERHEAD)
                for one, other in pairs
            )
            costs[name] = _Cost(rate, statistics.median(losses) if losses else 0.0)
    return costs
