"""The state of a codec or of an encoder function, measured in this process: for the pytest plug-in."""

from __future__ import annotations

import functools
import hashlib
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from bench import registry
from bench.check.baseline import CodecState, ImageState, MetricState, State, TrialState
from bench.codec import Codec, Image
from bench.engines.options import complete_config
from bench.engines.output_checks import Mismatch, check_pixels, materialised
from bench.errors import ConfigError, MetricUndefined
from bench.host import kernel_cache
from bench.host.environment import current
from bench.inputs.datasets import pictures_in
from bench.inputs.image import read_image
from bench.metrics.base import Metric, Pair, Reference

METRICS = ("psnr_rgb", "psnr_y", "ssim_rgb")

Encoder: TypeAlias = Callable[[Image, Any], bytes]
Decoder: TypeAlias = Callable[[bytes], Image]


@dataclass(frozen=True)
class Subject:
    """What is under test; without a decoder, bitstreams are all that can be compared."""

    name: str
    version: str
    encode: Encoder
    decode: Decoder | None
    lossless: bool = False
    qualities: tuple[float | None, ...] = (None,)
    config: Mapping[str, Any] | None = None


def subject_of(given: Any, decode: Decoder | None = None) -> Subject:
    """A codec (an instance, a class, a ``functools.partial`` of one, a factory) or an encoder function.

    Raises
    ------
    ConfigError
        It is none of these.
    """
    codec = given if hasattr(given, "encode") and not isinstance(given, type) else None
    if codec is None and callable(given) and _needs_nothing(given):
        codec = given()
    if codec is not None:
        return _of_codec(codec, given)
    if not callable(given):
        raise ConfigError(f"{given!r} is neither a codec nor an encoder function of (image, quality)")
    return Subject(getattr(given, "__name__", "encoder"), "", given, decode)


def _of_codec(codec: Codec, given: Any) -> Subject:
    constructor = type(codec)
    options = given.keywords if isinstance(given, functools.partial) else {}
    config = complete_config(constructor, options) if "__init__" in vars(constructor) else {}
    qualities: tuple[float | None, ...] = (None,) if codec.lossless else tuple(codec.qualities)
    return Subject(codec.name, codec.version, codec.encode, codec.decode, codec.lossless, qualities, config)


def _needs_nothing(given: Callable[..., Any]) -> bool:
    """Whether it can be called without arguments, as a factory can and an encoder cannot."""
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(
        it.default is not it.empty or it.kind in optional
        for it in inspect.signature(given).parameters.values()
    )


def images_of(given: Mapping[str, Image] | Path | str | None) -> dict[str, Image]:
    """Images by name: a mapping, a folder, or None for the images of the conformance kit.

    Raises
    ------
    ConfigError
        There is no image.
    """
    if given is None:
        from bench.testing import pictures

        return pictures()
    if isinstance(given, Mapping):
        found = dict(given)
    else:
        folder = Path(given)
        files, _ = pictures_in(folder)
        found = {name: read_image(it).pixels for name, it in files.items()}
    if not found:
        raise ConfigError(f"no images in {given}")
    return found


def measured(
    subject: Subject, images: Mapping[str, Image], qualities: Sequence[float | None] | None = None
) -> State:
    """Encode, decode and score everything. What a codec raises becomes a failed trial."""
    kernel_cache.provide()
    points = tuple(qualities) if qualities else subject.qualities
    metrics: dict[str, Metric] = {}
    if subject.decode is not None:
        metrics = {name: registry.load(registry.find(registry.METRICS, name))() for name in METRICS}
    trials = [
        _trial(subject, (name, image, point), metrics)
        for name, image in sorted(images.items())
        for point in sorted(points, key=lambda q: -math.inf if q is None else q)
    ]
    codec = CodecState(
        label=subject.name,
        codec=subject.name,
        version=subject.version,
        config=dict(subject.config or {}),
        trials=tuple(trials),
    )
    return State(
        environment=current(),
        metrics={it.name: MetricState(it.version, it.unit, it.higher_is_better) for it in metrics.values()},
        images={
            f"test/{name}": ImageState(_sha256(image), image.shape[1], image.shape[0])
            for name, image in sorted(images.items())
        },
        codecs=(codec,),
    )


def _trial(
    subject: Subject, case: tuple[str, Image, float | None], metrics: Mapping[str, Metric]
) -> TrialState:
    name, image, quality = case
    known: dict[str, Any] = {"image": f"test/{name}", "quality": quality}
    phase = "encode"
    try:
        bitstream = subject.encode(image.copy(), quality)
        known |= {"bytes": len(bitstream), "bitstream_sha256": hashlib.sha256(bitstream).hexdigest()}
        if subject.decode is None:
            return TrialState(**known)
        phase = "decode"
        decoded = materialised(subject.decode(bitstream))
        exact = check_pixels(image, decoded, lossless=subject.lossless)
    except Mismatch as error:
        return TrialState(**known, status="mismatch", error=f"{phase}: {error}")
    except Exception as error:
        message = f"{phase}: {type(error).__name__}: {error}".partition("\n")[0]
        return TrialState(**known, status="codec_error", error=message)
    pair = Pair(Reference(image), decoded)
    return TrialState(
        **known,
        pixels_sha256=_sha256(decoded),
        exact=exact,
        metrics={key: _value(metric, pair) for key, metric in metrics.items()},
    )


def _value(metric: Metric, pair: Pair) -> float | None:
    try:
        value = float(metric(pair))
    except MetricUndefined:
        return None
    return value if math.isfinite(value) else None


def _sha256(image: Image) -> str:
    return hashlib.sha256(repr(image.shape).encode() + np.ascontiguousarray(image).tobytes()).hexdigest()
