"""Measuring a codec or an encoder function in this process, for the pytest plug-in."""

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
from bench.check.baseline import CodecResults, ImageIdentity, MetricDefinition, Snapshot, TrialResult
from bench.codec import Image, completed, encoded
from bench.engines.options import complete_config
from bench.errors import ConfigError, MetricUndefined
from bench.host import kernel_cache
from bench.host.environment import current
from bench.inputs.datasets import images_in
from bench.inputs.image import read_image
from bench.metrics.base import Metric, Pair, Reference
from bench.trials.output_checks import Mismatch, check_pixels, materialised

METRICS = ("psnr_rgb", "psnr_y", "ssim_rgb")

Encoder: TypeAlias = Callable[[Image, Any], bytes]
Decoder: TypeAlias = Callable[[bytes], Image]


@dataclass(frozen=True)
class CodecUnderTest:
    """A codec or an encoder function, in the form in which it is measured."""

    name: str
    version: str
    encode: Encoder
    decode: Decoder | None
    """None compares bitstreams alone."""
    lossless: bool = False
    qualities: tuple[float | None, ...] = (None,)
    config: Mapping[str, Any] | None = None


def codec_under_test(given: Any, decode: Decoder | None = None) -> CodecUnderTest:
    """Make a test subject from what a test passes.

    Parameters
    ----------
    given : a codec (an instance, a class, a ``functools.partial`` of a class or a factory), or an encoder
        function of (image, quality)
    decode : the decoder for an encoder function

    Raises
    ------
    ConfigError
        ``given`` is none of these.
    """
    codec = given if hasattr(given, "encode") and not isinstance(given, type) else None
    if codec is None and callable(given) and _has_no_required_parameter(given):
        codec = given()
    if codec is not None:
        return _of_codec(codec, given)
    if not callable(given):
        raise ConfigError(f"{given!r} is neither a codec nor an encoder function of (image, quality)")
    return CodecUnderTest(getattr(given, "__name__", "encoder"), "", given, decode)


def _of_codec(made: Any, given: Any) -> CodecUnderTest:
    constructor, codec = type(made), completed(made)
    options = given.keywords if isinstance(given, functools.partial) else {}
    config = complete_config(constructor, options) if "__init__" in vars(constructor) else {}
    qualities: tuple[float | None, ...] = (None,) if codec.lossless else tuple(codec.qualities)
    return CodecUnderTest(
        codec.name,
        codec.version,
        functools.partial(encoded, codec),
        codec.decode,
        codec.lossless,
        qualities,
        config,
    )


def _has_no_required_parameter(given: Callable[..., Any]) -> bool:
    """Whether it can be called without arguments, like a factory and unlike an encoder."""
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(
        it.default is not it.empty or it.kind in optional
        for it in inspect.signature(given).parameters.values()
    )


def images_of(given: Mapping[str, Image] | Path | str | None) -> dict[str, Image]:
    """The images to test with, by name.

    Parameters
    ----------
    given : a mapping, a folder, or None for the images of the conformance kit

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
        files, _ = images_in(folder)
        found = {name: read_image(it).pixels for name, it in files.items()}
    if not found:
        raise ConfigError(f"no images in {given}")
    return found


def measure(
    codec: CodecUnderTest, images: Mapping[str, Image], qualities: Sequence[float | None] | None = None
) -> Snapshot:
    """Encode, decode and score every image at every quality. An exception of the codec is a failed trial.

    Parameters
    ----------
    codec : what is under test
    images : uint8 (height, width, 3), by name
    qualities : None for the codec's own
    """
    kernel_cache.provide()
    points = tuple(qualities) if qualities else codec.qualities
    metrics: dict[str, Metric] = {}
    if codec.decode is not None:
        metrics = {name: registry.load(registry.find(registry.METRICS, name))() for name in METRICS}
    trials = [
        _trial(codec, name, image, point, metrics)
        for name, image in sorted(images.items())
        for point in sorted(points, key=lambda q: -math.inf if q is None else q)
    ]
    results = CodecResults(
        label=codec.name,
        codec=codec.name,
        version=codec.version,
        config=dict(codec.config or {}),
        trials=tuple(trials),
    )
    return Snapshot(
        environment=current(),
        metrics={
            it.name: MetricDefinition(it.version, it.unit, it.higher_is_better) for it in metrics.values()
        },
        images={
            f"test/{name}": ImageIdentity(_sha256(image), image.shape[1], image.shape[0])
            for name, image in sorted(images.items())
        },
        codecs=(results,),
    )


def _trial(
    codec: CodecUnderTest, name: str, image: Image, quality: float | None, metrics: Mapping[str, Metric]
) -> TrialResult:
    fields: dict[str, Any] = {"image": f"test/{name}", "quality": quality}
    phase = "encode"
    try:
        bitstream = codec.encode(image.copy(), quality)
        fields |= {"bytes": len(bitstream), "bitstream_sha256": hashlib.sha256(bitstream).hexdigest()}
        if codec.decode is None:
            return TrialResult(**fields)
        phase = "decode"
        decoded = materialised(codec.decode(bitstream))
        exact = check_pixels(image, decoded, lossless=codec.lossless)
    except Mismatch as error:
        return TrialResult(**fields, status="mismatch", error=f"{phase}: {error}")
    except Exception as error:
        message = f"{phase}: {type(error).__name__}: {error}".partition("\n")[0]
        return TrialResult(**fields, status="codec_error", error=message)
    pair = Pair(Reference(image), decoded)
    return TrialResult(
        **fields,
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
