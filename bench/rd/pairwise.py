"""BD-rates of every pair of configurations, for a table whose anchor can be changed.

The numbers are those of :func:`~bench.rd.bootstrap.bootstrap_bd_rate` for each pair. What that function
computes for a pair, the resamples and the resampled mean curves, is here computed once for each
configuration.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .bd import BdResult, bd_rate, mean_gap, per_image_bd_rate
from .bootstrap import MIN_IMAGES, interval_of, resample, resampled_sides
from .curve import ImageCurves, mean_curve

RESAMPLES = 1000
SEED = 0


@dataclass(frozen=True)
class Pair:
    """BD-rate of one configuration against another, in percent."""

    mean_curve: BdResult
    ci95: tuple[float, float] | None
    per_image_mean: float | None


def all_pairs(curves: Mapping[str, ImageCurves]) -> dict[tuple[str, str], Pair]:
    """Every ordered pair (anchor, test) of different labels; all curves hold the same images.

    Raises
    ------
    ValueError
        The curves hold different images or metrics, or an image lacks a point.
    """
    count = max((len(it.images) for it in curves.values()), default=0)
    whole = {label: mean_curve(it) for label, it in curves.items()}
    weights = resample(count, RESAMPLES, SEED) if count >= MIN_IMAGES else None
    sides = {
        label: None if weights is None else resampled_sides(it, whole[label], weights)
        for label, it in curves.items()
    }
    pairs: dict[tuple[str, str], Pair] = {}
    for one, other in itertools.combinations(curves, 2):
        first, second = sides[one], sides[other]
        gap = None if first is None or second is None else mean_gap(first, second, "pchip")[0]
        # Exchanging anchor and test only changes the sign of the difference in log-rate.
        for anchor, test, sign in ((one, other, 1.0), (other, one, -1.0)):
            result = bd_rate(whole[anchor], whole[test])
            interval = None
            if gap is not None and result.value is not None:
                interval = interval_of((10.0 ** (sign * gap) - 1.0) * 100.0)
            values = [it.value for it in per_image_bd_rate(curves[anchor], curves[test])]
            defined = [it for it in values if it is not None]
            mean = float(np.mean(defined)) if defined else None
            pairs[anchor, test] = Pair(result, interval, mean)
    return pairs
