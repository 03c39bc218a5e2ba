"""BD-rates over several metrics, and over several data sets.

Images stay the sample in both. Over metrics, an image's difference in log-rate is the mean of those that it
has in each of them, which makes one value an image; so that the interval tells how much the mean would change
on other images, and not that metrics disagree. Over data sets see
:func:`~bench.rd.intervals.mean_over_sets`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.rd.bd import percent
from bench.rd.images import ImagesBd, of_gaps
from bench.rd.intervals import Interval, mean_over_sets


@dataclass(frozen=True)
class InMetric:
    """A BD-rate in one metric, and the images behind it."""

    bd: ImagesBd
    images: tuple[str, ...]
    """In the order of ``bd.gaps``."""


def over_metrics(compared: Mapping[str, InMetric]) -> ImagesBd:
    """The mean BD-rate of one pair of codecs over several metrics.

    It is over the images that have a BD-rate in every metric: a mean is never over fewer metrics.

    Parameters
    ----------
    compared : by the name of the metric; at least one, all of the same pair

    Returns
    -------
    Its ``overlap`` and ``coverage`` are the smallest of the metrics, so that the mean ranks where each of
    them does. The images of one metric alone, such as those that another one leaves out, are in neither ``n``
    nor ``n_images``.
    """
    first = next(iter(compared.values()))
    images = tuple(it for it in first.images if all(it in one.images for one in compared.values()))
    gaps = np.zeros(len(images))
    missing: dict[str, tuple[str, ...]] = {}
    for metric, its in compared.items():
        at = {name: row for row, name in enumerate(its.images)}
        assert its.bd.gaps is not None
        gaps += its.bd.gaps[[at[name] for name in images]]
        for reason, names in its.bd.missing.items():
            if shared := tuple(name for name in names if name in images):
                missing[f"{metric}: {reason}"] = shared
    overlaps = [it.bd.overlap for it in compared.values()]
    coverages = [it.bd.coverage for it in compared.values()]
    return of_gaps(gaps / len(compared), _least(overlaps), missing, _least(coverages))


def over_datasets(compared: Sequence[ImagesBd]) -> tuple[float, Interval | None] | None:
    """The mean BD-rate of one pair of codecs over data sets, each of which counts the same.

    Parameters
    ----------
    compared : of each data set

    Returns
    -------
    Percent, and its 95% interval, None where a data set has too few images for one. None where a data set has
    no BD-rate.
    """
    sets = [it.gaps[~np.isnan(it.gaps)] for it in compared if it.gaps is not None]
    if len(sets) < len(compared) or not all(map(len, sets)):
        return None
    mean, interval = mean_over_sets(sets)
    return percent(mean), None if interval is None else (percent(interval[0]), percent(interval[1]))


def _least(shares: Sequence[float | None]) -> float | None:
    known = [it for it in shares if it is not None]
    return min(known) if known and len(known) == len(shares) else None
