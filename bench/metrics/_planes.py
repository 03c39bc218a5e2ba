"""The colour planes that the pixel metrics share. Each image is split once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.codec import Image
from bench.metrics.base import Pair

Planes = NDArray[np.uint8]
"""``uint8``, shape (3, height, width), order R, G, B."""


def preload() -> None:
    """Load the compiled kernels, so that processes forked from this one share them.

    The first call on a machine compiles them, which takes some seconds; later processes read the cache.
    """
    from bench.metrics import _kernels  # noqa: F401  # the import loads them: every kernel names its signatures


def planes(image: Image) -> Planes:
    """The planes of an image of shape (height, width, 3), for :meth:`Reference.cached`."""
    from bench.metrics._kernels import planar

    split: Planes = planar(np.ascontiguousarray(image))
    return split


def check(pair: Pair) -> None:
    """Refuse a pair that the kernels cannot work on.

    Raises
    ------
    ValueError
        The pair is not two ``uint8`` images of one shape (height, width, 3).
    """
    original, decoded = pair.reference.image, pair.decoded
    if original.shape != decoded.shape or decoded.ndim != 3 or decoded.shape[2] != 3:
        raise ValueError(f"not two pictures of one size (h, w, 3): {original.shape} and {decoded.shape}")
    if original.dtype != np.uint8 or decoded.dtype != np.uint8:
        raise ValueError(f"not two pictures of uint8: {original.dtype} and {decoded.dtype}")


def decoded_planes(pair: Pair) -> Planes:
    """The planes of a reconstruction, for :meth:`Pair.cached`.

    Raises
    ------
    ValueError
        The pair is not two ``uint8`` images of one shape (height, width, 3).
    """
    check(pair)
    return planes(pair.decoded)
