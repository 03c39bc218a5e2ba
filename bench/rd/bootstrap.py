"""Paired bootstrap over images: how far a BD-rate would move on other images of the same kind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .bd import BdResult, Method, bd_rate, mean_gap, per_image_bd_rate, points_of, rising
from .curve import Array, Curve, ImageCurves, integration_axis, mean_curve

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
    values = np.array([np.nan if result.value is None else result.value for result in per_image])
    defined = ~np.isnan(values)
    mean = float(values[defined].mean()) if defined.any() else None
    if count < MIN_IMAGES:
        return BootstrapBd(headline, None, per_image, mean, None, count)
    weights = resample(count, resamples, seed)
    sides = [
        resampled_sides(curves, curve, weights) for curves, curve in zip((anchor, test), whole, strict=True)
    ]
    interval = None
    if headline.value is not None and sides[0] is not None and sides[1] is not None:
        gap, _ = mean_gap(sides[0], sides[1], method)
        interval = interval_of((10.0**gap - 1.0) * 100.0)
    return BootstrapBd(headline, interval, per_image, mean, _mean_interval(values, weights), count)


def resample(count: int, resamples: int, seed: int) -> Array:
    """How often each image is drawn, as a share of the sample: shape (resamples, count)."""
    drawn = np.random.default_rng(seed).integers(0, count, (resamples, count))
    # Row by row: counting all at once scatters over an array that no cache holds.
    return np.stack([np.bincount(row, minlength=count) for row in drawn]) / count


def resampled_sides(curves: ImageCurves, whole: Curve, weights: Array) -> tuple[Array, Array] | None:
    """Mean curves of all resamples as (quality axis, log-rate); a non-monotone one is NaN throughout.

    The operating points are those of the full sample's curve, so that an exactly reproduced image
    drops the same points from every resample.
    """
    points = points_of(whole)
    if rising(points.quality, points.log_rate) is None:
        return None
    keep = points.kept if points.quality[-1] > points.quality[0] else points.kept[::-1]
    quality = integration_axis(curves.metric, weights @ curves.quality[:, keep], curves.higher_is_better)
    rate = np.log10(weights @ curves.rate[:, keep])
    folded = ~(np.diff(quality, axis=1) > 0).all(axis=1)
    quality[folded] = np.nan
    return quality, rate


def _mean_interval(values: Array, weights: Array) -> tuple[float, float] | None:
    defined = ~np.isnan(values)
    if defined.sum() < MIN_IMAGES:
        return None
    share = weights[:, defined]
    with np.errstate(invalid="ignore"):
        return interval_of((share @ values[defined]) / share.sum(axis=1))


def interval_of(samples: Array) -> tuple[float, float] | None:
    samples = samples[np.isfinite(samples)] if np.isfinite(samples).mean() >= MIN_DEFINED else samples[:0]
    if not len(samples):
        return None
    low, high = np.percentile(samples, [2.5, 97.5])
    return float(low), float(high)
