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
from numpy.typing import NDArray

from bench.rd.bd import percent
from bench.rd.images import ImagesBd, of_gaps
from bench.rd.intervals import Interval, mean_over_sets

NOT_COMPARED = "not compared"


@dataclass(frozen=True, eq=False)
class ImagesOfMetrics:
    """The images that were compared in each of several metrics; the same for all pairs of codecs."""

    images: tuple[str, ...]
    """Of the metric that has the most."""
    rows: Mapping[str, NDArray[np.intp]]
    """By metric, where each of ``images`` is in the metric's own; the row after its last for one that is not
    there."""
    absent: Mapping[str, tuple[str, ...]]
    """By metric, which of ``images`` it leaves out; only metrics that do."""

    @property
    def n_shared(self) -> int:
        """Number of images that were compared in every metric."""
        return len(self.images) - len({name for names in self.absent.values() for name in names})


def images_of_metrics(compared: Mapping[str, Sequence[str]]) -> ImagesOfMetrics:
    """Find the images of each metric in those of the others.

    Parameters
    ----------
    compared : the names of the images by that of the metric, at least one
    """
    most = max(compared.values(), key=len)
    images = tuple(most)
    rows, absent = {}, {}
    for metric, names in compared.items():
        at = {name: row for row, name in enumerate(names)}
        rows[metric] = np.array([at.get(name, len(names)) for name in images], np.intp)
        if left_out := tuple(name for name in images if name not in at):
            absent[metric] = left_out
    return ImagesOfMetrics(images, rows, absent)


def over_metrics(compared: Mapping[str, ImagesBd], among: ImagesOfMetrics) -> ImagesBd:
    """The mean BD-rate of one pair of codecs over several metrics.

    It is over the images that have a BD-rate in every metric: a mean is never over fewer metrics.

    Parameters
    ----------
    compared : by the name of the metric, all of the same pair, with ``gaps``
    among : of the same metrics, in the order of the ``gaps``

    Returns
    -------
    Its ``overlap`` and ``coverage`` are the smallest of the metrics, so that the mean ranks where each of
    them does. ``n_images`` counts the images of the metric that has the most: those that another one leaves
    out are ``missing``, so that a mean over few of them ranks nobody.
    """
    gaps = np.zeros(len(among.images))
    missing: dict[str, tuple[str, ...]] = {}
    known = frozenset(among.images)
    for metric, bd in compared.items():
        assert bd.gaps is not None
        gaps += np.append(bd.gaps, np.nan)[among.rows[metric]]
        for reason, names in bd.missing.items():
            if its := tuple(name for name in names if name in known):
                missing[f"{metric}: {reason}"] = its
        if metric in among.absent:
            missing[f"{metric}: {NOT_COMPARED}"] = among.absent[metric]
    overlaps = [it.overlap for it in compared.values()]
    coverages = [it.coverage for it in compared.values()]
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
