"""What the parent asks of a worker, and what it answers.

Both ways travel as MessagePack, never as pickles, and are checked against these types on arrival: what an
adapter puts into an answer is data, or the answer is refused.
"""

from __future__ import annotations

import math
import os
import typing
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, TypeAlias, TypeVar

import msgspec

from bench.engines.shared_pixels import SampleType, SharedPixels
from bench.errors import ConfigError
from bench.explanation import Explanation
from bench.files.typed_json import Sha256
from bench.host.device import DeviceName
from bench.inputs.pixels import RGB8, Accepted
from bench.sealing.seal import View
from bench.trials.codec_ref import CodecRef, Description, Message, MetricDescription, MetricRef
from bench.trials.measurement import (
    Bits,
    Count,
    Failure,
    FailureStatus,
    MetricValue,
    Phase,
    Seconds,
    Share,
    Treatment,
)

MESSAGE_LENGTH = 4000
"""Characters of an exception's message that are kept."""

_MOST_CALLS = 100_000

LARGEST = 1 << 31
"""Bytes of the longest message: a bitstream, or the maps of an explanation."""

_Text = Annotated[str, msgspec.Meta(max_length=MESSAGE_LENGTH)]
_Count = Annotated[int, msgspec.Meta(ge=0)]

Answer = TypeVar("Answer")
Answer_co = TypeVar("Answer_co", covariant=True)


_Side = Annotated[int, msgspec.Meta(ge=0, le=1 << 28)]


class Repeat(msgspec.Struct, frozen=True):
    """How often to run what is timed."""

    warmup: _Count = 0
    samples: Annotated[int, msgspec.Meta(ge=1)] = 1

    @property
    def calls(self) -> int:
        """How often the codec runs in all."""
        return self.warmup + self.samples


class Request(Message, Generic[Answer_co], frozen=True):
    """What a worker is asked; it is answered by the class in brackets, or :class:`Failed`."""

    phase: ClassVar[Phase] = "load"
    """What goes on while it is answered."""

    @classmethod
    def answer(cls) -> type:
        """The type of the answer."""
        kind: type = typing.get_args(cls.__orig_bases__[0])[0]  # type: ignore[attr-defined]
        return kind


class Prepared(Message, frozen=True):
    """The codec stands ready."""


class Prepare(Request[Prepared], frozen=True):
    """Construct a codec."""

    codec: CodecRef


class Confined(Message, frozen=True):
    """The process is shut in."""


class KernelsOf(msgspec.Struct, frozen=True):
    """The compiled kernels of one of rdbench's own codecs."""

    target: str
    explaining: bool
    """Whether those that explain a bitstream are meant, rather than those that make one."""


class Confine(Request[Confined], frozen=True):
    """Shut the process in, before it loads a codec."""

    view: View | None
    """What it sees of the machine; None for everything."""
    kernels: KernelsOf | None = None
    """What is to be compiled before, since nothing can be kept afterwards."""


class Needed(Message, frozen=True):
    """What a codec declares to need of the machine."""

    needs: Annotated[tuple[Annotated[str, msgspec.Meta(max_length=4096)], ...], msgspec.Meta(max_length=64)]


class AskNeeds(Request[Needed], frozen=True):
    """Import a codec, and tell what it needs."""

    codec: CodecRef


class Describe(Request[Description], frozen=True):
    """Construct a codec and tell what it is."""

    codec: CodecRef


class DescribeMetric(Request[MetricDescription], frozen=True):
    """Construct a metric and tell what it is."""

    metric: MetricRef


class CudaState(Message, frozen=True):
    """Whether there is CUDA."""

    problem: str | None
    """Why there is none, with the remedy."""


class CheckCuda(Request[CudaState], frozen=True):
    """Import torch and see whether there is CUDA."""


class Loaded(Message, frozen=True):
    """A picture that was read."""

    shape: tuple[_Count, ...]
    treatment: str
    depth: int = 8


class Load(Request[Loaded], frozen=True):
    """Read an image file and write its samples into the attached file."""

    image: Path
    sha256: str | None
    """Of the file's bytes; another file is refused."""
    accepted: Accepted = RGB8
    """The forms in which the codec takes it."""


