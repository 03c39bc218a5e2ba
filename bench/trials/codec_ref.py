"""How a codec is named to a worker, and what codecs and metrics say of themselves there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import msgspec

from bench.files.typed_json import Option, Sha256
from bench.host.device import DeviceName
from bench.inputs.pixels import RGB8, Accepted

_Line = Annotated[str, msgspec.Meta(max_length=1000)]
_Files = Annotated[tuple[Annotated[str, msgspec.Meta(max_length=4096)], ...], msgspec.Meta(max_length=10_000)]
THREADS_OPTION = "threads"
"""The option of codecs that can be told how many threads to use, see :class:`bench.codec.Codec`."""


class Message(msgspec.Struct, frozen=True, tag=True):
    """Anything that travels between the parent and a worker."""


def threads_of(config: Mapping[str, Option]) -> int:
    """How many threads a codec with these options uses; 1 unless they say more."""
    threads = config.get(THREADS_OPTION)
    return threads if isinstance(threads, int) and threads > 1 else 1


class CodecRef(msgspec.Struct, frozen=True):
    """How to construct a codec in a worker."""

    target: str
    config: tuple[tuple[str, Option], ...] = ()
    trusted: bool = False
    """The user names it in this call, or vouches for the run folder that does; else it has to be installed,
    and to use no option that names a program or a file."""
    needs: tuple[str, ...] = ()
    """What it is given of the machine beyond files of its own, whatever it declares itself."""
    settled: bool = False
    """Whether ``needs`` is all that it is given, as a plan has it; else its class is asked for more."""

    @property
    def threads(self) -> int:
        """How many threads it is told to use: its option of that name, 1 for a codec that has none."""
        return threads_of(dict(self.config))

    @property
    def has_gpu(self) -> bool:
        """Whether it is given a GPU: it needs one, or has a device that is none of the CPU."""
        return "gpu" in self.needs or dict(self.config).get("device") not in (None, "cpu")

    @classmethod
    def of(
        cls,
        target: str,
        config: Mapping[str, Option],
        *,
        needs: tuple[str, ...] = (),
        settled: bool = False,
        trusted: bool = False,
    ) -> CodecRef:
        """A codec with its options in one order, whatever theirs was.

        Parameters
        ----------
        target : ``module:Class`` or ``path/to/file.py:Class``, see :func:`bench.registry.load`
        """
        return cls(target, tuple(sorted(config.items())), trusted, needs, settled)


class MetricRef(msgspec.Struct, frozen=True):
    """How to construct a metric in a worker."""

    name: str
    """What its values are called; empty for a class of a file, which has yet to say it."""
    target: str
    """``module:Class`` or ``path/to/file.py:Class``, see :func:`bench.registry.load`."""
    config: tuple[tuple[str, Option], ...] = ()
    """What its constructor is given."""
    trusted: bool = False
    """The user names it in this call, or vouches for the run folder that does; else it has to be
    installed."""


class Description(Message, frozen=True):
    """What a codec says of itself at one configuration."""

    name: _Line
    version: _Line
    lossless: bool
    qualities: tuple[float | None, ...]
    """The default operating points: numbers, or one without a quality."""
    quality_range: tuple[float, float] | None
    config: dict[str, Option]
    weights_sha256: Sha256 | None
    """Of all its weights."""
    complexity: dict[str, float]
    """What a learned codec says of its cost; empty for the others."""
    unrecorded: dict[str, Option] = {}
    """Options that were added later and are at their default, and so no part of ``config``."""
    takes_quality: bool = True
    """Whether quality reaches the encoder; else there is one operating point, without a quality."""
    accepted: Accepted = RGB8
    """The pictures that it declares to take."""
    own_bytes: int | None = None
    """Of what it brings along, see :func:`bench.sealing.view.own_bytes`."""
    needs: tuple[str, ...] = ()
    """What it declares to need, or is given, of the machine beyond files of its own; see
    :class:`bench.codec.Codec`."""
    imported: _Files = ()
    """On the way to who asked: what of its folder it has imported, see
    :func:`bench.registry.imported_beside`."""
    weights_by_quality: dict[float, Sha256] = {}
    """Of those of each quality, where each has its own."""


class MetricDescription(Message, frozen=True):
    """What a metric says of itself."""

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
    title: str = ""
    """Its name in print, and what a report takes it for, see :class:`bench.metrics.base.Metric`; empty where
    it declares none."""
    role: str = ""
    imported: _Files = ()
    """As of :class:`Description`."""


@dataclass(frozen=True)
class DescribedCodec:
    """A codec that a suite names, as it was found on the machine that is to run it."""

    target: str
    found: Description | str
    """On the device that its spec, else the suite, asks for; or the reason why it is unavailable."""
    bare: Description | None = None
    """Without any options, where its label tells what differs from that and it can be without."""
    decoder: DescribedCodec | None = None
    """Another codec that is to decode its bitstreams."""


@dataclass(frozen=True)
class DescribedMetric:
    """A metric that the user names, or a run folder has."""

    ref: MetricRef
    """With the name that its values have."""
    found: MetricDescription


@dataclass(frozen=True)
class Described:
    """What a suite names, as it was found on the machine that is to run it."""

    codecs: tuple[DescribedCodec, ...]
    """One for each entry of the suite, in its order."""
    metrics: tuple[DescribedMetric, ...] = ()
    metrics_device: DeviceName = "cpu"
    """Where those run that can choose."""
