"""How much of the original's finest detail is left: a plain measure of blur."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.codec import Image
from bench.errors import MetricUndefined
from bench.metrics.base import Pair

BT601 = (0.299, 0.587, 0.114)
_SMALLEST = 16
_LEAST_ENERGY = 1e-6
"""Mean squared high-band amplitude of the windowed image, in squared levels, below which there is none."""


class HighBandEnergy:
    """Energy of luma above half the Nyquist frequency, reconstruction ÷ original.

    The mean of full-range BT.601 luma is subtracted, and a Hann window over the whole image keeps its borders
    from counting as edges. The squared magnitudes of the discrete Fourier transform are summed where
    max(|fx|, |fy|) > 1/4 cycle per pixel, which is what an image loses when it is reduced to half its size. 1
    is ideal; below 1 the reconstruction is blurred, above 1 it has noise, ringing or blocking of its own. The
    metric does not tell whether the detail is the right one.
    """

    name = "high_band_energy"
    title = "High-band energy"
    role = "diagnostic"
    version = "1"
    unit = ""
    higher_is_better = True
    ideal = 1.0

    def __call__(self, pair: Pair) -> float:
        """The ratio for one pair, 0 or more.

        Raises
        ------
        bench.errors.MetricUndefined
            A side is shorter than 16 pixels, or the original has nothing in the high band.
        """
        height, width = pair.decoded.shape[:2]
        if min(height, width) < _SMALLEST:
            raise MetricUndefined(
                f"the high band needs {_SMALLEST} pixels on each side; the picture is {width}×{height}"
            )
        original = pair.reference.cached(high_band)
        if original < _LEAST_ENERGY:
            raise MetricUndefined("the original has no energy above half the Nyquist frequency")
        return float(high_band(pair.decoded) / original)


def high_band(image: Image) -> float:
    """Mean squared high-band amplitude of the windowed image, in squared 8-bit levels.

    Parameters
    ----------
    image : uint8, shape (height, width, 3)
    """
    from scipy import fft

    height, width = image.shape[:2]
    luma = image @ np.array(BT601)
    luma -= luma.mean()
    luma *= np.outer(_hann(height), _hann(width))
    spectrum = fft.rfft2(luma)
    energy = np.square(spectrum.real) + np.square(spectrum.imag)
    # rfft2 leaves out columns that mirror others; only the first and, for an even width, the last have none.
    mirrored = np.full(energy.shape[1], 2.0)
    mirrored[0] = 1.0
    if width % 2 == 0:
        mirrored[-1] = 1.0
    high = (np.abs(fft.fftfreq(height)) > 0.25)[:, None] | (fft.rfftfreq(width) > 0.25)
    return float((energy * mirrored)[high].sum() / luma.size**2)


def _hann(length: int) -> NDArray[np.float64]:
    """The periodic Hann window."""
    window: NDArray[np.float64] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    return window