class Took(msgspec.Struct, frozen=True, kw_only=True):
    """What calls of a codec took, as its process tells: an adapter can reach what tells it."""

    calls: Annotated[tuple[Seconds, ...], msgspec.Meta(min_length=1, max_length=_MOST_CALLS)]
    """Seconds of each call, in their order; the warm-up first."""
    programs: Seconds = 0.0
    """Seconds of further calls, made to see what its programs need."""
    startup: Seconds | None = None
    """Seconds of a call with a program in place of each of the codec's that does nothing; None where it runs
    none, or times are not precise."""
    program_peak_bytes: Count | None = None
    """Most memory that its programs needed; None where it runs none, or nothing is told."""
    counted: bool = False
    """Whether the peak of the process's memory is that of these calls."""
    gpu_bytes: Count | None = None
    """Most GPU memory that the codec held; None if it did not use a GPU."""
    cpu_share: Share | None = None
    """Of the time, how much the process and those that it started had the processor; None on a GPU."""
    fresh: bool = False
    """Whether the codec had not been called before in this process."""


class Encoded(Message, frozen=True):
    """A bitstream, and what it took to make it."""

    bitstream: Annotated[bytes, msgspec.Meta(min_length=1)]
    took: Took
    estimates: bool = False
    """Whether the codec can tell what it estimates for it."""


class OfPicture(Request[Answer], frozen=True):
    """About the picture whose samples are in the attached file."""

    phase: ClassVar[Phase] = "encode"
    codec: CodecRef
    quality: float | None
    shape: tuple[int, ...]
    original: int
    """What tells one picture from another: those of the same number are the same."""
    depth: int = 8
    """Bits of each sample."""


class Encode(OfPicture[Encoded], frozen=True):
    """Encode the picture."""

    repeat: Repeat = Repeat()


class Estimated(Message, frozen=True):
    """What a codec's own model says of the size of a bitstream."""

    bits: Bits


class EstimateRate(OfPicture[Estimated], frozen=True):
    """Estimate the rate of the picture, and make no bitstream."""


class Decoded(Message, frozen=True):
    """A picture that was decoded; its samples are in the process's sample file."""

    shape: Annotated[tuple[_Side, ...], msgspec.Meta(max_length=8)]
    took: Took
    sha256: Sha256 | None = None
    """Of the samples; None where it was not asked for."""
    treatment: Treatment = ""
    """What the adapter converted in the picture that a program wrote for it."""
    dtype: SampleType = "uint8"
    """Of the samples."""


class Decode(Request[Decoded], frozen=True):
    """Decode a bitstream into the process's sample file."""

    phase: ClassVar[Phase] = "decode"
    codec: CodecRef
    bitstream: bytes
    repeat: Repeat = Repeat()
    digest: bool = True
    """Whether to hash the samples; not needed where a scorer does."""


class Scored(Message, frozen=True):
    """How a decoded picture compares with the original."""

    exact: bool
    metrics: dict[str, MetricValue | None]
    reasons: dict[str, _Text]
    sha256: Sha256
    """Of the decoded samples."""


class Score(Request[Scored], frozen=True):
    """Compare an image with the samples in the attached file."""

    phase: ClassVar[Phase] = "metric"
    image: Path
    sha256: str | None
    shape: tuple[int, ...]
    """Of the decoded samples."""
    metrics: tuple[MetricRef, ...]
    lossless: bool
    device: DeviceName = "cpu"
    """Where the metrics run that can choose."""
    dtype: SampleType = "uint8"
    """Of the decoded samples."""
    accepted: Accepted = RGB8
    """The forms of which the original had one when it was encoded."""
    known: Scored | None = None
    """What the same question was answered with before: it is the answer if the samples are the same again."""


class Explained(Message, frozen=True):
    """An explanation, and what it is held against."""

    explanation: Explanation
    bytes: int
    """Of the bitstream."""
    not_exact: str = ""
    """Why the codec itself does not explain this bitstream, where that is so."""


class Explain(Request[Explained], frozen=True):
    """Encode the picture whose samples are in the attached file, and say where the bits went."""

    phase: ClassVar[Phase] = "encode"
    codec: CodecRef
    quality: float | None
    shape: tuple[int, ...]


