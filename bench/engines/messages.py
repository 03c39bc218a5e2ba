"""What the parent asks of a worker, and what it answers; plain data that can be pickled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.device import DeviceName
from bench.record import Phase, Status


@dataclass(frozen=True)
class CodecRef:
    """How to construct a codec in a worker."""

    target: str
    config: tuple[tuple[str, Any], ...] = ()
    trusted: bool = False
    """The user names it in this call, or vouches for the run folder that does; else it has to be installed,
    and to use no option that names a program or a file."""


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
    complexity: dict[str, float]
    """What a learned codec says of its cost; empty for the others."""


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
    ideal: float | None = None
    """The best value of a metric that is worse on both sides of it."""
    takes_device: bool = False
    """Whether its constructor can be told where to run."""
    learned: bool = False
    """Whether it runs a network, and so gains from a GPU."""


@dataclass(frozen=True)
class CheckCuda:
    """Import torch and see whether there is CUDA; answered by :class:`CudaState`."""


@dataclass(frozen=True)
class CudaState:
    problem: str | None
    """Why there is none, with the remedy."""


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
    gpu_bytes: int | None = None
    """Most GPU memory that the codec held; None if it did not use a GPU."""
    peak_bytes: int | None = None
    """Most memory that the process had resident, for a learned codec where the system tells."""
    cpu_share: float | None = None
    """Of the time, how much the process and those that it started had the processor; None on a GPU."""


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
    gpu_bytes: int | None = None
    peak_bytes: int | None = None
    treatment: str = ""
    """What the adapter converted in the picture that a program wrote for it."""
    cpu_share: float | None = None


@dataclass(frozen=True)
class Score:
    """Compare the image that was encoded last with the sample file; answered by :class:`Scored`."""

    shape: tuple[int, ...]
    metrics: tuple[tuple[str, str], ...]
    """(name, target) of each metric."""
    lossless: bool
    device: DeviceName = "cpu"
    """Where the metrics run that can choose."""


@dataclass(frozen=True)
class Scored:
    exact: bool
    metrics: dict[str, float | None]
    reasons: dict[str, str]


@dataclass(frozen=True)
class Explain:
    """Encode an image and say where the bits went; answered by :class:`bench.explain.measure.Explained`."""

    image: Path
    codec: CodecRef
    quality: float | None


@dataclass(frozen=True)
class Failed:
    """An exception in the codec, the image reader or a metric."""

    status: Status
    phase: Phase
    exception: str
    message: str
    width: int | None = None
    height: int | None = None
