"""The colour planes that the pixel metrics share. Each image is split once.

Grey has three equal planes. Where the original is fully transparent, colour is not seen and does not count:
it is 0 in the planes of both images, and means are taken over the other pixels, see :func:`seen`. There it
counts as stored, however little of it is seen; alpha is a plane of its own,
:class:`bench.metrics.psnr.PsnrAlpha`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.codec import DEPTHS, Channels, Samples
from bench.metrics.base import Pair

Planes = NDArray[Any]
"""``uint8`` or ``uint16``, shape (3, height, width), order R, G, B."""

ALL_DEPTHS = tuple(DEPTHS)
ALL_CHANNELS: tuple[Channels, ...] = ("rgb", "grey", "rgba")
"""The forms that :func:`planes` splits."""


def preload() -> None:
    """Load the compiled kernels, so that processes forked from this one share them.

    The first call on a machine compiles them, which takes some seconds; later processes read what it kept.
    """
    from bench.metrics._kernels import KERNELS

    KERNELS.load()


def planes(image: Samples) -> Planes:
    """The planes of an original, for :meth:`Reference.cached`."""
    return _planes_where(image, image)


def decoded_planes(pair: Pair) -> Planes:
    """The planes of a reconstruction, for :meth:`Pair.cached`.

    Raises
    ------
    ValueError
        The pair is not two images of one shape and type, see :func:`check`.
    """
    check(pair)
    return _planes_where(pair.decoded, pair.reference.image)


def _planes_where(image: Samples, original: Samples) -> Planes:
    """The planes of an image, 0 where an original is fully transparent."""
    from bench.metrics._kernels import planar

    if image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3:
        split: Planes = planar(np.ascontiguousarray(image))
        return split
    if image.ndim == 2:
        return np.repeat(image[None], 3, axis=0)
    split = np.ascontiguousarray(image[..., :3].transpose(2, 0, 1))
    if original.shape[2] == 4:
        split[:, original[..., 3] == 0] = 0
    return split


def seen(image: Samples) -> NDArray[np.bool_]:
    """Which pixels of an original are not fully transparent, shape (height, width)."""
    opaque = image.ndim < 3 or image.shape[2] < 4
    return np.ones(image.shape[:2], np.bool_) if opaque else image[..., 3] > 0


@dataclass(frozen=True)
class Levels:
    """Planes in levels of 8 bits, whatever the depth: value · 255 ÷ (2^depth − 1), which is not rounded.

    Instances of one depth are equal, so that metrics share the work.
    """

    depth: int

    def __call__(self, image: Samples) -> Planes:
        """Of an original, for :meth:`Reference.cached`."""
        return self._levels(planes(image))

    def decoded(self, pair: Pair) -> Planes:
        """Of a reconstruction, for :meth:`Pair.cached`."""
        return self._levels(pair.cached(decoded_planes))

    def _levels(self, split: Planes) -> Planes:
        if self.depth == 8:
            return split
        return split.astype(np.float32) * np.float32(255 / ((1 << self.depth) - 1))


def check(pair: Pair) -> None:
    """Refuse a pair that the kernels cannot work on.

    Raises
    ------
    ValueError
        The pair is not two images of one shape (height, width, 3), or (height, width), or (height, width, 4),
        of uint8 or, above 8 bits, uint16.
    """
    original, decoded = pair.reference.image, pair.decoded
    if original.shape != decoded.shape or original.shape[2:] not in ((), (3,), (4,)):
        raise ValueError(f"not two pictures of one size (h, w, 3): {original.shape} and {decoded.shape}")
    expected = np.uint8 if pair.reference.depth == 8 else np.uint16
    if original.dtype != expected or decoded.dtype != expected:
        raise ValueError(f"not two pictures of {expected.__name__}: {original.dtype} and {decoded.dtype}")
