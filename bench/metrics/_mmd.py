"""Maximum mean discrepancy between patches of originals and of reconstructions.

M. Bińkowski et al., "Demystifying MMD GANs", ICLR 2018: the kernel inception distance (KID) is the unbiased
estimator of MMD² with the kernel k(x, y) = (x·y / d + 1)³: the mean of k over pairs of different originals,
plus that over pairs of different reconstructions, minus twice that over all pairs of an original and a
reconstruction. torch-fidelity and clean-fid average it over 100 random subsets of 1000 patches. Here all
patches form one set, as in clean-fid for up to 1000 of them; the average over subsets converges to the same
value.

The estimator is unbiased for independent sets. But a reconstruction is not independent of its original, nor a
patch of its neighbours: with few images the estimate is too low, and equal sets have a negative distance. The
variants across images leave pairs within one image out of all three means; with one patch per image this is
the U-statistic of A. Gretton et al., "A kernel two-sample test", JMLR 13, 2012. Equal sets then have a
distance of exactly 0. On large sets both variants agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.errors import MetricUndefined
from bench.metrics.dataset import Estimate, Features, interval_around

Floats: TypeAlias = NDArray[np.float64]

_HALVES = 1000
"""Random halves that the interval is taken from."""
_FEWEST_IMAGES = 8
"""Number of images below which a half is too small to estimate a spread."""


@dataclass(frozen=True)
class _Pairs:
    """The kernel over pairs of patches, summed for each pair of images; arrays are (images, images)."""

    sums: Floats
    counts: Floats
    """Number of pairs of patches."""

    def means(self, chosen: Floats) -> Floats:
        """Means over the pairs of patches from chosen images, of shape (draws,).

        Parameters
        ----------
        chosen : 1 or 0 for each image, shape (draws, images)
        """
        sums, counts = (((chosen @ it) * chosen).sum(1) for it in (self.sums, self.counts))
        means: Floats = sums / counts
        return means

    def across_images(self) -> _Pairs:
        """Without pairs within one image."""
        others = 1 - np.eye(len(self.sums))
        return _Pairs(self.sums * others, self.counts * others)

    def of_different(self, x: Sequence[Floats]) -> _Pairs:
        """Without pairs of a patch and itself; for pairs within the set ``x``."""
        selves = [((np.einsum("pd,pd->p", it, it) / it.shape[1] + 1) ** 3).sum() for it in x]
        return _Pairs(self.sums - np.diag(selves), self.counts - np.diag([len(it) for it in x]))


def squared_mmd(
    reference: Sequence[Features],
    decoded: Sequence[Features],
    metric: str = "MMD²",
    *,
    across_images: bool = False,
) -> Estimate:
    """MMD² between two sets of patches; about 0 if they have the same distribution.

    Parameters
    ----------
    reference, decoded : features of each image, float32 (patches, dimensions), in the same order
    metric : name of the distance in error messages
    across_images : leave out pairs of patches within one image

    Raises
    ------
    MetricUndefined
        Fewer than two patches, or across images fewer than two images that have patches.
    """
    used = [index for index, it in enumerate(reference) if len(it)]
    if len(used) < 2 and (across_images or sum(map(len, reference)) < 2):
        raise MetricUndefined(
            f"{metric} needs two images with patches of 256×256 pixels;"
            f" {len(used)} of {len(reference)} have one"
        )
    x, y = ([np.asarray(features[it], np.float64) for it in used] for features in (reference, decoded))
    pairs = [_pairs(x, x), _pairs(y, y), _pairs(x, y)]
    if across_images:
        pairs = [it.across_images() for it in pairs]
    else:
        pairs = [pairs[0].of_different(x), pairs[1].of_different(y), pairs[2]]

    def values(chosen: Floats) -> Floats:
        within_x, within_y, between = (it.means(chosen) for it in pairs)
        return within_x + within_y - 2 * between

    patches = sum(map(len, x))
    whole = float(values(np.ones((1, len(used))))[0])
    if len(used) < _FEWEST_IMAGES:
        return Estimate(whole, None, patches)
    errors = _jackknife_errors(values, len(used), whole if across_images else None)
    return Estimate(whole, interval_around(whole, errors), patches, errors)


def _jackknife_errors(values: Callable[[Floats], Floats], count: int, centre: float | None) -> Floats:
    """Draws of the error of a value over ``count`` images, by the delete-half jackknife.

    J. Shao and C. F. J. Wu, Ann. Stat. 17(3), 1989: the value over random halves of the images varies around
    the value over all of them as that varies around the truth. The usual estimator is lower on halves than on
    the whole, having fewer independent pairs: for it, ``centre`` is None, and the errors are around the mean
    of the halves.
    """
    half = count // 2
    chosen = np.random.default_rng(0).permuted(np.tile(np.arange(count) < half, (_HALVES, 1)), axis=1)
    drawn = values(chosen.astype(np.float64))
    return math.sqrt(half / (count - half)) * (drawn - (drawn.mean() if centre is None else centre))


def _kernel(x: Floats, y: Floats) -> Floats:
    """The kernel of each row of ``x`` with each row of ``y``, both of shape (patches, dimensions)."""
    kernel: Floats = (x @ y.T / x.shape[1] + 1) ** 3
    return kernel


def _pairs(x: Sequence[Floats], y: Sequence[Floats]) -> _Pairs:
    """Sums over all pairs of a patch from ``x`` and one from ``y``, which are lists by image."""
    together = np.concatenate(y)
    starts = np.cumsum([0, *(len(it) for it in y[:-1])])
    sums = np.stack([np.add.reduceat(_kernel(it, together).sum(0), starts) for it in x])
    counts = np.outer([len(it) for it in x], [len(it) for it in y]).astype(np.float64)
    return _Pairs(sums, counts)
