"""Whether a codec knows a test set by heart: altered a little, its pictures take far more.

For an honest codec a picture without its first eight rows, or seen in a mirror, takes as many bits per pixel
at as much distortion as the picture itself: over the built-in codecs and Kodak the means differ by less than
0.03 octaves of rate, single pictures by less than 0.1. A codec that stores the pictures, or whose weights
were fitted to them, has to code what it has not seen.
"""

from __future__ import annotations

import hashlib
import math
import random
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.engines.describing import codec_target, installed_metric
from bench.engines.engine import Engine
from bench.engines.messages import Repeat
from bench.errors import BenchError
from bench.inputs.image import read_image
from bench.runs.measure import MeasureTrial
from bench.trials.measurement import Measurement
from bench.trials.plan import CodecPlan, ImagePlan, Trial, TrustedCodec, metric_plan
from bench.verifying.altered import ALTERATIONS, write_altered
from bench.verifying.record import CodecFlag

FLAG = "memorised?"
_IMAGES = 5
_POINTS = 2
_SMALLEST = 64
"""Pixels of a side: below that headers and padding decide."""
_MEAN, _SINGLE = 0.15, 1.0
"""Octaves that the pictures' rates may be lower for the originals: the mean, and that of any one. The mean
counts from :data:`_FEWEST` pictures on: that of one or two scatters too much."""
_FEWEST = 3
_NEAREST = 0.05
"""The mean squared error that stands for less: differences of what nobody sees count for nothing."""
_DB_PER_OCTAVE = 6.0
"""Of PSNR for twice the rate, as at high rates."""
_NOISE = 2 / 3
"""Mean square of the noise; a codec need not code it."""
_ORIGINAL = ""
_PEER = "\0"
"""What no label of a run begins with."""
_PEERS = (("jpeg", (30.0, 85.0), False), ("png", (None,), True))
"""Codecs that show what an alteration of odd pictures takes: by name, at these points, lossless or not."""


@dataclass(frozen=True)
class AuditTrial(Trial):
    """A trial of the audit."""

    original: ImagePlan = field(kw_only=True)
    how: str = field(kw_only=True)
    """It was altered; empty for the original."""


def memorising(
    engine: Engine,
    codecs: Sequence[CodecPlan],
    images: Mapping[ImagePlan, Path],
    seed: int,
    folder: Path,
    planned: Callable[[int], None] = lambda count: None,
    done: Callable[[], None] = lambda: None,
) -> tuple[CodecFlag, ...]:
    """The codecs that do better on a test set than they should.

    Parameters
    ----------
    codecs : available ones
    images : of the test set, with their files; some are taken
    seed : of those, and of the noise
    folder : an empty one, for altered pictures
    planned, done : called with how many pictures are to be measured, and after each
    """
    pictures = _altered(images, seed, folder)
    if not pictures:
        return ()
    peers = [
        TrustedCodec(
            label=f"{_PEER}{name}",
            codec=name,
            target=codec_target(name),
            version="",
            lossless=lossless,
            config={},
            qualities=qualities,
        )
        for name, qualities, lossless in _PEERS
    ]
    work = [
        AuditTrial(plan, path, codec, quality, key, original=original, how=how)
        for original, versions in pictures.items()
        for how, (plan, path) in versions.items()
        for codec in (*peers, *codecs)
        for quality in _points(codec)
        for key in [f"{codec.label}|{quality}|{original.sha256}|{how}"]
    ]
    task = MeasureTrial((metric_plan(installed_metric(engine, "psnr_rgb")),), "load", Repeat())
    planned(len(work))
    by_key = {it.key: it for it in work}
    found: dict[tuple[str, float | None, ImagePlan], dict[str, Measurement]] = {}
    for it in engine.run(task, work):
        done()
        trial = by_key[it.measurement.key]
        if it.measurement.status == "ok":
            codec = found.setdefault((trial.codec.label, trial.quality, trial.original), {})
            codec[trial.how] = it.measurement
    return tuple(_flags(codecs, peers, found))


