"""95% confidence intervals over images: how much a result would change on other images of the same kind.

The images are the sample. Both intervals are symmetric in log-rate, estimate ± t·SE·√(n/(n − 1)), and both
are paired: whatever makes an image hard or easy affects both codecs and cancels. Neither is randomised.

If every image has a value of its own, SE is the standard error of the mean, and t is Student's quantile with
n − 2 degrees of freedom: the usual n − 1 gives too little coverage where the images' values are skewed. If
only a curve averaged over all images has a value, SE is that of the delete-one jackknife (Tukey, 1958; Efron
and Tibshirani, 1993, ch. 11), and t has (n − 1)/2 degrees of freedom: an average of rates is more skewed,
since a few images that take many bits dominate it, and most small samples contain none of these. Both were
chosen for their measured coverage, see :func:`~bench.rd.pairwise.paired_bd_rate`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import TypeAlias

import numpy as np

from bench.rd.curve import Array

Interval: TypeAlias = tuple[float, float]

MIN_IMAGES = 4
"""The smallest sample for which an interval is given."""
LEVEL = 0.95
"""Nominal coverage of the intervals."""


def interval_of_mean(values: Array) -> Interval | None:
    """The interval of the mean over images.

    Parameters
    ----------
    values : one for each image, for BD-rates the difference in log10 of the rate

    Returns
    -------
    (low, high), or None with fewer than :data:`MIN_IMAGES` values.
    """
    count = len(values)
    if count < MIN_IMAGES:
        return None
    return interval_around(float(values.mean()), float(values.std(ddof=1)), count)


def interval_around(mean: float, deviation: float, count: int) -> Interval:
    """:func:`interval_of_mean` of ``count`` values, from their mean and standard deviation."""
    return _around(mean, deviation / math.sqrt(count), count, freedom=count - 2)


def mean_over_sets(sets: Sequence[Array]) -> tuple[float, Interval | None]:
    """The mean of the means of several data sets, each of which counts the same, and its interval.

    The sets are what they are, and their images a sample: the interval is that of a stratified mean, with the
    degrees of freedom of Satterthwaite (Biometrics Bulletin 2, 1946), those of a set as in
    :func:`interval_of_mean`.

    Parameters
    ----------
    sets : of each data set the values of its images; none is empty

    Returns
    -------
    The mean, and (low, high); None where a set has fewer than :data:`MIN_IMAGES` images, or no value differs
    from another one of its set.
    """
    mean = sum(float(it.mean()) for it in sets) / len(sets)
    if any(len(it) < MIN_IMAGES for it in sets):
        return mean, None
    variances = [float(it.var(ddof=1)) / (len(it) - 1) for it in sets]
    spread = sum(variances)
    if spread == 0.0:
        return mean, None
    freedom = spread**2 / sum(v**2 / (len(it) - 2) for v, it in zip(variances, sets, strict=True))
    reach = _student_t(freedom) * math.sqrt(spread) / len(sets)
    return mean, (mean - reach, mean + reach)


def jackknife_interval(estimate: float, without_one: Array) -> Interval | None:
    """The interval of a result over all images, by the delete-one jackknife.

    Parameters
    ----------
    estimate : the result over all images
    without_one : the results that leave out each image in turn; NaN where there is none without that image

    Returns
    -------
    (low, high), or None with fewer than :data:`MIN_IMAGES` images, or where the result depends on a single
    image, so that ``without_one`` has a NaN.
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
    """The quantile of Student's t at which the two tails together hold 1 − :data:`LEVEL`."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + LEVEL / 2))
