"""FSIM with colour, the likeness of the features that phase congruency finds.

L. Zhang et al., "FSIM: a feature similarity index for image quality assessment", IEEE Trans. Image Process.
20(8), 2011, with phase congruency by P. Kovesi, "Image features from phase congruency", Videre 1(3), 1999,
and the authors' constants. JPEG AI takes FSIM in colour (FSIMc) of RGB that is rounded to 10 bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.codec import Samples
from bench.errors import MetricUndefined
from bench.metrics._luma import DEPTHS, of_original, require, steps
from bench.metrics._planes import check
from bench.metrics.base import Pair

Plane: TypeAlias = NDArray[np.float32]
"""float32, shape (height, width)."""

_VIEWED = 256
"""Pixels of the shorter side of the picture that is compared: a larger one is averaged by a whole factor."""
_SCALES, _ORIENTATIONS = 4, 4
_SHORTEST_WAVE, _WAVE_RATIO = 6, 2
_LONGEST_WAVE = _SHORTEST_WAVE * _WAVE_RATIO ** (_SCALES - 1)
_BANDWIDTH = 0.55
"""Standard deviation of a filter's logarithmic frequency, as the logarithm of this ratio."""
_ANGLE = math.pi / _ORIENTATIONS / 1.2
"""Standard deviation of a filter's angle."""
_CUTOFF, _SHARPNESS = 0.45, 15
"""Of the Butterworth filter that keeps filters away from the corners of the spectrum."""
_DEVIATIONS, _NOISE_SCALE = 2.0, 1.7
"""Energy that is noise: the mean and so many deviations of what noise would give, divided by the second."""
_TINY = 1e-4

_YIQ = np.array([(0.299, 0.587, 0.114), (0.596, -0.274, -0.322), (0.211, -0.523, 0.312)], np.float32)
_T1, _T2, _T3, _T4 = 0.85, 160.0, 200.0, 200.0
"""Constants of the likeness of phase congruency, of gradients, of I and of Q."""
_CHROMA_POWER = 0.03
_SCHARR = np.array([(3, 0, -3), (10, 0, -10), (3, 0, -3)], np.float32) / 16


class Fsim:
    """Feature similarity of RGB, at most 1."""

    name = "fsim"
    title = "FSIM"
    role = "perception"
    version = "1"
    unit = ""
    higher_is_better = True
    depths = DEPTHS

    def __init__(self) -> None:
        import cv2  # noqa: F401  # heavy: both belong here rather than into the first trial
        import scipy.fft  # noqa: F401

    def __call__(self, pair: Pair) -> float:
        """The value for one pair.

        Raises
        ------
        bench.errors.MetricUndefined
            A side is shorter than 48 pixels, the longest wave of the filters; or neither picture has a
            feature, and they differ.
        """
        require(pair, _LONGEST_WAVE, self.title)
        check(pair)
        if np.array_equal(pair.reference.image, pair.decoded):
            return 1.0
        features = _Features(pair.reference.depth)
        x, y = of_original(pair, features), features(pair.decoded)
        weights = np.maximum(x.congruency, y.congruency)
        total = weights.sum(dtype=np.float64)
        if total == 0:
            raise MetricUndefined("FSIM is undefined where neither picture has a feature: 0 ÷ 0")
        likeness = _likeness(x.congruency, y.congruency, _T1) * _likeness(x.gradient, y.gradient, _T2)
        chroma = _likeness(x.i, y.i, _T3) * _likeness(x.q, y.q, _T4)
        likeness *= np.abs(chroma) ** _CHROMA_POWER
        return float((likeness * weights).sum(dtype=np.float64) / total)


def _likeness(x: Plane, y: Plane, constant: float) -> Plane:
    alike: Plane = (2 * x * y + constant) / (x * x + y * y + constant)
    return alike


@dataclass(frozen=True)
class _Seen:
    """What is compared of a picture."""

    congruency: Plane
    """Phase congruency, 0 to 1."""
    gradient: Plane
    i: Plane
    q: Plane


@dataclass(frozen=True)
class _Features:
    """The features of a picture; instances of one depth are equal."""

    depth: int

    def __call__(self, image: Samples) -> _Seen:
        import cv2

        factor = max(1, round(min(image.shape[:2]) / _VIEWED))
        levels = 255 * _averaged(steps(self.depth).astype(np.float32)[image], factor)
        y, i, q = np.ascontiguousarray((levels @ _YIQ.T).transpose(2, 0, 1))
        gradients = (
            cv2.filter2D(y, -1, kernel, borderType=cv2.BORDER_CONSTANT) for kernel in (_SCHARR, _SCHARR.T)
        )
        return _Seen(_congruency(y), np.hypot(*gradients), i, q)


