"""What runs inside a worker process: load, encode, decode, score; the harness holds the clock.

A trial visits two workers. The first reads the original, encodes it and later scores the result;
the second is given the bitstream and nothing else. Neither trusts the adapter: what it returns is
checked and materialised inside the timed window, and what it raises becomes a failure.
"""

from __future__ import annotations

import hashlib
import inspect
import math
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from bench import registry
from bench.codec import Codec, Image
from bench.device import DeviceName, cuda_problem
from bench.engines import memory
from bench.engines.gpu import GpuUse, T, timed
from bench.engines.honesty import Mismatch, check_pixels, materialised
from bench.engines.messages import (
    CheckCuda,
    CodecRef,
    CudaState,
    Decode,
    Decoded,
    Describe,
    DescribeMetric,
    Description,
    Encode,
    Encoded,
    Explain,
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
    ConfigError,
    MetricUndefined,
    Unsupported,
    UnsupportedImage,
)
from bench.image import read_image
from bench.metrics.base import Metric, Pair, Reference
from bench.record import Phase, Status

_CONTRACT = ("name", "version", "lossless", "qualities", "quality_range", "encode", "decode")
_TORCH_NO_MEMORY = ("can't allocate memory", "CUDA error: out of memory")


@dataclass(frozen=True)
class _Loaded:
    """A codec as this process constructed it."""

    codec: Codec
    config: dict[str, Any]
    gpu: GpuUse


@dataclass
class _State:
    """What a worker keeps between requests."""

    samples: int
    """Descriptor of the file for decoded samples."""
    codecs: dict[CodecRef, _Loaded] = field(default_factory=dict)
    metrics: dict[tuple[str, DeviceName], Metric] = field(default_factory=dict)
    path: Path | None = None
    reference: Reference | None = None
    given: Image | None = None
    """A copy of the reference's picture: what codecs are given."""
    treatment: str = ""


class _Answers:
    """The way back. A child that a codec forked and forgot must not answer in its parent's place."""

    def __init__(self, connection: Connection, pid: int) -> None:
        self._connection = connection
        self._pid = pid

    def send(self, answer: Any) -> None:
        """Send an answer, in the process that was asked."""
        if os.getpid() != self._pid:
            os._exit(1)
        self._connection.send(answer)


def serve(connection: Connection, samples: int) -> None:
    """Answer requests until the other end closes."""
    state = _State(samples)
    pid = os.getpid()
    handlers: dict[type, Callable[..., None]] = {
        Describe: _describe,
        DescribeMetric: _describe_metric,
        CheckCuda: _check_cuda,
        Encode: _encode,
        Decode: _decode,
        Score: _score,
        Explain: _explain,
    }
    while True:
        try:
            request = connection.recv()
        except EOFError:
            return
        handlers[type(request)](_Answers(connection, pid), state, request)


def _describe(connection: _Answers, state: _State, request: Describe) -> None:
    try:
        loaded = _codec(state, request.codec)
        codec = loaded.codec
        missing = [it for it in _CONTRACT if not hasattr(codec, it)]
        if missing:
            raise ConfigError(f"{type(codec).__name__} lacks {', '.join(missing)}, which every codec has")
        quality_range = None if codec.lossless else codec.quality_range
        connection.send(
            Description(
                name=str(codec.name),
                version=str(codec.version) + registry.file_version(request.codec.target),
                lossless=bool(codec.lossless),
                qualities=tuple(float(it) for it in codec.qualities),
                quality_range=quality_range and (float(quality_range[0]), float(quality_range[1])),
                config=loaded.config,
                weights_sha256=getattr(codec, "weights_sha256", None),
                complexity=_complexity(codec),
            )
        )
    except Exception as error:
        connection.send(_failed(error, "load"))


def _complexity(codec: Codec) -> dict[str, float]:
    """What a learned codec says of its cost; a codec that cannot say it can still code."""
    try:
        found = codec.complexity() if hasattr(codec, "complexity") else {}
        return {str(name): float(value) for name, value in found.items()}
    except Exception as error:
        print(f"{codec.name}: no complexity: {error!r}", file=sys.stderr)
        return {}


def _describe_metric(connection: _Answers, state: _State, request: DescribeMetric) -> None:
    try:
        metric = _metric(state, request.target, "cpu")
        connection.send(
            MetricDescription(
                metric.name,
                metric.version,
                metric.unit,
                metric.higher_is_better,
                ideal=getattr(metric, "ideal", None),
                takes_device=_takes_device(type(metric)),
                learned=bool(getattr(metric, "learned", False)),
            )
        )
    except Exception as error:
        connection.send(_failed(error, "load"))


def _check_cuda(connection: _Answers, state: _State, request: CheckCuda) -> None:
    connection.send(CudaState(cuda_problem()))


