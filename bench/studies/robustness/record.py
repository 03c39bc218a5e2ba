"""The records of robustness: a journal ``robustness.jsonl`` beside a run's own."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from bench.files.journal import Journal
from bench.trials.measurement import Count, Failure, MetricValue, Status

JOURNAL_FILE = "robustness.jsonl"

Fate = Literal[
    "unchanged",  # the pixels are those of the whole bitstream
    "wrong",  # other pixels, and no word of it
    "detected",  # the decoder raised an error
    "crash",  # the decoding process died
    "timeout",
    "oom",
]
"""What became of a damaged bitstream."""


class InputProbe(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="input"):
    """A corrupted picture through a codec. PSNR is ``psnr_rgb`` in dB, null for identical pictures."""

    key: str
    dataset: str
    image: str
    label: str
    quality: float | None
    corruption: str
    status: Status
    bytes: Count | None = None
    psnr_corruption: MetricValue | None = None
    """The corrupted picture against the clean one."""
    psnr_input: MetricValue | None = None
    """The reconstruction against the corrupted picture, which the codec was given."""
    psnr_clean: MetricValue | None = None
    """The reconstruction against the clean picture, which the codec has not seen."""
    failure: Failure | None = None


class BitstreamProbe(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="bitstream"):
    """A damaged bitstream through a decoder."""

    key: str
    dataset: str
    image: str
    label: str
    quality: float | None
    damage: str
    draw: int
    """Which of several random damages of this kind."""
    fate: Fate
    psnr: MetricValue | None = None
    """``psnr_rgb`` in dB of wrong pixels against the original; null where the size is wrong too."""
    failure: Failure | None = None


Probe = InputProbe | BitstreamProbe


def is_passing(probe: Probe) -> bool:
    """Whether another try may end otherwise: what failed for want of time or memory, or of a sound codec."""
    if isinstance(probe, InputProbe):
        return probe.status != "ok"
    return probe.fate in ("timeout", "oom")


def journal(run: Path) -> Journal[Probe]:
    """The journal of a run's probes."""
    return Journal(run / JOURNAL_FILE, Probe, "the same command goes on from there")