def _averaged(picture: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """The mean of each square of ``factor`` pixels' side, (height, width, 3)."""
    rows, columns = (side // factor for side in picture.shape[:2])
    whole = picture[: rows * factor, : columns * factor]
    means: NDArray[np.float32] = whole.reshape(rows, factor, columns, factor, 3).mean(axis=(1, 3))
    return means


def _congruency(plane: Plane) -> Plane:
    """Phase congruency of each sample: the share of the amplitudes that all filters agree on."""
    from scipy.fft import fft2, ifft2

    if np.ptp(plane) == 0:
        return np.zeros_like(plane)  # and not what rounding makes of it
    spectrum = fft2(plane)
    energy, amplitudes = np.zeros_like(plane), np.zeros_like(plane)
    for bank in _banks(*plane.shape):
        responses = ifft2(spectrum * bank.filters)
        sizes = np.abs(responses)
        total = responses.sum(axis=0)
        direction = total / (np.abs(total) + _TINY)
        along = responses * direction.conj()
        found = (along.real - np.abs(along.imag)).sum(axis=0)
        noise = np.median(np.square(sizes[0])) * bank.noise
        energy += np.maximum(found - np.sqrt(noise), 0)
        amplitudes += sizes.sum(axis=0)
    return np.divide(energy, amplitudes, out=np.zeros_like(plane), where=amplitudes > 0)


@dataclass(frozen=True)
class _Bank:
    """The filters of one orientation."""

    filters: NDArray[np.float32]
    """In the frequency domain, (scales, height, width), finest first."""
    noise: float
    """Square of the most energy that noise gives, where the median of the finest filter's squared response is
    1."""


@lru_cache(maxsize=2)
def _banks(height: int, width: int) -> tuple[_Bank, ...]:
    """The filters for pictures of one size."""
    y, x = np.meshgrid(*map(_frequencies, (height, width)), indexing="ij")
    radius = np.hypot(x, y)
    low_pass = 1 / (1 + (radius / _CUTOFF) ** (2 * _SHARPNESS))
    radius[0, 0] = 1
    waves = _SHORTEST_WAVE * float(_WAVE_RATIO) ** np.arange(_SCALES)[:, None, None]
    radial = np.exp(-(np.log(radius * waves) ** 2) / (2 * math.log(_BANDWIDTH) ** 2)) * low_pass
    radial[:, 0, 0] = 0
    direction = np.exp(1j * np.arctan2(-y, x))
    return tuple(
        _bank(radial * np.exp(-(_turn(direction, index) ** 2) / (2 * _ANGLE**2)))
        for index in range(_ORIENTATIONS)
    )


def _turn(direction: NDArray[np.complex128], index: int) -> NDArray[np.float64]:
    """The angle between each direction, a complex number of modulus 1, and an orientation: 0 to π."""
    angles: NDArray[np.float64] = np.abs(np.angle(direction * np.exp(-1j * index * math.pi / _ORIENTATIONS)))
    return angles


def _bank(filters: NDArray[np.float64]) -> _Bank:
    """Filters of one orientation, and the noise that they let pass."""
    from scipy.fft import ifft2

    kernels = ifft2(filters).real * math.sqrt(filters[0].size)
    products = np.einsum("iyx,jyx->ij", kernels, kernels)
    # of noise whose squared amplitude has the median 1 under the finest filter, for Rayleigh's distribution
    power = 1 / math.log(2) / np.square(filters[0]).sum()
    tau = math.sqrt(power * products.sum())
    most = tau * math.sqrt(math.pi / 2) + _DEVIATIONS * tau * math.sqrt(2 - math.pi / 2)
    return _Bank(filters.astype(np.float32), (most / _NOISE_SCALE) ** 2)


def _frequencies(size: int) -> NDArray[np.float64]:
    """Cycles per sample, −½ to ½, beginning with 0; an odd side ends at ½, as the authors have it."""
    from scipy.fft import ifftshift

    spaced: NDArray[np.float64] = ifftshift(np.linspace(-0.5, 0.5, size, endpoint=bool(size % 2)))
    return spaced
