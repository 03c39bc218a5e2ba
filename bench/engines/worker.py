"""What runs inside a worker process: load, encode, decode, score; the harness holds the clock.

A trial visits two workers. The first reads the original, encodes it and later scores the result;
the second is given the bitstream and nothing else. Neither trusts the adapter: what it returns is
checked and materialised inside the timed window, and what it raises becomes a failure.
"""

from __future__ import annotations

import hashlib
import inspect
import math
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from types import UnionType
from typing import Any, Literal, TypeVar

import numpy as np

from bench import registry
from bench.codec import Codec, Image
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

T = TypeVar("T")

_FEWEST_PIXELS = 256
_VISIBLE = 3 * 16.0
"""Sum of the channels' mean squared errors below which swapped channels can't be told from noise."""


@dataclass(frozen=True)
class CodecRef:
    """How to construct a codec in a worker."""

    target: str
    config: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Repeat:
    """How often to run what is timed."""

    warmup: int = 0
    samples: int = 1


@dataclass(frozen=True)
class Describe:
    """Construct a codec and tell what it is; answered by :class:`Description`."""

    codec: CodecRef


@dataclass(frozen=True)
class Description:
    name: str
    version: str
    lossless: bool
    qualities: tuple[float, ...]
    quality_range: tuple[float, float] | None
    config: dict[str, Any]
    weights_sha256: str | None


@dataclass(frozen=True)
class DescribeMetric:
    """Construct a metric and tell what it is; answered by :class:`MetricDescription`."""

    target: str


@dataclass(frozen=True)
class MetricDescription:
    name: str
    version: str
    unit: str
    higher_is_better: bool


@dataclass(frozen=True)
class Encode:
    """Read an image and encode it; answered by :class:`Encoded`."""

    image: Path
    codec: CodecRef
    quality: float | None
    repeat: Repeat


@dataclass(frozen=True)
class Encoded:
    bitstream: bytes
    seconds: tuple[float, ...]
    width: int
    height: int
    treatment: str


@dataclass(frozen=True)
class Decode:
    """Decode a bitstream into the sample file; answered by :class:`Decoded`."""

    codec: CodecRef
    bitstream: bytes
    repeat: Repeat


@dataclass(frozen=True)
class Decoded:
    shape: tuple[int, ...]
    seconds: tuple[float, ...]
    sha256: str


@dataclass(frozen=True)
class Score:
    """Compare the image that was encoded last with the sample file; answered by :class:`Scored`."""

    shape: tuple[int, ...]
    metrics: tuple[tuple[str, str], ...]
    """(name, target) of each metric."""
    lossless: bool


@dataclass(frozen=True)
class Scored:
    exact: bool
    metrics: dict[str, float | None]
    reasons: dict[str, str]


@dataclass(frozen=True)
class Failed:
    """An exception in the codec, the image reader or a metric."""

    status: Status
    phase: Phase
    exception: str
    message: str
    width: int | None = None
    height: int | None = None


class _Mismatch(Exception):
    """What a codec returned is not what it promised."""


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
            raise _Mismatch(f"encode returned {type(bitstream).__name__}, not bytes")
        connection.send(Encoded(bitstream, seconds, width, height, state.treatment))
    except Exception as error:
        connection.send(_failed(error, phase, width, height))


def _decode(connection: Connection, state: _State, request: Decode) -> None:
    try:
        codec, _ = _codec(state, request.codec)
        pixels, seconds = _timed(lambda: _materialised(codec.decode(request.bitstream)), request.repeat)
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
        connection.send(_failed(error, "metric" if not isinstance(error, _Mismatch) else "decode"))


def _scored(state: _State, request: Score, reference: Reference, decoded: Image) -> Scored:
    original = reference.image
    if decoded.shape != original.shape:
        raise _Mismatch(f"decoded shape {decoded.shape}, the original is {original.shape}")
    exact = bool(np.array_equal(decoded, original))
    if request.lossless and not exact:
        different = int(np.count_nonzero((decoded != original).any(axis=2)))
        raise _Mismatch(
            f"claims to be lossless, but {different} pixels of {original.shape[0] * original.shape[1]} differ"
        )
    if not exact and (order := permuted_channels(original, decoded)):
        raise _Mismatch(f"decoded channels are in the order {order}, not RGB")
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


