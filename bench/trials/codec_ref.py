"""How a codec is named to a worker, and what codecs and metrics say of themselves there."""

from __future__ import annotations

import msgspec

from bench.files.typed_json import Option, Sha256


class Message(msgspec.Struct, frozen=True, tag=True):
    """Anything that travels between the parent and a worker."""


class CodecRef(msgspec.Struct, frozen=True):
    """How to construct a codec in a worker."""

    target: str
    config: tuple[tuple[str, Option], ...] = ()
    trusted: bool = False
    """The user names it in this call, or vouches for the run folder that does; else it has to be installed,
    and to use no option that names a program or a file."""


class Description(Message, frozen=True):
    name: str
    version: str
    lossless: bool
    qualities: tuple[float | None, ...]
    """The default operating points: numbers, or one without a quality."""
    quality_range: tuple[float, float] | None
    config: dict[str, Option]
    weights_sha256: Sha256 | None
    complexity: dict[str, float]
    """What a learned codec says of its cost; empty for the others."""
    takes_quality: bool = True
    """Whether quality reaches the encoder; else there is one operating point, without a quality."""


class MetricDescription(Message, frozen=True):
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
