"""BD-rates of measured codecs over the same images: one pair, all against an anchor, or every pair.

Whatever depends on a single configuration (its mean curve, its mean curves without each image in turn, the
splines of all its curves) is computed once. The differences of a pair serve both directions, because
exchanging anchor and test only changes the sign of the difference in log-rate.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bench.rd._hermite import Spline
from bench.rd.bd import (
    BdResult,
    Method,
    SplineGaps,
    bd_rate,
    check_method,
    check_pair,
    mean_gap,
    pairwise_bd_rates,
    percent,
    spline,
)
from bench.rd.curve import Array, Average, Curve, ImageCurves, mean_curve, mean_curves_without_one
from bench.rd.images import (
    ImageRows,
    ImagesBd,
    image_qualities,
    image_results,
    image_rows,
    images_bd,
    images_bds,
)
from bench.rd.intervals import MIN_IMAGES, Interval, jackknife_interval


@dataclass(frozen=True)
class PairedBd:
    """The BD-rates of one configuration against another over the same images, in percent."""

    per_image: ImagesBd
    """Image by image: the value by which codecs are ranked."""
    mean_curve: BdResult
    """Of the curves averaged over all images, as most papers report it. It mixes coding efficiency with how a
    codec divides its bits among the images."""
    ci95: Interval | None
    """95% interval of ``mean_curve``; None with fewer than :data:`~bench.rd.intervals.MIN_IMAGES` images, or
    where it depends on a single one."""

    @property
    def n_images(self) -> int:
        """How many images both were measured on."""
        return self.per_image.n_images


@dataclass(frozen=True)
class DetailedBd(PairedBd):
    """A comparison that also holds the result of each image."""

    images: tuple[BdResult, ...]
    """In the order of ``ImageCurves.images``."""


def paired_bd_rate(
    anchor: ImageCurves, test: ImageCurves, method: Method = "pchip", average: Average = "images"
) -> DetailedBd:
    """BD-rate of ``test`` against ``anchor`` over the same images: by image, and of the mean curves.

    How often the 95% intervals contain the true value, in percent, for PSNR and ``webp`` against ``jpeg`` /
    ``avif`` against ``jpeg2000``, in 4,000 samples from 209 images (``tests/benchmarks/coverage.py``):

    ======  ===========  ===========
    images  by image     mean curves
    ======  ===========  ===========
    5       95.5 / 98.8  98.8 / 95.3
    10      93.9 / 98.0  97.2 / 93.8
    24      93.6 / 95.9  95.7 / 94.2
    100     95.3 / 95.5  95.5 / 94.6
    ======  ===========  ===========

    Parameters
    ----------
    anchor, test : curves of the same images in the same metric
    method : interpolation of log-rate over quality
    average : weights of the images in the mean curves; see :func:`~bench.rd.curve.mean_curve`

    Raises
    ------
    ValueError
        The two hold different images or metrics, or an image lacks a point.
    """
    check_method(method)
    check_pair(anchor, test)
    means = (mean_curve(anchor, average), mean_curve(test, average))
    headline = bd_rate(*means, method)
    without_one = None
    if headline.value is not None and len(anchor.images) >= MIN_IMAGES:
        left_out = [mean_curves_without_one(*it, average) for it in zip((anchor, test), means, strict=True)]
        without_one, _ = mean_gap(left_out[0], left_out[1], method)
    first, second = image_rows(anchor, method), image_rows(test, method)
    both = first.defined & second.defined
    gaps = np.full(len(both), np.nan)
    gaps[both], _ = mean_gap((first.x[both], first.y[both]), (second.x[both], second.y[both]), method)
    return DetailedBd(
        images_bd(first, second, gaps, method),
        headline,
        _interval(headline, without_one),
        image_results(first, second, gaps, method),
    )


@dataclass(frozen=True, eq=False)
class _Prepared:
    """Everything that depends on a single configuration and is computed once."""

    mean: Curve
    without_one: Spline | None
    """The mean curves that leave out each image in turn; None where there are too few images or points."""
    rows: ImageRows
    images: Spline | None
    """The curve of each image; valid where the row is ``defined``."""


class Comparisons:
    """BD-rates, by PCHIP, among configurations that were measured on the same images.

    The numbers are those of :func:`paired_bd_rate` for each pair.

    Parameters
    ----------
    curves : by label, of the same images in the same metric
    average : weights of the images in the mean curves; see :func:`~bench.rd.curve.mean_curve`

    Raises
    ------
    ValueError
        The curves hold different images or metrics, or an image lacks a point.
    """

    def __init__(self, curves: Mapping[str, ImageCurves], average: Average = "images") -> None:
        for one, other in itertools.pairwise(curves.values()):
            check_pair(one, other)
        prepared = {label: _prepared(it, average) for label, it in curves.items()}
        self._places = {label: place for place, label in enumerate(prepared)}
        self._rows = [it.rows for it in prepared.values()]
        self._headlines = pairwise_bd_rates({label: it.mean for label, it in prepared.items()})
        self._gaps = SplineGaps([it.images for it in prepared.values()], [it.defined for it in self._rows])
        self._left_out = [it.without_one for it in prepared.values()]

    @cached_property
    def _jackknife(self) -> SplineGaps:
        """The differences of the mean curves without each image in turn."""
        return SplineGaps(self._left_out, [np.ones(len(it.defined), bool) for it in self._rows])

    def against(self, anchor: str) -> dict[str, DetailedBd]:
        """Every other configuration against ``anchor``, by label."""
        place = self._places[anchor]
        first, gaps, without_one = self._rows[place], self._gaps.of(place), self._jackknife.of(place)
        summaries = images_bds([first], self._rows, gaps)
        return {
            label: DetailedBd(
                summaries[test],
                self._headlines[anchor, label],
                _interval(self._headlines[anchor, label], without_one[test]),
                image_results(first, self._rows[test], gaps[test]),
            )
            for label, test in self._places.items()
            if label != anchor
        }

    def gains(self, anchor: str) -> dict[str, tuple[float | None, ...]]:
        """:func:`~bench.rd.images.per_image_bd_quality` of every other configuration, by label."""
        first = self._rows[self._places[anchor]]
        return {
            label: image_qualities(first, self._rows[test])
            for label, test in self._places.items()
            if label != anchor
        }

    def pairs(self, *, intervals_of_means: bool = True) -> dict[tuple[str, str], PairedBd]:
        """Every ordered pair (anchor, test) of different labels.

        Parameters
        ----------
        intervals_of_means : whether the results have ``ci95``, which a ranking makes no use of
        """
        result: dict[tuple[str, str], PairedBd] = {}
        labels = list(self._places)
        for first, one in enumerate(labels):
            others = range(first + 1, len(labels))
            rows, gaps = self._rows[first + 1 :], self._gaps.of(first)[first + 1 :].copy()
            forth = images_bds([self._rows[first]], rows, gaps)
            back = images_bds(rows, [self._rows[first]], -gaps)
            without_one = self._jackknife.of(first) if intervals_of_means else None
            for second, ahead, behind in zip(others, forth, back, strict=True):
                for pair, images, sign in (
                    ((one, labels[second]), ahead, 1),
                    ((labels[second], one), behind, -1),
                ):
                    left_out = None if without_one is None else sign * without_one[second]
                    headline = self._headlines[pair]
                    result[pair] = PairedBd(images, headline, _interval(headline, left_out))
        return result


def all_pairs(curves: Mapping[str, ImageCurves]) -> dict[tuple[str, str], PairedBd]:
    """Every ordered pair (anchor, test) of different labels; see :class:`Comparisons`."""
    return Comparisons(curves).pairs()


def _prepared(curves: ImageCurves, average: Average) -> _Prepared:
    mean = mean_curve(curves, average)
    without_one = None
    if len(curves.images) >= MIN_IMAGES:
        quality, log_rate = mean_curves_without_one(curves, mean, average)
        without_one = spline(quality, log_rate) if quality.shape[1] > 1 else None
    rows = image_rows(curves)
    return _Prepared(mean, without_one, rows, spline(rows.x, rows.y) if rows.defined.any() else None)


def _interval(headline: BdResult, without_one: Array | None) -> Interval | None:
    if headline.value is None or without_one is None:
        return None
    interval = jackknife_interval(float(np.log10(1.0 + headline.value / 100.0)), without_one)
    return None if interval is None else (percent(interval[0]), percent(interval[1]))
