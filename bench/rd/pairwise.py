"""BD-rates of every pair of configurations, for a table whose anchor can be changed.

The numbers are those of :func:`~bench.rd.bootstrap.bootstrap_bd_rate` for each pair. What depends on one
configuration alone (the resampled mean curves, the slopes of all its curves) is computed once for each, and
a pair's differences serve both directions: exchanging anchor and test changes the sign of the log-rate.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bd import MIN_POINTS, BdResult, Spline, bd_rate, clean_rows, per_image_bd_rate, spline, spline_gap
from .bootstrap import MIN_IMAGES, interval_of, resample, resampled_sides
from .curve import Array, Curve, ImageCurves, mean_curve

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

    curves: ImageCurves
    mean: Curve
    resampled: Spline | None
    images: Spline | None
    """Of every image; rows that need special care are not ``clean`` and hold nothing of use."""
    clean: NDArray[np.bool_]


def all_pairs(curves: Mapping[str, ImageCurves]) -> dict[tuple[str, str], Pair]:
    """Every ordered pair (anchor, test) of different labels; all curves hold the same images.

    Raises
    ------
    ValueError
        The curves hold different images or metrics, or an image lacks a point.
    """
    count = max((len(it.images) for it in curves.values()), default=0)
    weights = resample(count, RESAMPLES, SEED) if count >= MIN_IMAGES else None
    sides = {label: _side(it, weights) for label, it in curves.items()}
    pairs: dict[tuple[str, str], Pair] = {}
    for one, other in itertools.combinations(curves, 2):
        first, second = sides[one], sides[other]
        gap = None
        if first.resampled is not None and second.resampled is not None:
            gap = spline_gap(first.resampled, second.resampled)[0]
        images = _image_gaps(first, second)
        for anchor, test, sign in ((one, other, 1.0), (other, one, -1.0)):
            result = bd_rate(sides[anchor].mean, sides[test].mean)
            interval = None
            if gap is not None and result.value is not None:
                interval = interval_of((10.0 ** (sign * gap) - 1.0) * 100.0)
            pairs[anchor, test] = Pair(result, interval, _mean(sides[anchor], sides[test], images, sign))
    return pairs


def _side(curves: ImageCurves, weights: Array | None) -> _Side:
    mean = mean_curve(curves)
    resampled = None if weights is None else resampled_sides(curves, mean, weights)
    x, y, clean = clean_rows(curves, "pchip")
    enough = x.shape[1] >= MIN_POINTS["pchip"]
    return _Side(
        curves,
        mean,
        spline(*resampled) if resampled is not None and enough else None,
        spline(x, y) if clean.any() else None,
        clean,
    )


def _image_gaps(first: _Side, second: _Side) -> Array | None:
    """Mean difference in log-rate of each image; None where some image needs special care."""
    if first.images is None or second.images is None or not (first.clean & second.clean).all():
        return None
    return spline_gap(first.images, second.images)[0]


def _mean(anchor: _Side, test: _Side, gaps: Array | None, sign: float) -> float | None:
    if gaps is None:
        values = np.array(
            [it.value for it in per_image_bd_rate(anchor.curves, test.curves) if it.value is not None]
        )
    else:
        values = (10.0 ** (sign * gaps[np.isfinite(gaps)]) - 1.0) * 100.0
    return float(values.mean()) if len(values) else None
