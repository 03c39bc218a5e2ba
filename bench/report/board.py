"""Everything that a report says about one data set, computed once from the measurements.

Tables, figures and the page are views of a :class:`Board`; none of them computes a result of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from bench.plotting.series_style import Look, Series, looks
from bench.rd import (
    Average,
    BdResult,
    Curve,
    DetailedBd,
    ImageCurves,
    PairedBd,
    Standing,
)
from bench.rd.fairness import (
    Finding,
)
from bench.report.entry import Entry
from bench.studies.set_metrics.record import SetMeasurement
from bench.trials.plan import MetricPlan

if TYPE_CHECKING:
    import pandas as pd


HEADLINE_METRICS = ("psnr_rgb", "ms_ssim_rgb")
"""The metrics of the ranking; see :func:`headline_of` for runs that have neither."""


@dataclass(frozen=True, eq=False)
class Board:
    """One data set's measurements, curves and comparisons.

    ``curves`` and ``bd`` are by metric, then by label; a configuration that finished too few images has
    no curve. ``images`` are, by metric, the images behind every curve and comparison: those that all
    compared configurations finished at every operating point. ``pairs`` are by metric, then by
    (anchor, test). A metric with an ideal value has curves and no comparisons. ``distances`` are those of
    data-set metrics, over all images.
    """

    dataset: str
    frame: pd.DataFrame
    entries: tuple[Entry, ...]
    metrics: tuple[MetricPlan, ...]
    anchor: str | None
    images: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exact_images: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By metric, the images left out of it because a codec reproduces them exactly at nearly every point."""
    per_image: Mapping[str, Mapping[str, ImageCurves]] = field(default_factory=dict)
    curves: Mapping[str, Mapping[str, Curve]] = field(default_factory=dict)
    bd: Mapping[str, Mapping[str, DetailedBd]] = field(default_factory=dict)
    pairs: Mapping[str, Mapping[tuple[str, str], PairedBd]] = field(default_factory=dict)
    standings: Mapping[str, tuple[Standing, ...]] = field(default_factory=dict)
    """By metric, the anchor and all that were compared with it, best first."""
    published: Mapping[str, Mapping[str, Curve]] = field(default_factory=dict)
    published_bd: Mapping[str, Mapping[str, BdResult]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    distances: tuple[SetMeasurement, ...] = ()
    n_images: int = 0
    average: Average = "images"
    """How rates and metrics of several images become one."""
    lossless_bpp: Mapping[str, Mapping[Average, float]] = field(default_factory=dict)
    """Average bpp by label, over ``lossless_images``; nothing for who finished too few."""
    lossless_images: tuple[str, ...] = ()

    def without_trials(self) -> Board:
        """Only the results: what a figure needs, small enough to be sent to another process."""
        return replace(self, frame=self.frame.iloc[:0], per_image={})

    @cached_property
    def looks(self) -> dict[str, Look]:
        """How everything in the figures and on the page is drawn, by label."""
        published = {label: it.provenance for its in self.published.values() for label, it in its.items()}
        return looks((Series(it.label, it.codec, it.lossless) for it in self.entries), published)

    @property
    def lossy(self) -> tuple[Entry, ...]:
        """The configurations that have RD curves."""
        return tuple(it for it in self.entries if not it.lossless)

    @property
    def lossless(self) -> tuple[Entry, ...]:
        """The configurations that reproduce every pixel."""
        return tuple(it for it in self.entries if it.lossless)


def headline_of(metrics: Collection[str]) -> tuple[str, ...]:
    """PSNR and MS-SSIM as far as they are among metrics with BD-rates, or else the first of these."""
    return tuple(name for name in HEADLINE_METRICS if name in metrics) or tuple(metrics)[:1]
