"""Paired bootstrap over images: how far a BD-rate would move on other images of the same kind."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bd import BdResult, Method, bd_rate, mean_gap, points_of, rising
from .curve import Array, Curve, ImageCurves, integration_axis, mean_curve
from .images import per_image_bd_rate

MIN_DEFINED = 0.95
MIN_IMAGES = 2


@dataclass(frozen=True)
class BootstrapBd:
    """BD-rate over a data set with 95% intervals; every value in percent.

    ``mean_curve`` is the headline (comparable with papers) and ``ci95`` its interval;
    ``per_image`` follows ``ImageCurves.images``, ``per_image_mean`` is the arithmetic mean of those
    that have a value and ``per_image_ci95`` the interval of that mean. An interval is ``None`` with
    fewer than two images, or where more than 5% of the resamples have no BD-rate.
    """

    mean_curve: BdResult
    ci95: tuple[float, float] | None
    per_image: tuple[BdResult, ...]
    per_image_mean: float | None
    per_image_ci95: tuple[float, float] | None
    n_images: int

    @property
    def n_per_image(self) -> int:
        """How many images have a BD-rate of their own."""
        return sum(result.value is not None for result in self.per_image)


def bootstrap_bd_rate(
    anchor: ImageCurves, test: ImageCurves, method: Method = "pchip", resamples: int = 1000, seed: int = 0
) -> BootstrapBd:
    """BD-rate of ``test`` against ``anchor`` over the same images, with percentile intervals.

    Images are drawn with replacement and each drawn image counts for both codecs (paired), so what
    is hard or easy about an image cancels. The intervals are the 2.5th and 97.5th percentiles (Efron
    and Tibshirani, 1993, ch. 13); with 24 images they cover about 93% rather than 95%. The same seed
    and number of images draw the same resamples for every pair of codecs.

    Raises
    ------
    ValueError
        The two hold different images or metrics, or an image lacks a point.
    """
    per_image = per_image_bd_rate(anchor, test, method)
    whole = (mean_curve(anchor), mean_curve(test))
    headline = bd_rate(*whole, method)
    count = len(anchor.images)
    if count < MIN_IMAGES:
        return summary(headline, None, per_image, None)
    resampled = Resampled(resample(count, resamples, seed))
    sides = [resampled.sides(curves, curve) for curves, curve in zip((anchor, test), whole, strict=True)]
    gap = None
    if headline.value is not None and sides[0] is not None and sides[1] is not None:
        gap, _ = mean_gap(sides[0], sides[1], method)
    return summary(headline, gap, per_image, resampled.weights)


def summary(
    headline: BdResult, gap: Array | None, per_image: tuple[BdResult, ...], weights: Array | None
) -> BootstrapBd:
    """The result from that of the mean curves, the resamples' mean differences, and those of the images.

    ``weights`` are None where there are too few images for an interval.
    """
    values = np.array([np.nan if result.value is None else result.value for result in per_image])
    defined = ~np.isnan(values)
    mean = float(values[defined].mean()) if defined.any() else None
    interval = None
    if gap is not None and headline.value is not None:
        interval = interval_of((10.0**gap - 1.0) * 100.0)
    of_mean = None if weights is None else _mean_interval(values, weights)
    return BootstrapBd(headline, interval, per_image, mean, of_mean, len(per_image))


def resample(count: int, resamples: int, seed: int) -> Array:
    """How often each image is drawn, as a share of the sample: shape (resamples, count)."""
    drawn = np.random.default_rng(seed).integers(0, count, (resamples, count))
    # Row by row: counting all at once scatters over an array that no cache holds.
    return np.stack([np.bincount(row, minlength=count) for row in drawn]) / count


class Resampled:
    """Means over resampled images. Those of rates are kept: a configuration has the same in all metrics."""

    def __init__(self, weights: Array) -> None:
        self.weights = weights
        self._rates: dict[tuple[int, bytes], tuple[Array, Array]] = {}

    def sides(self, curves: ImageCurves, whole: Curve) -> tuple[Array, Array] | None:
        """Mean curves of all resamples as (quality axis, log-rate); a non-monotone one is NaN throughout.

        The operating points are those of the full sample's curve, so that an exactly reproduced image
        drops the same points from every resample.
        """
        points = points_of(whole)
        if rising(points.quality, points.log_rate) is None:
            return None
        keep = points.kept if points.quality[-1] > points.quality[0] else points.kept[::-1]
        means = self.weights @ curves.quality[:, keep]
        quality = integration_axis(curves.metric, means, curves.higher_is_better)
        folded = ~(np.diff(quality, axis=1) > 0).all(axis=1)
        quality[folded] = np.nan
        return quality, self._log_rates(curves.rate, keep)

    def _log_rates(self, rate: Array, keep: NDArray[np.intp]) -> Array:
        key = id(rate), keep.tobytes()
        if key not in self._rates:
            # The array is kept too, so that nothing else takes its place in memory.
            self._rates[key] = rate, np.log10(self.weights @ rate[:, keep])
        return self._rates[key][1]


def _mean_interval(values: Array, weights: Array) -> tuple[float, float] | None:
    defined = ~np.isnan(values)
    if defined.sum() < MIN_IMAGES:
        return None
    share = weights if defined.all() else weights[:, defined]
    with np.errstate(invalid="ignore"):
        return interval_of((share @ values[defined]) / share.sum(axis=1))


def interval_of(samples: Array) -> tuple[float, float] | None:
    """The 2.5th and 97.5th percentile; None where too many samples are not finite."""
    return intervals_of(samples[None])[0]


def intervals_of(samples: Array) -> list[tuple[float, float] | None]:
    """:func:`interval_of` of each row."""
    finite = np.isfinite(samples)
    whole = finite.all(axis=1)
    ends = np.full((len(samples), 2), np.nan)
    if samples.size:
        ends[whole] = np.percentile(samples[whole], [2.5, 97.5], axis=1).T
    for row in np.flatnonzero(~whole & (finite.mean(axis=1) >= MIN_DEFINED)):
        ends[row] = np.percentile(samples[row, finite[row]], [2.5, 97.5])
    return [None if math.isnan(low) else (low, high) for low, high in ends.tolist()]
