"""The record of one measured trial, and its schema.

Version history of the schema (the journal's lines and ``run.json``):

1. First version. Fields added since, which older journals lack and older readers skip: ``device``,
   ``gpu_bytes``, ``metrics_device``, ``encode_peak_bytes``, ``decode_peak_bytes``, ``peak_of``,
   ``decoded_treatment``, ``encode_cpu_share``, ``decode_cpu_share``, ``isolation``, ``encode_startup_s``,
   ``decode_startup_s``, ``encode_cold_s``, ``decode_cold_s``, ``decoder``, ``depth``, ``channels``,
   ``needs``, ``reached``, ``estimated_bits``; of ``run.json`` ``sources``, ``further_environments``,
   ``several_machines``, ``decoder``, ``shard``, ``title``, ``links``, ``goal``, ``conditions``,
   ``weights_by_quality``. A reader that knows the first machine of a run alone takes what others measured for
   history.

A reader refuses a version that it does not know. Times are seconds, rates are bits per pixel and
derived (never stored), a metric without a value is ``null`` and its reason stands beside it.
"""

from __future__ import annotations

import statistics
from typing import Annotated, Literal, TypeAlias

import msgspec

from bench.codec import Channels
from bench.files.typed_json import Option, Sha256
from bench.host.device import DeviceName
from bench.inputs.pixels import Depth

SCHEMA_VERSION = 1

FailureStatus = Literal[
    "unsupported",  # the codec or its library can't do this, and says so
    "bad_input",  # the image file is corrupt
    "codec_error",  # an exception in the codec
    "crash",  # the process died: a signal, or an exit of its own
    "timeout",
    "oom",  # the memory limit, or the kernel, ended it
    "mismatch",  # wrong shape, type or channel order, lossless pixels that differ, times that can't be
    "nonfinite",  # a metric failed or gave NaN
]
Status: TypeAlias = FailureStatus | Literal["ok", "cancelled"]
"""``cancelled``: planned, but not measured, since the run was interrupted."""

Phase = Literal["load", "encode", "decode", "metric"]

Side: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=1 << 31)]
"""Pixels of a picture's width or height."""
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
Bits: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1e15)]
Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
Share: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]
Treatment: TypeAlias = Annotated[str, msgspec.Meta(max_length=1000)]
MetricValue: TypeAlias = Annotated[float, msgspec.Meta(ge=-1e12, le=1e12)]

Isolation = Literal["sealed", "process", "none"]
"""``process``: a crash, a hang or a change of the process is confined to the codec's own trials; ``sealed``:
besides, its processes saw nothing of the machine but the codec's own files, what it declares to need, and the
system's; ``none``: everything ran in one process, for debugging, and times, memory and failures may owe
something to the rest."""

TimingMode = Literal["load", "alone"]
"""``load``: other trials ran beside it, so times are throughput; ``alone``: pinned, warmed up, repeated."""


PeakOf = Literal["process", "codec"]
"""What ``encode_peak_bytes`` and ``decode_peak_bytes`` are of. ``codec``: see there; ``process``, in older
journals: everything that was resident in a process which served other codecs too, interpreter and what
earlier trials left included. The two are not comparable."""
DISTURBED = 0.9
"""Below this share of the processor, times taken alone are too long by more than a tenth."""


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a trial has no result."""

    phase: Phase
    message: str
    exception: str = ""
    signal: int | None = None
    stderr: str = ""
    """The last lines that the codec wrote to its standard error."""

    def __str__(self) -> str:
        name = f"{self.exception}: " if self.exception else ""
        return f"{self.phase}: {name}{self.message}"


class RecordedDecoder(msgspec.Struct, frozen=True, kw_only=True):
    """Another codec than the encoder's, which decoded the bitstreams."""

    codec: str
    version: str
    config: dict[str, Option]
    weights_sha256: str | None = None

    def __str__(self) -> str:
        return f"{self.codec} {self.version}".strip()