def _encode(connection: _Answers, state: _State, request: Encode) -> None:
    width = height = None
    phase: Phase = "load"
    try:
        if state.path != request.image:
            state.path = state.reference = state.given = None
            picture = read_image(request.image)
            picture.pixels.flags.writeable = False
            state.reference, state.treatment = Reference(picture.pixels), picture.treatment
            state.path = request.image
        assert state.reference is not None
        image = state.reference.image
        height, width = image.shape[:2]
        phase = "encode"
        loaded = _codec(state, request.codec)
        # numpy's lock does not bind a library that was handed the memory
        given = image.copy() if state.given is None else state.given
        given.flags.writeable = False
        state.given = None
        bitstream, seconds, held = _measured(
            loaded, lambda: loaded.codec.encode(given, request.quality), request.repeat
        )
        if not np.array_equal(given, image):
            raise Mismatch("encode wrote into the picture that it was given")
        state.given = given
        if not isinstance(bitstream, bytes):
            raise Mismatch(f"encode returned {type(bitstream).__name__}, not bytes")
        bitstream = bytes(memoryview(bitstream))  # a subclass could carry more than its bytes
        use = loaded.gpu
        connection.send(
            Encoded(
                bitstream, seconds, width, height, state.treatment, use.peak, held, cpu_share=use.cpu_share
            )
        )
    except Exception as error:
        connection.send(_failed(error, phase, width, height))


def _decode(connection: _Answers, state: _State, request: Decode) -> None:
    try:
        loaded = _codec(state, request.codec)
        pixels, seconds, held = _measured(
            loaded, lambda: materialised(loaded.codec.decode(request.bitstream)), request.repeat
        )
        write_samples(state.samples, pixels)
        digest = hashlib.sha256(pixels.reshape(-1).data).hexdigest()
        treatment = str(getattr(loaded.codec, "treatment", ""))
        use = loaded.gpu
        connection.send(
            Decoded(
                pixels.shape, seconds, digest, use.peak, held, treatment=treatment, cpu_share=use.cpu_share
            )
        )
    except Exception as error:
        connection.send(_failed(error, "decode"))


def _measured(
    loaded: _Loaded, function: Callable[[], T], repeat: Repeat
) -> tuple[T, tuple[float, ...], int | None]:
    """The result, the seconds, and for a learned codec the most memory that the process had resident."""
    learned = hasattr(loaded.codec, "weights_sha256") and memory.reset_peak()
    result, seconds = timed(function, repeat, loaded.gpu)
    return result, seconds, memory.peak() if learned else None


def _score(connection: _Answers, state: _State, request: Score) -> None:
    try:
        assert state.reference is not None
        decoded = read_samples(state.samples, request.shape)
        connection.send(_scored(state, request, state.reference, decoded))
    except Exception as error:
        connection.send(_failed(error, "metric" if not isinstance(error, Mismatch) else "decode"))


def _explain(connection: _Answers, state: _State, request: Explain) -> None:
    from bench.explain.measure import explained

    phase: Phase = "load"
    try:
        image = read_image(request.image).pixels
        image.flags.writeable = False
        codec = _codec(state, request.codec).codec
        phase = "encode"
        connection.send(explained(codec, image, request.quality))
    except Exception as error:
        connection.send(_failed(error, phase))


def _scored(state: _State, request: Score, reference: Reference, decoded: Image) -> Scored:
    exact = check_pixels(reference.image, decoded, lossless=request.lossless)
    values: dict[str, float | None] = {}
    reasons: dict[str, str] = {}
    pair = Pair(reference, decoded)
    for name, target in request.metrics:
        try:
            value = float(_metric(state, target, request.device)(pair))
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


def _codec(state: _State, reference: CodecRef) -> _Loaded:
    if reference not in state.codecs:
        constructor = registry.load_codec(reference.target, dict(reference.config), trusted=reference.trusted)
        config = complete_config(constructor, dict(reference.config))
        gpu = GpuUse()
        with gpu.counted():
            codec = constructor(**config)
        state.codecs[reference] = _Loaded(codec, config, gpu)
    return state.codecs[reference]


def _metric(state: _State, target: str, device: DeviceName) -> Metric:
    if (target, device) not in state.metrics:
        constructor = registry.load(target)
        options = {"device": device} if _takes_device(constructor) else {}
        state.metrics[target, device] = constructor(**options)
    return state.metrics[target, device]


def _takes_device(constructor: type) -> bool:
    return "device" in inspect.signature(constructor).parameters


def _failed(error: Exception, phase: Phase, width: int | None = None, height: int | None = None) -> Failed:
    status: Status
    match error:
        case _ if _out_of_memory(error):
            status = "oom"
        case BadImage():
            status, phase = "bad_input", "load"
        case UnsupportedImage() | Unsupported() | CodecUnavailable():
            status = "unsupported"
        case Mismatch():
            status = "mismatch"
        case _:
            status = "nonfinite" if phase == "metric" else "codec_error"
    name = "" if isinstance(error, BenchError | Mismatch) else type(error).__name__
    said = (str(error) or type(error).__name__).encode("utf-8", "replace").decode()
    return Failed(status, phase, name, said, width, height)


def _out_of_memory(error: Exception) -> bool:
    """Whether memory ran out; torch says so in a RuntimeError, of the GPU's in a subclass."""
    said = str(error)
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and any(it in said for it in _TORCH_NO_MEMORY))
    )
