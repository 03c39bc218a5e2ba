"""NLPD, the distance of two normalised Laplacian pyramids.

V. Laparra et al., "Perceptual image quality assessment using a normalized Laplacian pyramid", Electronic
Imaging 2016: luminance is split into bands, and each band divided by what the authors fitted to predict its
amplitude from the neighbours of a sample.

The definition is that of JPEG AI, on BT.709 luma of 10 bits, by the package ``IQA-pytorch`` 0.1. It departs
from the authors' program: a band is interpolated bilinearly before it is filtered, borders are mirrored, and
the sixth band is one of differences, not what is left. On photographs the two differ by up to 4%. JPEG AI's
software fills sides below 128 pixels with black; here a picture is compared as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.codec import Samples
from bench.errors import MetricUndefined
from bench.metrics._luma import DEPTHS, Luma, lumas, of_original, require
from bench.metrics.base import Pair

Band: TypeAlias = NDArray[np.float32]
"""float32, shape (height, width)."""

_SMALLEST = 65
"""Shortest side, in pixels, of which the sixth band has the three samples that its filters need."""
_TAPS = np.array((0.05, 0.25, 0.4, 0.25, 0.05), np.float32)
_NEIGHBOURS = (
    (0.1011, 0.1493, 0.1460, 0.1015),
    (0.0757, 0.1986, 0.1846, 0.0837),
    (0.0477, 0.2138, 0.2243, 0.0467),
    (0.0, 0.2503, 0.2616, 0.0),
    (0.0, 0.2598, 0.2552, 0.0),
    (0.0, 0.2215, 0.0717, 0.0),
)
"""Of each band, finest first: what the amplitude of the sample above, to the left, to the right and below
adds to what is expected."""
_OFFSETS = (0.0248, 0.0185, 0.0179, 0.0191, 0.0220, 0.2782)


class Nlpd:
    """The mean over six bands of the root mean square difference; 0 for identical luma."""

    name = "nlpd"
    title = "NLPD"
    role = "perception"
    version = "1"
    unit = ""
    higher_is_better = False
    depths = DEPTHS

    def __init__(self) -> None:
        import cv2  # noqa: F401  # heavy: belongs here rather than into the first trial

    def __call__(self, pair: Pair) -> float:
        """The distance of one pair.

        Raises
        ------
        bench.errors.MetricUndefined
            A side is shorter than 65 pixels; or luma is constant in both pictures and not the same: no band
            has anything in it.
        """
        require(pair, _SMALLEST, self.title)
        original, decoded = lumas(pair)
        if np.ptp(original) == np.ptp(decoded) == 0 and original[0, 0] != decoded[0, 0]:
            raise MetricUndefined("NLPD is undefined for two pictures of constant luma")
        bands = _Bands(Luma(pair.reference.depth))
        both = zip(of_original(pair, bands), bands.decoded(pair), strict=True)
        return float(np.mean([np.sqrt(np.square(x - y).mean(dtype=np.float64)) for x, y in both]))


@dataclass(frozen=True)
class _Bands:
    """The bands of luma, normalised."""

    luma: Luma

    def __call__(self, image: Samples) -> list[Band]:
        return _bands(self.luma(image).astype(np.float32))

    def decoded(self, pair: Pair) -> list[Band]:
        return _bands(pair.cached(self.luma.decoded).astype(np.float32))


def _bands(plane: Band) -> list[Band]:
    bands = []
    for neighbours, offset in zip(_NEIGHBOURS, _OFFSETS, strict=True):
        coarser = _blurred(plane)[::2, ::2]
        height, width = plane.shape
        band = plane - _blurred(_doubled(coarser))[:height, :width]
        bands.append(band / (np.float32(offset) + _expected(np.abs(band), neighbours)))
        plane = np.ascontiguousarray(coarser)
    return bands


def _blurred(plane: Band) -> Band:
    import cv2

    return np.asarray(cv2.sepFilter2D(plane, -1, _TAPS, _TAPS, borderType=cv2.BORDER_REFLECT_101))


def _expected(amplitudes: Band, neighbours: tuple[float, ...]) -> Band:
    import cv2

    kernel = np.zeros((3, 3), np.float32)
    kernel[0, 1], kernel[1, 0], kernel[1, 2], kernel[2, 1] = neighbours
    return np.asarray(cv2.filter2D(amplitudes, -1, kernel, borderType=cv2.BORDER_REFLECT_101))


def _doubled(plane: Band) -> Band:
    """Twice as many rows and columns between the same corners, interpolated linearly."""
    rows, columns = (_interpolation(it) for it in plane.shape)
    doubled: Band = _lines(np.ascontiguousarray(_lines(plane, *rows).T), *columns).T
    return np.ascontiguousarray(doubled)


def _lines(plane: Band, lower: NDArray[np.intp], share: Band) -> Band:
    """Rows between those of a plane: ``share`` of the way from ``lower`` to the next."""
    start, end = plane[lower], plane[np.minimum(lower + 1, len(plane) - 1)]
    between: Band = start + share[:, None] * (end - start)
    return between


@cache
def _interpolation(size: int) -> tuple[NDArray[np.intp], Band]:
    places = np.arange(2 * size) * ((size - 1) / (2 * size - 1))
    lower = places.astype(np.intp)
    return lower, (places - lower).astype(np.float32)
