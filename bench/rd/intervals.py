"""95% confidence intervals over images: how far a result would move on other images of the same kind.

Images are the sample. Both intervals are symmetric in log-rate, estimate ± t·SE·√(n/(n − 1)), and both are
paired: what is hard or easy about an image counts for both codecs and cancels. There is nothing random in
them.

Where every image has a value of its own, SE is the standard error of the mean, and t is Student's quantile at
n − 2 degrees of freedom: the usual n − 1 covers too little where the images' values are skewed. Where only a
curve averaged over all images has a value, SE is the delete-one jackknife's (Tukey, 1958; Efron and
Tibshirani, 1993, ch. 11), and t is taken at (n − 1)/2: an average of rates is more skewed, a few images
that take many bits move it, and a small sample most often has none of them. Both were chosen for their
coverage, see :func:`~bench.rd.pairwise.paired_bd_rate`.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TypeAlias

import numpy as np

from bench.rd.curve import Array

Interval: TypeAlias = tuple[float, float]

MIN_IMAGES = 4
"""Fewer images say too little of others for any interval."""
LEVEL = 0.95


def interval_of_mean(values: Array) -> Interval | None:
    """The interval of the mean of ``values``, one for each image; None with fewer than ``MIN_IMAGES``."""
    count = len(values)
    if count < MIN_IMAGES:
        return None
    error = float(values.std(ddof=1)) / math.sqrt(count)
    return _around(float(values.mean()), error, count, freedom=count - 2)


def jackknife_interval(estimate: float, without_one: Array) -> Interval | None:
    """The interval of a result over all images, from the results ``without_one`` of them in turn.

    None with fewer than ``MIN_IMAGES`` images, or where the result hangs on a single one: without it there is
    none, which shows as NaN.
    """
    count = len(without_one)
    if count < MIN_IMAGES or not np.isfinite(without_one).all():
        return None
    spread = without_one - without_one.mean()
    error = math.sqrt((count - 1) / count * float(spread @ spread))
    return _around(estimate, error, count, freedom=(count - 1) / 2)


def _around(estimate: float, error: float, count: int, freedom: float) -> Interval:
    reach = _student_t(freedom) * error * math.sqrt(count / (count - 1))
    return estimate - reach, estimate + reach


@cache
def _student_t(freedom: float) -> float:
    """The quantile of Student's t beyond which 5% lie, on both sides together."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + LEVEL / 2))