def _altered(
    images: Mapping[ImagePlan, Path], seed: int, folder: Path
) -> dict[ImagePlan, dict[str, tuple[ImagePlan, Path]]]:
    """Some of the images that every codec takes, each with its alterations."""
    order = random.Random(seed).sample(sorted(images, key=lambda it: (it.dataset, it.name)), len(images))
    pictures: dict[ImagePlan, dict[str, tuple[ImagePlan, Path]]] = {}
    for number, image in enumerate(order):
        with suppress(BenchError):
            picture = read_image(images[image], image.sha256)
            if picture.treatment or min(picture.pixels.shape[:2]) < _SMALLEST:
                continue
            pictures[image] = {_ORIGINAL: (image, images[image])}
            for how in ALTERATIONS:
                path = folder / f"{number}-{how}.png"
                write_altered(picture.pixels, how, seed, path)
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                pictures[image][how] = ImagePlan(image.dataset, path.name, digest), path
        if len(pictures) == _IMAGES:
            break
    return pictures


def _points(codec: CodecPlan) -> list[float | None]:
    """Operating points that stand for all: not the ends, where codecs behave oddly."""
    qualities = sorted(codec.qualities, key=lambda it: -1.0 if it is None else it)
    if len(qualities) <= _POINTS:
        return qualities
    return [qualities[len(qualities) * place // (_POINTS + 1)] for place in range(1, _POINTS + 1)]


def _flags(
    codecs: Sequence[CodecPlan],
    peers: Sequence[CodecPlan],
    found: Mapping[tuple[str, float | None, ImagePlan], Mapping[str, Measurement]],
) -> Iterator[CodecFlag]:
    gains: dict[str, dict[tuple[str, ImagePlan], list[float]]] = {}
    for (label, _, image), versions in found.items():
        if _ORIGINAL in versions:
            for how in versions.keys() - {_ORIGINAL}:
                gain = octaves(versions[_ORIGINAL], versions[how], how)
                if gain is not None:
                    gains.setdefault(label, {}).setdefault((how, image), []).append(gain)
    for codec in codecs:
        own = {case: statistics.fmean(it) for case, it in gains.get(codec.label, {}).items()}
        usual = gains.get(next(it.label for it in peers if it.lossless == codec.lossless), {})
        beyond = {case: it - max(0.0, *usual.get(case, [0.0]), 0.0) for case, it in own.items()}
        for how in ALTERATIONS:
            of_images = [it for (altered, _), it in beyond.items() if altered == how]
            fitted = len(of_images) >= _FEWEST and statistics.fmean(of_images) > _MEAN
            if fitted or max(of_images, default=0.0) > _SINGLE:
                yield CodecFlag(label=codec.label, flag=FLAG, detail=_told(how, of_images))
                break


def octaves(original: Measurement, altered: Measurement, how: str) -> float | None:
    """How many times the rate doubles, at equal distortion, from a picture to the altered one.

    None for noise that has to be kept: what it takes depends on the codec.

    Parameters
    ----------
    original, altered : finished measurements of one codec at one operating point
    """
    rates = [8 * (it.bytes or 0) / ((it.width or 1) * (it.height or 1)) for it in (original, altered)]
    errors = [_squares(it) for it in (original, altered)]
    if how == "noise":
        if errors[0] < _NEAREST:
            return None
        errors[0] += _NOISE
    decibels = [-10 * math.log10(max(it, _NEAREST)) for it in errors]
    return math.log2(rates[1] / rates[0]) + (decibels[0] - decibels[1]) / _DB_PER_OCTAVE


def _squares(it: Measurement) -> float:
    """The mean squared error."""
    psnr = it.metrics.get("psnr_rgb")
    return 0.0 if psnr is None else 255**2 / 10 ** (psnr / 10)


def _told(how: str, beyond: Sequence[float]) -> str:
    done = {"crop": "without 8 rows and columns", "flip": "mirrored", "noise": "with noise of one level"}[how]
    most = max(statistics.fmean(beyond), max(beyond) if max(beyond) > _SINGLE else 0.0)
    return (
        f"{done}, {len(beyond)} pictures of the test set take {2**most:.3g} times the rate at equal PSNR:"
        " weights or code may hold the set, or were fitted to it"
    )
