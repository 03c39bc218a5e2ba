"""IW-SSIM, multi-scale SSIM that counts most where a picture tells most.

Z. Wang and Q. Li, "Information content weighting for perceptual image quality assessment", IEEE Trans. Image
Process. 20(5), 2011. JPEG AI takes it on BT.709 luma of 10 bits; its software fills sides below 256 pixels
with black, here a picture is compared as it is. As in that software, a coarser band is enlarged from corner
to corner before it takes part in the weights; the authors' program and piq place it a fraction of a sample
further, which changes IW-SSIM by some 1e-5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.codec import Samples
from bench.errors import MetricUndefined
from bench.metrics._luma import DEPTHS, Luma, of_original, require
from bench.metrics.base import Pair
from bench.metrics.ssim import WEIGHTS

Band: TypeAlias = NDArray[np.float32]
"""float32, shape (height, width)."""

_SMALLEST = 161
"""Shortest side, in pixels, on which the window of SSIM fits the coarsest scale."""
_TAPS = np.array((1, 4, 6, 4, 1), np.float32) / 16 * np.float32(2**0.5)
_WINDOW, _SIGMA = 11, 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_NOISE = 0.4
"""Variance of the eye's noise, in levels of 8 bits."""
_TINY = 1e-7
_MARGIN = (_WINDOW - 3) // 2
"""Samples by which the window of SSIM reaches beyond that of 3×3 samples."""