def permuted_channels(original: Image, decoded: Image) -> str | None:
    """The channel order (``"BGR"``) that fits far better than the one returned; None when RGB fits.

    An honest reconstruction is nearest to the original as it is; one whose channels were swapped is
    several times nearer after swapping them back. Pictures that are nearly grey look the same either way
    and are never flagged; neither are those with too few pixels to tell.
    """
    if original.shape[0] * original.shape[1] < _FEWEST_PIXELS:
        return None
    # A subsampled grid keeps this far below the cost of a metric.
    step = max(1, int(math.sqrt(original.shape[0] * original.shape[1] / 16384)))
    first = original[::step, ::step].reshape(-1, 3).astype(np.float64)
    second = decoded[::step, ::step].reshape(-1, 3).astype(np.float64)
    # errors[i, j]: mean squared difference of the original's channel i and the decoded channel j
    squares = np.square(first).sum(axis=0)[:, None] + np.square(second).sum(axis=0)[None, :]
    errors = (squares - 2 * first.T @ second) / len(first)
    orders = ((0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
    honest = errors.trace()
    best = min(orders, key=lambda order: sum(errors[i, j] for i, j in enumerate(order)))
    # Decoded channel best[i] holds the original's channel i.
    if honest > 4 * sum(errors[i, j] for i, j in enumerate(best)) and honest > _VISIBLE:
        return "".join("RGB"[best.index(j)] for j in range(3))
    return None


def _timed(function: Callable[[], T], repeat: Repeat) -> tuple[T, tuple[float, ...]]:
    for _ in range(repeat.warmup):
        function()
    seconds = []
    for _ in range(repeat.samples):
        start = perf_counter()
        result = function()
        seconds.append(perf_counter() - start)
    return result, tuple(seconds)


def _materialised(pixels: Any) -> Image:
    """A decoder's result as plain samples in memory: a lazy array can't move work out of the clock."""
    if type(pixels) is not np.ndarray or pixels.dtype != np.uint8:
        kind = f"an array of {pixels.dtype}" if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise _Mismatch(f"decode returned {kind}, not a numpy array of uint8")
    return np.ascontiguousarray(pixels)


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


def complete_config(constructor: type, options: dict[str, Any]) -> dict[str, Any]:
    """All of a codec's options: those given, as the types the constructor declares, and its defaults.

    Raises
    ------
    ConfigError
        An option that does not exist, or a value that does not fit; the message lists what does.
    """
    name = getattr(constructor, "name", constructor.__name__)
    parameters = {
        key: it
        for key, it in inspect.signature(constructor).parameters.items()
        if it.kind in (it.KEYWORD_ONLY, it.POSITIONAL_OR_KEYWORD)
    }
    for option in options:
        if option not in parameters:
            raise ConfigError(
                f"codec {name!r} has no option {option!r}; it has: {', '.join(parameters) or 'none'}"
            )
    hints = typing.get_type_hints(constructor.__init__)  # type: ignore[misc]  # read, not called
    config: dict[str, Any] = {}
    for key, parameter in parameters.items():
        if key in options:
            config[key] = _coerced(f"codec {name!r}: option {key!r}", options[key], hints.get(key, str))
        elif parameter.default is parameter.empty:
            raise ConfigError(f"codec {name!r} needs the option {key!r}")
        else:
            config[key] = parameter.default
    return config


def _coerced(what: str, value: Any, hint: Any) -> Any:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, UnionType):
        inner = [it for it in typing.get_args(hint) if it is not type(None)]
        return None if value is None or value == "none" else _coerced(what, value, inner[0])
    if origin is Literal:
        choices = typing.get_args(hint)
        for choice in choices:
            if value == choice or str(value).lower() == str(choice).lower():
                return choice
        raise ConfigError(f"{what} is one of {', '.join(map(str, choices))}, not {value!r}")
    if hint is bool:
        truth = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        if (known := truth.get(str(value).lower())) is not None:
            return known
        raise ConfigError(f"{what} is true or false, not {value!r}")
    if hint in (int, float):
        try:
            return hint(str(value))
        except ValueError:
            raise ConfigError(
                f"{what} is {'a whole number' if hint is int else 'a number'}, not {value!r}"
            ) from None
    return str(value)


def _failed(error: Exception, phase: Phase, width: int | None = None, height: int | None = None) -> Failed:
    status: Status
    match error:
        case BadImage():
            status, phase = "bad_input", "load"
        case UnsupportedImage() | Unsupported() | CodecUnavailable():
            status = "unsupported"
        case _Mismatch():
            status = "mismatch"
        case MemoryError():
            status = "oom"
        case _:
            status = "nonfinite" if phase == "metric" else "codec_error"
    name = "" if isinstance(error, BenchError | _Mismatch) else type(error).__name__
    return Failed(status, phase, name, str(error) or type(error).__name__, width, height)