class Failed(Message, frozen=True):
    """What comes instead of an answer.

    It stands for an exception in the codec, the image reader or a metric, or for the death of the process.
    """

    status: FailureStatus
    phase: Phase
    exception: _Text
    message: _Text
    sha256: Sha256 | None = None
    """Of the decoded samples, where scoring them failed."""
    signal: int | None = None
    """That the process died of."""
    stderr: _Text = ""
    """The last lines that the codec printed."""

    @property
    def ended(self) -> bool:
        """Whether the process ended, or was ended, before it could answer."""
        return not self.exception and self.status in ("crash", "timeout", "oom")

    @property
    def deliberate(self) -> bool:
        """Whether rdbench raised it on purpose, so that the message says all."""
        return not self.exception and not self.ended

    @property
    def reason(self) -> str:
        """The exception and its message."""
        return f"{self.exception}: {self.message}" if self.exception else self.message

    @property
    def failure(self) -> Failure:
        """As it is recorded."""
        return Failure(
            phase=self.phase,
            message=self.message,
            exception=self.exception,
            signal=self.signal,
            stderr=self.stderr,
        )


class NoAnswer(Exception):
    """What was asked failed."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.reason)
        self.failed = failed


def answered(answer: Answer | Failed) -> Answer:
    """An answer.

    Raises
    ------
    NoAnswer
        It is none.
    """
    if isinstance(answer, Failed):
        raise NoAnswer(answer)
    return answer


AnyRequest = (
    Confine
    | AskNeeds
    | Prepare
    | Describe
    | DescribeMetric
    | CheckCuda
    | Load
    | Encode
    | EstimateRate
    | Decode
    | Score
    | Explain
)


Key: TypeAlias = CodecRef | str | None
"""What serves a request: a codec, descriptions of what a target names, or all that names no codec."""


def key_of(request: Request[Any]) -> Key:
    """What serves a request apart from all others."""
    # What a class says of its configurations needs no process for each: importing torch takes seconds.
    if isinstance(request, Describe):
        return request.codec.target
    codec: CodecRef | None = getattr(request, "codec", None)
    return codec


def attached(request: Request[Any], pixels: SharedPixels | None) -> tuple[int, ...]:
    """The descriptors that go with a request: samples are written by :class:`Load` alone."""
    if pixels is None:
        return ()
    return (pixels.writable if isinstance(request, Load) else pixels.readable,)


def pack(message: Any) -> bytes:
    """A message as bytes.

    Raises
    ------
    TypeError, ValueError, OverflowError
        A value that is no plain data.
    """
    return msgspec.msgpack.encode(message, enc_hook=_plain)


def pack_request(request: Request[Any]) -> bytes:
    """A request as bytes.

    Raises
    ------
    ConfigError
        An option of the codec is no plain data.
    """
    try:
        return pack(request)
    except (TypeError, OverflowError, ValueError) as error:
        key = key_of(request)
        raise ConfigError(f"codec {key.target if isinstance(key, CodecRef) else key}: {error}") from error


def unpack_request(data: bytes) -> AnyRequest:
    """The parent's request."""
    request: AnyRequest = _decoder(AnyRequest).decode(data)
    return request


def unpack_answer(request: Request[Answer], data: bytes) -> Answer | Failed:
    """The answer to a request.

    Raises
    ------
    msgspec.MsgspecError
        The bytes are no such answer.
    """
    answer: Answer | Failed = _answer_decoder(type(request)).decode(data)
    return answer


@cache
def _answer_decoder(request: type[Request[Any]]) -> msgspec.msgpack.Decoder[Any]:
    return _decoder(request.answer() | Failed)


@cache
def _decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind, dec_hook=_rebuilt)


def _plain(value: Any) -> Any:
    """Paths, numpy's numbers and arrays as plain data."""
    import numpy as np

    if isinstance(value, Path):
        return os.fsencode(value)
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is no plain data")


def _rebuilt(kind: Any, value: Any) -> Any:
    if kind is Path and isinstance(value, bytes):
        return Path(os.fsdecode(value))
    return _array(kind, *value)


def _array(kind: Any, found: str, shape: list[int], data: bytes) -> Any:
    """An array of the element type that an annotation ``NDArray[…]`` names."""
    import numpy as np

    if not isinstance(found, str) or np.dtype(found).kind not in "biuf":
        raise ValueError(f"an array of {found!r}")
    (element,) = typing.get_args(typing.get_args(kind)[1])
    if math.prod(shape) * np.dtype(found).itemsize != len(data):
        raise ValueError("an array of another size than its shape's")
    return np.frombuffer(data, found).reshape(shape).astype(element)
