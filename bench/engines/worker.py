"""What runs inside a worker process: load, encode, decode, score; the harness holds the clock.

A trial visits two workers. The first reads the original, encodes it and later scores the result;
the second is given the bitstream and nothing else. Neither trusts the adapter: what it returns is
checked and materialised inside the timed window, and what it raises becomes a failure.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

from bench import registry
from bench.codec import Codec, Image
from bench.engines.honesty import Mismatch, check_pixels, materialised
from bench.engines.messages import (
    CodecRef,
    Decode,
    Decoded,
    Describe,
    DescribeMetric,
    Description,
    Encode,
    Encoded,
    Failed,
    MetricDescription,
    Repeat,
    Score,
    Scored,
)
from bench.engines.options import complete_config
from bench.engines.samples import read_samples, write_samples
from bench.errors import (
    BadImage,
    BenchError,
    CodecUnavailable,
    MetricUndefined,
    Unsupported,
    UnsupportedImage,
)
from bench.image import read_image
from bench.metrics.base import Metric, Pair, Reference
from bench.record import Phase, Status

T = TypeVar("T")


@dataclass
class _State:
    """What a worker keeps between requests."""

    samples: int
    """Descriptor of the file for decoded samples."""
    codecs: dict[CodecRef, tuple[Codec, dict[str, Any]]] = field(default_factory=dict)
    metrics: dict[str, Metric] = field(default_factory=dict)
    path: Path | None = None
    reference: Reference | None = None
    treatment: str = ""


def serve(connection: Connection, samples: int) -> None:
    """Answer requests until the other end closes."""
    state = _State(samples)
    handlers: dict[type, Callable[..., None]] = {
        Describe: _describe,
        DescribeMetric: _describe_metric,
        Encode: _encode,
        Decode: _decode,
        Score: _score,
    }
    while True:
        try:
            request = connection.recv()
        except EOFError:
            return
        handlers[type(request)](connection, state, request)


def _describe(connection: Connection, state: _State, request: Describe) -> None:
    try:
        codec, config = _codec(state, request.codec)
        quality_range = None if codec.lossless else codec.quality_range
        connection.send(
            Description(
                name=str(codec.name),
                version=str(codec.version) + registry.file_version(request.codec.target),
                lossless=bool(codec.lossless),
                qualities=tuple(float(it) for it in codec.qualities),
                quality_range=quality_range and (float(quality_range[0]), float(quality_range[1])),
                config=config,
                weights_sha256=getattr(codec, "weights_sha256", None),
                complexity=codec.complexity() if hasattr(codec, "complexity") else {},
            )
        )
    except Exception as error:
        connection.send(_failed(error, "load"))


def _describe_metric(connection: Connection, state: _State, request: DescribeMetric) -> None:
    try:
        metric = _metric(state, request.target)
        connection.send(MetricDescription(metric.name, metric.version, metric.unit, metric.higher_is_better))
    except Exception as error:
        connection.send(_failed(error, "load"))


def _encode(connection: Connection, state: _State, request: Encode) -> None:
    width = height = None
    phase: Phase = "load"
    try:
        if state.path != request.image:
            state.path = state.reference = None
            picture = read_image(request.image)
            picture.pixels.flags.writeable = False
            state.reference, state.treatment = Reference(picture.pixels), picture.treatment
            state.path = request.image
        assert state.reference is not None
        image = state.reference.image
        height, width = image.shape[:2]
        phase = "encode"
        codec, _ = _codec(state, request.codec)
        bitstream, seconds = _timed(lambda: codec.encode(image, request.quality), request.repeat)
        if not isinstance(bitstream, bytes):
            raise Mismatch(f"encode returned {type(bitstream).__name__}, not bytes")
        connection.send(Encoded(bitstream, seconds, width, height, state.treatment))
    except Exception as error:
        connection.send(_failed(error, phase, width, height))


def _decode(connection: Connection, state: _State, request: Decode) -> None:
    try:
        codec, _ = _codec(state, request.codec)
        pixels, seconds = _timed(lambda: materialised(codec.decode(request.bitstream)), request.repeat)
        write_samples(state.samples, pixels)
        digest = hashlib.sha256(pixels.reshape(-1).data).hexdigest()
        connection.send(Decoded(pixels.shape, seconds, digest))
    except Exception as error:
        connection.send(_failed(error, "decode"))


def _score(connection: Connection, state: _State, request: Score) -> None:
    try:
        assert state.reference is not None
        decoded = read_samples(state.samples, request.shape)
        connection.send(_scored(state, request, state.reference, decoded))
    except Exception as error:
        connection.send(_failed(error, "metric" if not isinstance(error, Mismatch) else "decode"))


def _scored(state: _State, request: Score, reference: Reference, decoded: Image) -> Scored:
    exact = check_pixels(reference.image, decoded, lossless=request.lossless)
    values: dict[str, float | None] = {}
    reasons: dict[str, str] = {}
    pair = Pair(reference, decoded)
    for name, target in request.metrics:
        try:
            value = float(_metric(state, target)(pair))
        except (MetricUndefined, CodecUnavailable) as error:
            values[name], reasons[name] = None, str(error)
            continue
        if math.isnan(value):
            raise ArithmeticError(f"{name} is not a number")
        finite = math.isfinite(value)
        values[name] = value if finite else None
        if not finite:
            reasons[name] = "identical pixels" if exact else "no error in these samples"
    return Scored(exact, values, reasons)


def _timed(function: Callable[[], T], repeat: Repeat) -> tuple[T, tuple[float, ...]]:
    for _ in range(repeat.warmup):
        function()
    seconds = []
    for _ in range(repeat.samples):
        start = perf_counter()
        result = function()
        seconds.append(perf_counter() - start)
    return result, tuple(seconds)


def _codec(state: _State, reference: CodecRef) -> tuple[Codec, dict[str, Any]]:
    if reference not in state.codecs:
        constructor = registry.load(reference.target)
        config = complete_config(constructor, dict(reference.config))
        state.codecs[reference] = constructor(**config), config
    return state.codecs[reference]


def _metric(state: _State, target: str) -> Metric:
    if target not in state.metrics:
        state.metrics[target] = registry.load(target)()
    return state.metrics[target]


def _failed(error: Exception, phase: Phase, width: int | None = None, height: int | None = None) -> Failed:
    status: Status
    match error:
        case BadImage():
            status, phase = "bad_input", "load"
        case UnsupportedImage() | Unsupported() | CodecUnavailable():
            status = "unsupported"
        case Mismatch():
            status = "mismatch"
        case MemoryError():
            status = "oom"
        case _:
            status = "nonfinite" if phase == "metric" else "codec_error"
    name = "" if isinstance(error, BenchError | Mismatch) else type(error).__name__
    return Failed(status, phase, name, str(error) or type(error).__name__, width, height)
