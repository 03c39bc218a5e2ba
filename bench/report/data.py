"""Everything that a report says about one data set.

It is built once, by :mod:`bench.report.build`. Tables, figures, page and Markdown are views: pure functions
of a :class:`ReportData` that compute no result of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from bench.host.environment import Environment
from bench.plotting.series_style import SeriesStyle
from bench.rd import Average, BdResult, Curve, DetailedBd, ImageCurves, PairedBd, Standing
from bench.rd.fairness import Finding
from bench.report.conditions import MatchedRow
from bench.report.crops import Crops
from bench.report.decoder_pairs import DecoderPair
from bench.report.entries import Entry
from bench.report.mean_bd import MeanBd
from bench.report.measures import Measure
from bench.report.operating_points import PointMeans
from bench.report.planes import Plane
from bench.report.study_results import StudyResults
from bench.report.threads import ThreadCount
from bench.report.verifications import ReadVerification
from bench.studies.set_metrics.record import SetMeasurement
from bench.trials.measurement import PeakOf

if TYPE_CHECKING:
    import pandas as pd

HEADLINE_METRICS = ("psnr_rgb", "ms_ssim_rgb")
"""The metrics of the ranking; see :func:`headline_of` for runs that have neither."""

_NO_TRIALS = (
    "figures have no trials, so no `{}`: add a field for what is to be drawn to ReportData"
    " (bench/report/data.py), filled in bench/report/build.py"
)


@dataclass(frozen=True, eq=False, kw_only=True)
class ReportData:
    """One data set's measurements, and what follows from them.

    ``curves`` and ``bd`` are by metric, then by label; a configuration that finished too few images has no
    curve, and a metric with an ideal value has curves and no comparisons.
    """

    dataset: str
    n_images: int
    average: Average
    """How rates and metrics of several images become one."""
    other_average: Average | None
    """How else they could; None where all images have one size, so that it makes no difference."""
    frame: pd.DataFrame
    """The trials, a row each, with the columns of ``rdbench export`` (:func:`bench.runs.frame.load`) and
    ``run``. Figures don't get it."""
    entries: tuple[Entry, ...]
    """Every configuration, in the order of the runs; but for those of ``threads`` that are redundant."""
    threads: tuple[ThreadCount, ...]
    """Configurations with a single thread and with more."""
    environments: Mapping[str, tuple[Environment, ...]]
    """The machines and the software of each run that has an entry, by the run's name."""
    styles: Mapping[str, SeriesStyle]
    """How everything in the figures and on the page is drawn, by label."""
    peak_of: PeakOf
    """What the memory of the entries is of."""

    metrics: tuple[Measure, ...]
    """Metrics of image pairs that have a value."""
    measures: tuple[Measure, ...]
    """What has curves: of ``metrics``, then metrics of sets."""
    headline: tuple[str, ...]
    """The metrics of the ranking, the leading one first."""
    images: Mapping[str, tuple[str, ...]]
    """By metric the images behind every curve and comparison: those that all compared configurations finished
    at every operating point."""
    exact_images: Mapping[str, frozenset[str]]
    """By metric the images left out of it because a codec reproduces them exactly at nearly every point."""
    per_image: Mapping[str, Mapping[str, ImageCurves]]
    """The curves of single images, by metric and label. Figures don't get them."""
    curves: Mapping[str, Mapping[str, Curve]]
    points: tuple[PointMeans, ...]

    anchor: str | None
    """The label that the others are compared with."""
    bd: Mapping[str, Mapping[str, DetailedBd]]
    """BD-rates against the anchor."""
    gains: Mapping[str, Mapping[str, tuple[float | None, ...]]]
    """BD-quality of single images against the anchor, by metric and label, in the order of ``images``."""
    pairs: Mapping[str, Mapping[tuple[str, str], PairedBd]]
    """By metric, then by (anchor, test)."""
    standings: Mapping[str, tuple[Standing, ...]]
    """By metric the anchor and all that were compared with it, best first."""
    ranking: tuple[Standing, ...]
    """Every lossy configuration: the standings in the leading metric, then those that have no place in it."""

    lossless: tuple[Entry, ...]
    """The configurations that reproduce every pixel, the smallest rate first, those without one last."""
    lossless_bpp: Mapping[str, Mapping[Average, float]]
    """Average bpp by label, over ``lossless_images``; nothing for who finished too few."""
    lossless_images: tuple[str, ...]
    lossless_raw: float
    """Average bits of a raw pixel of these images."""

    published: Mapping[str, Mapping[str, Curve]]
    """Curves that somebody else measured, by metric and label."""
    published_pairs: Mapping[str, Mapping[tuple[str, str], BdResult]]
    """BD-rates of their mean curves, by metric, then by (anchor, published label)."""
    published_bd: Mapping[str, Mapping[str, BdResult]]
    """Those against the anchor, by metric and label."""

    distances: tuple[SetMeasurement, ...]
    """Of metrics of sets, over all images."""
    set_curves: Mapping[str, Mapping[str, Curve]]
    decoder_pairs: tuple[DecoderPair, ...]
    planes: tuple[Plane, ...]

    findings: tuple[Finding, ...]
    """What a reader has to know of the data."""
    crops: tuple[Crops, ...] = ()
    """Of each of ``decoder_pairs``, where the report has a folder for decoded images."""
    studies: tuple[StudyResults, ...] = ()
    mean_bd: MeanBd | None = None
    """BD-rates averaged over several metrics, where somebody asks for it or all of JPEG AI's are there."""
    matched: tuple[MatchedRow, ...] = ()
    """Pairs of configurations at matched points, where conditions ask for them."""
    verifications: tuple[ReadVerification, ...] = ()
    """Of the runs, on whatever machines; of all their data sets."""

    @property
    def lossy(self) -> tuple[Entry, ...]:
        """The configurations that have RD curves."""
        return tuple(it for it in self.entries if not it.lossless)

    def measure(self, name: str) -> Measure:
        """The measure of that name.

        Raises
        ------
        KeyError
            Nothing here has a curve in it.
        """
        return {it.name: it for it in self.measures}[name]

    def curves_in(self, measure: Measure) -> Mapping[str, Curve]:
        """The curve of every lossy configuration in a metric of image pairs or of sets, by label."""
        of = self.set_curves if measure.of_sets else self.curves
        return of.get(measure.name, {})

    def images_behind(self, measure: Measure) -> int:
        """How many images the curves in a measure stand for."""
        if measure.of_sets:
            return max((it.images for it in self.distances if it.metric == measure.name), default=0)
        return len(self.images.get(measure.name, ()))

    def bd_rate(self, metric: str, label: str) -> float | None:
        """BD-rate by image against the anchor, in percent; that of the anchor is 0."""
        if metric not in self.bd:
            return None
        compared = self.bd[metric].get(label)
        return compared.per_image.value if compared else 0.0 if label == self.anchor else None

    def rate_range(self, label: str) -> tuple[float, float] | None:
        """Lowest and highest bpp of a curve in the ranking."""
        curves = (self.curves.get(metric, {}).get(label) for metric in self.headline)
        return next(((min(it.rate), max(it.rate)) for it in curves if it is not None), None)

    def without_trials(self) -> ReportData:
        """Only the results: what a figure needs, small enough to be sent to another process.

        To ask it for ``frame`` or ``per_image`` is an AttributeError.
        """
        results = object.__new__(_WithoutTrials)
        results.__dict__.update(vars(self))
        del results.__dict__["frame"], results.__dict__["per_image"]
        return results


class _WithoutTrials(ReportData):
    """What figures get."""

    @property
    def frame(self) -> NoReturn:
        raise AttributeError(_NO_TRIALS.format("frame"))

    @property
    def per_image(self) -> NoReturn:
        raise AttributeError(_NO_TRIALS.format("per_image"))


def headline_of(metrics: Collection[str]) -> tuple[str, ...]:
    """PSNR and MS-SSIM as far as they are among metrics with BD-rates, or else the first of these."""
    return tuple(name for name in HEADLINE_METRICS if name in metrics) or tuple(metrics)[:1]
