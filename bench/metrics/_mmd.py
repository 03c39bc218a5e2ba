"""Maximum mean discrepancy between patches of originals and of reconstructions.

M. Bińkowski et al., "Demystifying MMD GANs", ICLR 2018: the kernel inception distance (KID), with the kernel
k(x, y) = (x·y / d + 1)³. That estimator takes the two sets to be independent. A reconstruction is not
independent of its original, nor a patch of its neighbours; so, of all three means of the kernel, pairs
within one picture are left out here. Equal sets then have the distance 0 exactly, and on large sets the
value is that of the usual estimator.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.errors import MetricUndefined

from .dataset import Estimate, Features, interval_around

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
        """Means over pairs of patches from two different chosen images.

        ``chosen`` is 1 or 0 for each image, shape (draws, images); the result has the shape (draws,).
        """
        sums, counts = (((chosen @ it) * chosen).sum(1) for it in (self.sums, self.counts))
        means: Floats = sums / counts
        return means


def squared_mmd(reference: Sequence[Features], decoded: Sequence[Features], metric: str = "MMD²") -> Estimate:
    """MMD² between two sets, given image by image in the same order; about 0 where they are alike.

    Errors name ``metric``, which the distance is a value of.

    The interval is that of the delete-half jackknife over images (J. Shao and C. F. J. Wu, Ann. Stat.
    17(3), 1989): the value over random halves of the images varies about that over all of them as that does
    about the truth.

    Raises
    ------
    MetricUndefined
        Fewer than two images have patches.
    """
    used = [index for index, it in enumerate(reference) if len(it)]
    if len(used) < 2:
        raise MetricUndefined(
            f"{metric} needs two images with patches of 256×256 pixels;"
            f" {len(used)} of {len(reference)} have one"
        )
    x, y = ([np.asarray(side[it], np.float64) for it in used] for side in (reference, decoded))
    pairs = _pairs(x, x), _pairs(y, y), _pairs(x, y)

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
    errors = math.sqrt(half / (count - half)) * (values(halves) - whole)
    return Estimate(whole, interval_around(whole, errors), patches, errors)


def _pairs(x: Sequence[Floats], y: Sequence[Floats]) -> _Pairs:
    together = np.concatenate(y)
    starts = np.cumsum([0, *(len(it) for it in y[:-1])])
    sums = np.stack([np.add.reduceat(((it @ together.T / it.shape[1] + 1) ** 3).sum(0), starts) for it in x])
    counts = np.outer([len(it) for it in x], [len(it) for it in y]).astype(np.float64)
    np.fill_diagonal(sums, 0)
    np.fill_diagonal(counts, 0)
    return _Pairs(sums, counts)
