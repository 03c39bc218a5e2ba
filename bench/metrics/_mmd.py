"""Maximum mean discrepancy between patches of originals and of reconstructions.

M. Bińkowski et al., "Demystifying MMD GANs", ICLR 2018: the kernel inception distance (KID) is the unbiased
estimator of MMD² with the kernel k(x, y) = (x·y / d + 1)³, that is the mean of k over pairs of different
originals, plus that over pairs of different reconstructions, less twice that over all pairs of an original
and a reconstruction. torch-fidelity and clean-fid average it over 100 random subsets of 1000 patches; here
all patches are one set, which is what clean-fid does up to 1000 of them, and what the average tends to.

It is unbiased for independent sets. A reconstruction is not independent of its original, nor a patch of its
neighbours: on few images the estimate is too low, and equal sets are below 0. Across images, pairs within
one image are left out of all three means; for one patch an image this is the U-statistic of A. Gretton et
al., "A kernel two-sample test", JMLR 13, 2012. Equal sets then have the distance 0 exactly. On large sets
both agree.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.errors import MetricUndefined
from bench.metrics.dataset import Estimate, Features, interval_around

Floats: TypeAlias = NDArray[np.float64]

_HALVES = 1000
_FEWEST_IMAGES = 8
"""Images below which a half is too small to tell a spread."""


@dataclass(frozen=True)
class _Pairs:
    """By pairs of images, shape (images, images): the kernel's sum, and how many patch pairs there are."""

    sums: Floats
    counts: Floats

    def means(self, chosen: Floats) -> Floats:
        """Means over pairs of patches from chosen images.

        ``chosen`` is 1 or 0 for each image, shape (draws, images); the result has the shape (draws,).
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
    """MMD² between two sets, given image by image in the same order; about 0 where they are alike.

    Parameters
    ----------
    metric
        What errors call the distance.
    across_images
        Whether pairs of patches within one image are left out.

    The interval is that of the delete-half jackknife over images (J. Shao and C. F. J. Wu, Ann. Stat.
    17(3), 1989): the value over random halves of the images varies about that over all of them as that does
    about the truth. Of the usual estimator, halves are lower than the whole, having fewer independent
    pairs: its interval is about its own expectation for so many images.

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
    x, y = ([np.asarray(side[it], np.float64) for it in used] for side in (reference, decoded))
    pairs = [_pairs(x, x), _pairs(y, y), _pairs(x, y)]
    if across_images:
        pairs = [it.across_images() for it in pairs]
    else:
        pairs = [pairs[0].of_different(x), pairs[1].of_different(y), pairs[2]]

    def values(chosen: Floats) -> Floats:
        within_x, within_y, between = (it.means(chosen) for it in pairs)
        return within_x + within_y - 2 * between

    count, patches = len(used), sum(map(len, x))
    whole = float(values(np.ones((1, count)))[0])
    if count < _FEWEST_IMAGES:
        return Estimate(whole, None, patches)
    random = np.random.default_rng(0)
    half = count // 2
    halves = random.permuted(np.tile(np.arange(count) < half, (_HALVES, 1)), axis=1).astype(np.float64)
    drawn = values(halves)
    centre = whole if across_images else drawn.mean()
    errors = math.sqrt(half / (count - half)) * (drawn - centre)
    return Estimate(whole, interval_around(whole, errors), patches, errors)


def _kernel(x: Floats, y: Floats) -> Floats:
    """k of each row of ``x`` with each of ``y``, both of shape (patches, dimensions)."""
    kernel: Floats = (x @ y.T / x.shape[1] + 1) ** 3
    return kernel


def _pairs(x: Sequence[Floats], y: Sequence[Floats]) -> _Pairs:
    """Sums over all pairs of a patch of the one and a patch of the other."""
    together = np.concatenate(y)
    starts = np.cumsum([0, *(len(it) for it in y[:-1])])
    sums = np.stack([np.add.reduceat(_kernel(it, together).sum(0), starts) for it in x])
    counts = np.outer([len(it) for it in x], [len(it) for it in y]).astype(np.float64)
    return _Pairs(sums, counts)
