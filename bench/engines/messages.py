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
from typing import Annotated, Any, ClassVar, TypeVar

import msgspec

from bench.files.typed_json import Sha256
from bench.host.device import DeviceName
from bench.trials.codec_ref import CodecRef, Description, Message, MetricDescription
from bench.trials.measurement import Phase, Status

MESSAGE_LENGTH = 4000
"""Characters of an exception's message that are kept."""

LARGEST = 1 << 31
"""Bytes of the longest message: a bitstream, or the maps of an explanation."""

_Text = Annotated[str, msgspec.Meta(max_length=MESSAGE_LENGTH)]
_Count = Annotated[int, msgspec.Meta(ge=0)]


class Repeat(msgspec.Struct, frozen=True):
    """How often to run what is timed."""

    warmup: _Count = 0
    samples: Annotated[int, msgspec.Meta(ge=1)] = 1

    @property
    def calls(self) -> int:
        """How often the codec runs in all."""
        return self.warmup + self.samples


class Prepare(Message, frozen=True):
    """Construct a codec; answered by :class:`Prepared`."""

    codec: CodecRef


class Prepared(Message, frozen=True):
    """The codec stands ready."""


class Describe(Message, frozen=True):
    """Construct a codec and tell what it is; answered by :class:`Description`."""

    codec: CodecRef


class DescribeMetric(Message, frozen=True):
    """Construct a metric and tell what it is; answered by :class:`MetricDescription`."""

    target: str


class CheckCuda(Message, frozen=True):
    """Import torch and see whether there is CUDA; answered by :class:`CudaState`."""


class CudaState(Message, frozen=True):
    problem: str | None
    """Why there is none, with the remedy."""


class Load(Message, frozen=True):
    """Read an image file and write its samples into the attached file; answered by :class:`Loaded`."""

    image: Path
    sha256: str | None
    """Of the file's bytes; another file is refused."""


class Loaded(Message, frozen=True):
    shape: tuple[_Count, _Count, _Count]
    treatment: str


class Encode(Message, frozen=True):
    """Encode an image; answered by :class:`Encoded`."""

    image: Path
    codec: CodecRef
    quality: float | None
    repeat: Repeat
    sha256: str | None = None
    """Of the file's bytes; another file is refused."""
    shape: tuple[int, int, int] | None = None
    """Of the samples in the attached file; None where none is attached: the worker then reads ``image``."""


class Encoded(Message, frozen=True):
    bitstream: Annotated[bytes, msgspec.Meta(min_length=1)]
    seconds: tuple[float, ...]
    width: int
    height: int
    treatment: str
    """Of the image, if this worker read it."""
    gpu_bytes: int | None = None
    """Most GPU memory that the codec held; None if it did not use a GPU."""
    peak_bytes: int | None = None
    """Most memory that a learned codec needed beyond the idle process, where the system tells."""
    spent: float = 0.0
    """Seconds inside the codec, warm-up included."""
    first: float | None = None
    """Seconds of the first call, the warm-up, at most those of processor time; None without one."""
    cpu_share: float | None = None
    """Of the time, how much the process and those that it started had the processor; None on a GPU."""


class Decode(Message, frozen=True):
    """Decode a bitstream into the process's sample file; answered by :class:`Decoded`."""

    codec: CodecRef
    bitstream: bytes
    repeat: Repeat
    digest: bool = True
    """Whether to hash the samples; not needed where a scorer does."""


class Decoded(Message, frozen=True):
    shape: tuple[_Count, ...]
    seconds: tuple[float, ...]
    sha256: str
    """Of the samples; empty where it was not asked for."""
    gpu_bytes: int | None = None
    peak_bytes: int | None = None
    spent: float = 0.0
    first: float | None = None
    treatment: str = ""
    """What the adapter converted in the picture that a program wrote for it."""
    cpu_share: float | None = None


class Score(Message, frozen=True):
    """Compare an image with the samples in the attached file; answered by :class:`Scored`."""

    image: Path
    sha256: str | None
    shape: tuple[int, ...]
    """Of the decoded samples."""
    metrics: tuple[tuple[str, str], ...]
    """(name, target) of each metric."""
    lossless: bool
    device: DeviceName = "cpu"
    """Where the metrics run that can choose."""


class Scored(Message, frozen=True):
    exact: bool
    metrics: dict[str, float | None]
    reasons: dict[str, str]
    sha256: Sha256
    """Of the decoded samples."""


class Explain(Message, frozen=True):
    """Encode an image and say where the bits went; answered by :class:`bench.engines.explain.Explained`."""

    image: Path
    codec: CodecRef
    quality: float | None
    sha256: str | None = None
    """Of the file's bytes; another file is refused."""


class Failed(Message, frozen=True):
    """An exception in the codec, the image reader or a metric."""

    status: Status
    phase: Phase
    exception: _Text
    message: _Text
    width: int | None = None
    height: int | None = None
    sha256: Sha256 | None = None
    """Of the decoded samples, where scoring them failed."""


Request = Prepare | Describe | DescribeMetric | CheckCuda | Load | Encode | Decode | Score | Explain


class Answers:
    """What each request is answered by, besides :class:`Failed`."""

    KINDS: ClassVar[dict[type, type]] = {
        Prepare: Prepared,
        Describe: Description,
        DescribeMetric: MetricDescription,
        CheckCuda: CudaState,
        Load: Loaded,
        Encode: Encoded,
        Decode: Decoded,
        Score: Scored,
    }


def pack(message: Any) -> bytes:
    """A message as bytes.

    Raises
    ------
    TypeError, ValueError, OverflowError
        A value that is no plain data.
    """
    return msgspec.msgpack.encode(message, enc_hook=_plain)


def unpack_request(data: bytes) -> Request:
    """The parent's request."""
    request: Request = _decoder(Request).decode(data)
    return request


def unpack_answer(request: Request, data: bytes) -> Any:
    """The answer to a request.

    Raises
    ------
    msgspec.MsgspecError
        The bytes are no such answer.
    """
    return _answer_decoder(type(request)).decode(data)


@cache
def _answer_decoder(request: type) -> msgspec.msgpack.Decoder[Any]:
    if request is Explain:
        from bench.engines.explain import Explained

        return _decoder(Explained | Failed)
    return _decoder(Answers.KINDS[request] | Failed)


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


T = TypeVar("T")


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