class IwSsim:
    """Information-content weighted SSIM of luma, at most 1."""

    name = "iw_ssim"
    title = "IW-SSIM"
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
            A side is shorter than 161 pixels, or the original has constant luma and the reconstruction
            differs: nothing in it has any weight.
        """
        require(pair, _SMALLEST, self.title)
        pyramid = _Pyramid(Luma(pair.reference.depth))
        x, y = of_original(pair, pyramid), pyramid.decoded(pair)
        if all(map(np.array_equal, x.bands, y.bands)):
            return 1.0
        if not any(it.any() for it in x.bands[:-1]):
            raise MetricUndefined("IW-SSIM is undefined for an original of constant luma: 0 ÷ 0")
        scales = [_scale(x, y, index) for index in range(len(WEIGHTS))]
        return float(np.prod(np.abs(scales) ** np.array(WEIGHTS)))


@dataclass(frozen=True)
class _Bands:
    """Luma in bands, finest first, and what is left; and how much each sample tells by itself."""

    bands: list[Band]
    surprise: list[Band]
    """Of each sample but those at the border: its and its neighbours' energy where all that is expected of
    such a neighbourhood is 1. Empty for a reconstruction."""
    variances: list[NDArray[np.float64]]
    """Of the principal components of a neighbourhood."""


@dataclass(frozen=True)
class _Pyramid:
    """The bands of luma, in levels of 8 bits."""

    luma: Luma

    def __call__(self, image: Samples) -> _Bands:
        bands = _bands(self.luma(image))
        # the parent of the last band would be what is left of the picture, which is of another kind
        parents = [*bands[1:-1], None]
        told = [_surprise(*it) for it in zip(bands[:-1], parents, strict=True)]
        return _Bands(bands, [it for it, _ in told], [it for _, it in told])

    def decoded(self, pair: Pair) -> _Bands:
        return _Bands(_bands(pair.cached(self.luma.decoded)), [], [])


def _bands(luma: NDArray[np.float64]) -> list[Band]:
    plane = (255 * luma).astype(np.float32)
    bands = []
    for _ in WEIGHTS[1:]:
        coarser = np.ascontiguousarray(_blurred(plane)[::2, ::2])
        spread = np.zeros_like(plane)
        spread[::2, ::2] = coarser
        bands.append(plane - _blurred(spread))
        plane = coarser
    return [*bands, plane]


def _blurred(plane: Band) -> Band:
    import cv2

    return np.asarray(cv2.sepFilter2D(plane, -1, _TAPS, _TAPS, borderType=cv2.BORDER_REFLECT_101))


def _surprise(band: Band, parent: Band | None) -> tuple[Band, NDArray[np.float64]]:
    """How unlikely each neighbourhood is among all of the band: :class:`_Bands` for both results.

    A neighbourhood is 3×3 samples, and the sample of the next coarser band in the same place.
    """
    rows, columns = band.shape[0] - 2, band.shape[1] - 2
    samples = [band[row : row + rows, column : column + columns] for row in range(3) for column in range(3)]
    if parent is not None:
        samples.append(_doubled(parent)[1 : 1 + rows, 1 : 1 + columns])
    vectors = np.stack([it.reshape(-1) for it in samples])
    covariance = (vectors @ vectors.T).astype(np.float64) / vectors.shape[1]
    variances, axes = np.linalg.eigh(covariance)
    inverse = np.divide(1, variances, out=np.zeros_like(variances), where=variances > _TINY)
    whitening = (axes * np.sqrt(inverse)).T.astype(np.float32)
    energy = np.square(whitening @ vectors).sum(axis=0) / len(vectors)
    return energy.reshape(rows, columns), np.maximum(variances, 0)


def _doubled(plane: Band) -> Band:
    """Twice as many rows and columns, a quarter of a sample to both sides of each, linear beyond the edge."""
    for _ in range(2):
        beyond = np.concatenate([2 * plane[:1] - plane[1:2], plane, 2 * plane[-1:] - plane[-2:-1]])
        doubled = np.empty((2 * plane.shape[0], plane.shape[1]), np.float32)
        doubled[::2] = 0.75 * plane + 0.25 * beyond[:-2]
        doubled[1::2] = 0.75 * plane + 0.25 * beyond[2:]
        plane = np.ascontiguousarray(doubled.T)
    return plane


def _scale(x: _Bands, y: _Bands, index: int) -> float:
    """The weighted mean of contrast and structure, or of SSIM at the coarsest scale."""
    one, other = x.bands[index], y.bands[index]
    contrast, luminance = _similarities(one, other)
    if index == len(WEIGHTS) - 1:
        return float((contrast * luminance).mean(dtype=np.float64))
    weights = _information(one, other, x.surprise[index], x.variances[index])
    weights = weights[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    total = weights.sum(dtype=np.float64)
    if total == 0:
        return float(contrast.mean(dtype=np.float64))
    return float((contrast * weights).sum(dtype=np.float64) / total)


def _similarities(x: Band, y: Band) -> tuple[Band, Band]:
    """Contrast with structure, and luminance, wherever the window of SSIM fits."""
    import cv2

    def mean(plane: Band) -> Band:
        half = _WINDOW // 2
        blurred: Band = np.asarray(cv2.GaussianBlur(plane, (_WINDOW, _WINDOW), _SIGMA), np.float32)
        return blurred[half:-half, half:-half]

    mean_x, mean_y = mean(x), mean(y)
    both, squares = mean_x * mean_y, mean_x * mean_x + mean_y * mean_y
    spread = np.maximum(mean(x * x) - mean_x * mean_x, 0) + np.maximum(mean(y * y) - mean_y * mean_y, 0)
    contrast = (2 * (mean(x * y) - both) + _C2) / (spread + _C2)
    luminance = (2 * both + _C1) / (squares + _C1)
    return contrast, luminance


def _information(x: Band, y: Band, surprise: Band, variances: NDArray[np.float64]) -> Band:
    """What the eye learns in each place from original and reconstruction together, in bits.

    A reconstruction is taken for ``gain`` times the original and noise.
    """
    import cv2

    def mean(plane: Band) -> Band:
        blurred: Band = np.asarray(cv2.blur(plane, (3, 3)), np.float32)
        return blurred[1:-1, 1:-1]

    mean_x, mean_y = mean(x), mean(y)
    spread_x = np.maximum(mean(x * x) - mean_x * mean_x, 0)
    spread_y = np.maximum(mean(y * y) - mean_y * mean_y, 0)
    shared = mean(x * y) - mean_x * mean_y
    flat_x, flat_y = spread_x < _TINY, spread_y < _TINY
    gain = shared / (spread_x + _TINY)
    noise = np.where(flat_x, spread_y, spread_y - gain * shared)
    gain[flat_x | flat_y], noise[flat_y] = 0, 0
    signal = (noise + (1 + gain * gain) * _NOISE) * surprise / _NOISE**2
    least = 1 + noise / _NOISE
    bits = np.zeros(signal.shape)
    for variance in variances:
        bits += np.log2(least + signal * variance)
    bits[bits < _TINY] = 0
    return bits.astype(np.float32)
