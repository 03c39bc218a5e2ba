"""BD-rates of every pair of configurations, for a table whose anchor can be changed.

What depends on one configuration alone (the resampled mean curves, the splines of all its curves) is computed
once for each, and a pair's differences serve both directions: exchanging anchor and test changes the sign of
the log-rate.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ._hermite import Spline
from .bd import BdResult, check_pair, pairwise_bd_rates, spline, spline_gap
from .bootstrap import MIN_IMAGES, BootstrapBd, Resampled, intervals_of, resample, summary
from .curve import Array, Curve, ImageCurves, mean_curve
from .images import ImageRows, image_mean, image_results, image_rows

RESAMPLES = 1000
SEED = 0


@dataclass(frozen=True)
class Pair:
    """BD-rate of one configuration against another, in percent."""

    mean_curve: BdResult
    ci95: tuple[float, float] | None
    per_image_mean: float | None


@dataclass(frozen=True, eq=False)
class _Side:
    """What is computed once for a configuration."""

    mean: Curve
    resampled: Spline | None
    rows: ImageRows
    images: Spline | None
    """Of every image; of use where the row is ``defined``."""


class Comparisons:
    """BD-rates, by PCHIP, between any of the given configurations; all hold the same images.

    The numbers are those of :func:`~bench.rd.bootstrap.bootstrap_bd_rate` for each pair. ``resampled``, of
    :func:`resampled_images`, serves the comparisons of the same images in all metrics.

    Raises
    ------
    ValueError
        The curves hold different images or metrics, or an image lacks a point.
    """

    def __init__(self, curves: Mapping[str, ImageCurves], resampled: Resampled | None) -> None:
        for one, other in itertools.pairwise(curves.values()):
            check_pair(one, other)
        self._weights = None if resampled is None else resampled.weights
        self._sides = {label: _side(it, resampled) for label, it in curves.items()}
        self._headlines = pairwise_bd_rates({label: it.mean for label, it in self._sides.items()})

    def against(self, anchor: str) -> dict[str, BootstrapBd]:
        """Every other configuration against ``anchor``, by label."""
        first = self._sides[anchor]
        result = {}
        for label, second in self._sides.items():
            if label != anchor:
                images = image_results(first.rows, second.rows, _image_gaps(first, second))
                headline = self._headlines[anchor, label]
                result[label] = summary(headline, _resampled_gap(first, second), images, self._weights)
        return result

    def pairs(self) -> dict[tuple[str, str], Pair]:
        """Every ordered pair (anchor, test) of different labels."""
        means: dict[tuple[str, str], float | None] = {}
        resampled: dict[tuple[str, str], Array] = {}
        for one, other in itertools.combinations(self._sides, 2):
            first, second = self._sides[one], self._sides[other]
            gap, images = _resampled_gap(first, second), _image_gaps(first, second)
            means[one, other] = image_mean(first.rows, second.rows, images)
            means[other, one] = image_mean(second.rows, first.rows, -images)
            if gap is not None and self._headlines[one, other].value is not None:
                resampled[one, other] = (10.0**gap - 1.0) * 100.0
                resampled[other, one] = (10.0**-gap - 1.0) * 100.0
        intervals = intervals_of(np.stack(list(resampled.values()))) if resampled else []
        ci95 = dict(zip(resampled, intervals, strict=True))
        return {pair: Pair(self._headlines[pair], ci95.get(pair), mean) for pair, mean in means.items()}


def all_pairs(curves: Mapping[str, ImageCurves]) -> dict[tuple[str, str], Pair]:
    """Every ordered pair (anchor, test) of different labels; see :class:`Comparisons`."""
    count = max((len(it.images) for it in curves.values()), default=0)
    return Comparisons(curves, resampled_images(count)).pairs()


def resampled_images(count: int) -> Resampled | None:
    """The resamples of all reports; None of too few images for an interval."""
    return Resampled(resample(count, RESAMPLES, SEED)) if count >= MIN_IMAGES else None


def _side(curves: ImageCurves, resampled: Resampled | None) -> _Side:
    mean = mean_curve(curves)
    means = None if resampled is None else resampled.sides(curves, mean)
    rows = image_rows(curves)
    return _Side(
        mean,
        None if means is None else spline(*means),
        rows,
        spline(rows.x, rows.y) if rows.defined.any() else None,
    )


def _resampled_gap(first: _Side, second: _Side) -> Array | None:
    if first.resampled is None or second.resampled is None:
        return None
    return spline_gap(first.resampled, second.resampled)[0]


def _image_gaps(first: _Side, second: _Side) -> Array:
    """Mean difference in log-rate of each image; NaN where one of the two is not ``defined``."""
    both = first.rows.defined & second.rows.defined
    gaps = np.full(len(both), np.nan)
    if first.images is not None and second.images is not None:
        gaps[both] = spline_gap(first.images.take(both), second.images.take(both))[0]
    return gaps
