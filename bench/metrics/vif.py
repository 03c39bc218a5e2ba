"""VIF of luma as JPEG AI defines it.

H. R. Sheikh and A. C. Bovik, "Image information and visual quality", IEEE Trans. Image Process. 15(2), 2006,
in the authors' four-scale variant without wavelets (VIFp), which JPEG AI computes by ``IQA-pytorch`` 0.1 on
BT.709 luma of 10 bits. :class:`bench.metrics.similarity.Vif` is the same on luma of BT.601. JPEG AI's
software fills sides below 64 pixels with black; here a picture is compared as it is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.errors import MetricUndefined
from bench.metrics._luma import DEPTHS, Plane, lumas, require
from bench.metrics.base import Pair

_SMALLEST = 41
"""Shortest side, in pixels, on which the windows of all scales fit."""
_WINDOWS = (17, 9, 5, 3)
_NOISE = 2.0
"""Variance of the eye's noise, in levels of 8 bits."""
_TINY = 1e-10


class VifY:
    """Visual information fidelity in the pixel domain of BT.709 luma; 1 for identical luma.

    Above 1 where contrast was enhanced.
    """

    name = "vif_y"
    title = "VIF-Y"
    role = "perception"
    version = "1"
    unit = ""
    higher_is_better = True
    depths = DEPTHS

    def __init__(self) -> None:
        import cv2  # noqa: F401  # heavy: belongs here rather than into the first trial

    def __call__(self, pair: Pair) -> float:
        """The value for one pair.

        Raises
        ------
        bench.errors.MetricUndefined
            A side is shorter than 41 pixels, or the original has constant luma and the reconstruction
            differs: there is no information that could be kept.
        """
        require(pair, _SMALLEST, "VIF")
        x, y = lumas(pair)
        if np.array_equal(x, y):
            return 1.0
        if np.ptp(x) == 0:
            raise MetricUndefined("VIF is undefined for an original of constant luma: 0 ÷ 0")
        x, y = 255 * x, 255 * y
        kept = held = 0.0
        for size in _WINDOWS:
            if size != _WINDOWS[0]:
                x, y = (np.ascontiguousarray(_windowed(it, size)[::2, ::2]) for it in (x, y))
            information = _information(x, y, size)
            kept, held = kept + information[0], held + information[1]
        return kept / held


def _information(x: Plane, y: Plane, size: int) -> tuple[float, float]:
    """What the eye learns of the original from the reconstruction, and from itself, in units of log₁₀."""
    mean_x, mean_y = _windowed(x, size), _windowed(y, size)
    spread_x = np.maximum(_windowed(x * x, size) - mean_x * mean_x, 0)
    spread_y = np.maximum(_windowed(y * y, size) - mean_y * mean_y, 0)
    shared = _windowed(x * y, size) - mean_x * mean_y
    gain = shared / (spread_x + _TINY)
    noise = spread_y - gain * shared
    noise[spread_y < _TINY] = 0
    noise = np.where(gain < 0, spread_y, noise)
    gain[(spread_y < _TINY) | (gain < 0)] = 0
    spread_x = np.maximum(spread_x - _TINY, 0)
    kept = np.log10(1 + gain * gain * spread_x / (np.maximum(noise, _TINY) + _NOISE))
    return float(kept.sum()), float(np.log10(1 + spread_x / _NOISE).sum())


def _windowed(plane: Plane, size: int) -> Plane:
    """The mean under a Gaussian window of this side, wherever it fits."""
    import cv2

    taps = _gaussian(size)
    half = size // 2
    filtered: Plane = np.asarray(cv2.sepFilter2D(plane, -1, taps, taps), np.float64)
    return filtered[half:-half, half:-half]


def _gaussian(size: int) -> NDArray[np.float64]:
    places = np.arange(size) - size // 2
    taps = np.exp(-(places**2) / (2 * (size / 5) ** 2))
    normalised: NDArray[np.float64] = taps / taps.sum()
    return normalised