class Reached(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a search was to reach, and how it ended with the trial that bears this."""

    of: str
    """``bpp``, ``bytes``, or a metric."""
    value: float
    within: bool = True
    """Whether the trial's own value is within the tolerance."""
    reason: str = ""
    """Why it is not."""
    encodes: Count = 0
    """Trials that were made for it; others may have served it too."""


class Measurement(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One trial (codec configuration × operating point × image) and what became of it.

    A search measures trials like any other, and then repeats the line of the one that came nearest, with
    ``reached``: that line alone is a row of the run's table.
    """

    key: str
    environment: str
    """The machine that made it: ``id`` of one of the environments in ``run.json``."""
    dataset: str
    image: str
    image_sha256: str
    codec: str
    version: str
    config: dict[str, Option]
    quality: float | None = None
    weights_sha256: str | None = None
    decoder: RecordedDecoder | None = None
    """Whose decoder it was, where that is not the codec's own."""
    status: Status
    width: Side | None = None
    height: Side | None = None
    depth: Depth = 8
    """Bits a sample of the picture as it was coded."""
    channels: Channels = "rgb"
    """And its channels."""
    treatment: str = ""
    """What reading the original changed or left unused, and whether it was lossy; empty for 8-bit RGB."""
    decoded_treatment: str = ""
    """The same of the picture that an external decoder wrote."""
    bytes: Count | None = None
    estimated_bits: Bits | None = None
    """What the codec's own model says of the bitstream's size, where it says anything."""
    bitstream_sha256: Sha256 | None = None
    pixels_sha256: Sha256 | None = None
    exact: bool = False
    """The decoded pixels are identical to the original's."""
    isolation: Isolation = "process"
    needs: tuple[str, ...] = ()
    """What its sealed processes were given of the machine beyond files of their own, see
    :class:`bench.codec.Codec`; the encoder may write to a path among these, and the decoder read it."""
    timing: TimingMode = "load"
    encode_s: tuple[Seconds, ...] = ()
    """Every repetition, in order; warm-up left out."""
    decode_s: tuple[Seconds, ...] = ()
    encode_startup_s: Seconds | None = None
    """Of a codec that runs programs, the median time that encoding took with a program in place of each that
    does nothing: starting it, and writing and reading the files. Part of ``encode_s``. Only for ``alone``."""
    decode_startup_s: Seconds | None = None
    """The same of decoding."""
    encode_cold_s: Seconds | None = None
    """Of the first call of all in the encoder's process, before anything was loaded or compiled for it, the
    time; for the trial with which the process began. Only for ``alone``."""
    decode_cold_s: Seconds | None = None
    encode_cpu_share: float | None = None
    """Of the time to encode, how much the encoder and what it started had the processor, 0 to 1: the median
    of the repetitions. Less than 1 where it waited, most likely for other processes. Only for ``alone``."""
    decode_cpu_share: float | None = None
    device: DeviceName = "cpu"
    """Where the codec ran; for one that fails before it has run, where it was to run."""
    gpu_bytes: Count | None = None
    """Most GPU memory that the encoder's or the decoder's process held for the codec, weights included."""
    encode_peak_bytes: Count | None = None
    """Most memory that the codec took while it encoded, where the system tells: resident in a process
    that served this codec alone, less what was resident before the codec was imported and constructed.
    Its libraries and weights, the original and a copy of it, and the bitstream are part of it. Where it runs
    programs it is the most that one of them had resident, less what one has that does nothing. Of learned
    codecs, and for ``alone`` of all. What this figure was in older journals: see ``peak_of``."""
    decode_peak_bytes: Count | None = None
    """The same of the decoder's process."""
    peak_of: PeakOf = "process"
    metrics: dict[str, MetricValue | None] = {}
    metrics_device: DeviceName = "cpu"
    """Where the metrics ran that can choose. Not part of the key: their values agree to 1e-5."""
    reasons: dict[str, str] = {}
    """Why a metric is null, by metric."""
    failure: Failure | None = None
    reached: Reached | None = None
    """For what was searched, that this trial came nearest to it."""

    @property
    def point(self) -> float | None:
        """The operating point of its row: what was to be reached, else the quality."""
        return self.quality if self.reached is None else self.reached.value

    @property
    def bpp(self) -> float | None:
        """Bits per pixel: 8 × bytes ÷ (width × height); headers count."""
        if self.bytes is None or not self.width or not self.height:
            return None
        return 8 * self.bytes / (self.width * self.height)

    @property
    def cpu_share(self) -> float | None:
        """The smaller one of the encoder's and the decoder's share of the processor, where it is known."""
        return min(
            (it for it in (self.encode_cpu_share, self.decode_cpu_share) if it is not None), default=None
        )

    @property
    def disturbed(self) -> bool:
        """Whether its times are too long by more than a tenth, since it had not the processor to itself."""
        return self.cpu_share is not None and self.cpu_share < DISTURBED


def spread(samples: tuple[float, ...]) -> float | None:
    """Interquartile range of raw time samples, in seconds; None for fewer than three."""
    if len(samples) < 3:
        return None
    low, _, high = statistics.quantiles(samples, n=4, method="inclusive")
    return high - low


def median(samples: tuple[float, ...]) -> float | None:
    """Median of raw time samples; None when there are none."""
    if len(samples) == 1:
        return samples[0]
    return statistics.median(samples) if samples else None
