"""Chains of generations: which of them a study asks for, and their records in ``generations.jsonl``.

Generation 1 is the trial of the run; each later one encodes the picture that came out of the one before, at
the same operating point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec

from bench.errors import ConfigError
from bench.files.typed_json import Sha256
from bench.runs.frame import load
from bench.runs.store import read_info
from bench.studies.session import finished_trials, rows_nearest
from bench.studies.study import FinishedTrial, StudyPlan, key_of
from bench.trials.measurement import Count, Failure, MetricValue, Status
from bench.trials.plan import MetricPlan
from bench.trials.trust import NOBODY, Trust

METRICS = ("psnr_rgb", "ms_ssim_rgb")
"""Taken where none are named."""
_VERSION = 1
"""Of how a chain is made; part of every key."""

Values = dict[str, MetricValue | None]
"""By metric; null where the pictures are identical, or the metric says nothing of them."""


class Generation(msgspec.Struct, frozen=True):
    """One encoding and decoding."""

    bytes: Count
    bitstream_sha256: Sha256
    to_original: Values
    to_previous: Values
    """Against the picture that this generation was given; of the first one the original."""


class Chain(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One picture through one codec, again and again."""

    key: str
    dataset: str
    image: str
    label: str
    quality: float | None
    generations: tuple[Generation, ...] = ()
    """From the first one on. A chain ends early where a bitstream comes again, since all that follows would
    come again too; not where the picture moves between generations."""
    status: Status = "ok"
    failure: Failure | None = None
    """Of the generation after the last."""

    @property
    def period(self) -> int | None:
        """After how many generations the last bitstream has come again: 1 at a fixed point; None if never."""
        latest = [it.bitstream_sha256 for it in self.generations][::-1]
        return latest.index(latest[0], 1) if latest and latest[0] in latest[1:] else None

    @property
    def settled(self) -> int | None:
        """The generation whose bitstream all later ones have too; None where there is none."""
        return len(self.generations) - 1 if self.period == 1 else None

    def at(self, number: int) -> Generation:
        """A generation, numbered from 1; one after the end of a chain that repeats itself is known too.

        Raises
        ------
        IndexError
            The chain ends before, and does not repeat itself.
        """
        past = number - len(self.generations)
        if past > 0:
            if self.period is None:
                raise IndexError(f"{len(self.generations)} generations, and no number {number}")
            number = len(self.generations) - (-past) % self.period
        return self.generations[number - 1]

    def reaches(self, count: int) -> bool:
        """Whether ``count`` generations are known."""
        return len(self.generations) >= count or self.period is not None


@dataclass(frozen=True)
class PlannedChain:
    """A chain that is to be made."""

    trial: FinishedTrial
    """The first generation."""
    metrics: tuple[MetricPlan, ...]

    @cached_property
    def key(self) -> str:
        """Identity of the result, whatever its length."""
        metrics = [(it.name, it.version) for it in self.metrics]
        return key_of([_VERSION, *self.trial.identity, metrics])


def plan_chains(
    run: Path,
    metrics: Sequence[str] = (),
    points: Sequence[tuple[str, float | None]] | None = None,
    bpp: float | None = None,
    trust: Trust = NOBODY,
) -> StudyPlan[PlannedChain]:
    """The chains of a run's trials.

    Parameters
    ----------
    run : a run folder
    metrics : of the run's; default: those of :data:`METRICS` that it has
    points : label and quality of the operating points; None for all
    bpp : of each codec the point nearest to this rate alone
    trust : whose codecs and metrics may run

    Raises
    ------
    StoreError
        The folder is no run.
    ConfigError
        The run lacks a metric.
    UntrustedCodec
        It brings one along, and nobody vouches for it.
    """
    known = {it.name: it for it in read_info(run).metrics}
    names = tuple(metrics) or tuple(it for it in METRICS if it in known)
    if not names or (lacking := [it for it in names if it not in known]):
        told = ", ".join(lacking if names else METRICS)
        raise ConfigError(f"{run}: the run lacks {told}; it has {', '.join(known)}: name some with -m")
    taken = tuple(trust.metric(known[it]) for it in names)
    rows = rows_nearest(load(run), bpp) if bpp is not None else None
    finished = finished_trials(run, trust, rows)
    chosen = [it for it in finished.questions if points is None or (it.codec.label, it.quality) in points]
    # between generations a picture is a PNG, which has no other depths
    chains = tuple(PlannedChain(it, taken) for it in chosen if it.depth in (8, 16))
    return StudyPlan(chains, finished.unfinished + len(chosen) - len(chains))
