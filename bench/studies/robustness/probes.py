"""Probes: which of them a run's robustness takes, and their records in ``robustness.jsonl``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from bench.errors import ConfigError
from bench.runs.frame import load
from bench.runs.store import read_info
from bench.studies.robustness.changes import CORRUPTIONS, DAMAGES, FLIPS
from bench.studies.session import finished_trials, rows_nearest
from bench.studies.study import FinishedTrial, StudyPlan, key_of
from bench.trials.measurement import Count, Failure, MetricValue, Status
from bench.trials.plan import ImagePlan
from bench.trials.trust import NOBODY, Trust

PSNR = "psnr_rgb"
_VERSION = 1
"""Of the corruptions and damages; part of every key."""

DamageOutcome: TypeAlias = Literal[
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
    outcome: DamageOutcome = msgspec.field(name="fate")
    psnr: MetricValue | None = None
    """``psnr_rgb`` in dB of wrong pixels against the original; null where the size is wrong too."""
    failure: Failure | None = None


Probe: TypeAlias = InputProbe | BitstreamProbe


@dataclass(frozen=True)
class PlannedProbe:
    """One probe that is to be taken: a corruption of the picture, or a damage of the bitstream."""

    trial: FinishedTrial
    """With the clean picture and the whole bitstream, for comparison."""
    name: str
    draw: int = 0

    @property
    def is_input(self) -> bool:
        """Whether the picture is corrupted rather than the bitstream damaged."""
        return self.name in CORRUPTIONS

    @property
    def key(self) -> str:
        """Identity of the result."""
        return key_of([_VERSION, *self.trial.identity, self.name, self.draw])


def plan_probes(run: Path, bpp: float, draws: int, trust: Trust = NOBODY) -> StudyPlan[PlannedProbe]:
    """All probes, image by image, of each codec at the operating point whose mean rate is nearest to ``bpp``.

    Parameters
    ----------
    run : a run folder
    bpp : a rate in bits per pixel; a lossless codec is probed as it is
    draws : random damages of each kind to every bitstream
    trust : whose codecs may run

    Raises
    ------
    StoreError
        The folder is no run.
    ConfigError
        The run has no ``psnr_rgb`` to compare with.
    """
    if PSNR not in {it.name for it in read_info(run).metrics}:
        raise ConfigError(f"{run}: robustness compares {PSNR}, which the run lacks; add -m {PSNR} to it")
    points = list(rows_nearest(load(run), bpp))
    # corruptions are made of 8-bit RGB, and the reconstruction is compared with that
    plain = [it[(it["depth"] == 8) & (it["channels"] == "rgb")] for it in points]
    finished = finished_trials(run, trust, plain)
    by_image: dict[ImagePlan, list[FinishedTrial]] = {}
    for trial in finished.questions:
        by_image.setdefault(trial.image, []).append(trial)
    probes: list[PlannedProbe] = []
    for trials in by_image.values():
        # The worker that encodes keeps the picture that it read last: codecs vary faster than corruptions.
        probes += (PlannedProbe(it, name) for name in CORRUPTIONS for it in trials)
        for trial in trials:
            probes += (
                PlannedProbe(trial, name, draw)
                for name in DAMAGES
                for draw in range(draws if name in FLIPS else 1)
            )
    others = sum(map(len, points)) - sum(map(len, plain))
    return StudyPlan(tuple(probes), finished.unfinished + others)
