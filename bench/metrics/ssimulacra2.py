"""SSIMULACRA 2.

J. Sneyers, "SSIMULACRA 2: structural similarity unveiling local and compression related artifacts",
Cloudinary 2022, version 2.1 of April 2023: errors of structure, new edges and lost edges, in the XYB colour
space at six scales, each by its mean and its 4-norm, weighted and mapped to 100 for identical, 90 for
visually lossless, 50 for medium quality.

Own implementation, true to 0.01 of the definition in float64. The author's program blurs recursively in
float32, whose rounding counts as error of structure: its scores are lower by some 0.01 at 50 and by up to
0.2 above 80.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.codec import Image
from bench.errors import MetricUndefined

from ._srgb import linear_levels
from ._ssimulacra2_weights import WEIGHTS
from .base import Pair

Planes: TypeAlias = NDArray[np.float32]
"""float32, shape (height, width, 3)."""

_SCALES = 6
_SMALLEST = 113
"""Shortest side of which the fifth scale has 8 pixels, the least that the sixth may come from."""
_C2 = np.float32(0.0009)
_SIGMA = 1.5
_KEPT_PIXELS = 4_000_000

# The absorbance of JPEG XL's opsin model: what the long, middle and short cones take of linear RGB.
_ABSORBANCE = np.array(
    [
        (0.30, 0.622, 0.078),
        (0.23, 0.692, 0.078),
        (0.24342268924547819, 0.20476744424496821, 0.5518098665095536),
    ],
    np.float32,
)
_BIAS = np.float32(0.0037930732552754493)


@dataclass(frozen=True)
class _Scale:
    """A picture at one scale: itself, its local means and its local mean squares."""

    xyb: Planes
    mean: Planes
    square: Planes


class Ssimulacra2:
    """The score of SSIMULACRA 2.1, at most 100; it may be negative."""

    name = "ssimulacra2"
    version = "1"
    unit = ""
    higher_is_better = True

    def __init__(self) -> None:
        import cv2  # noqa: F401  # heavy: belongs here rather than into the first trial

    def __call__(self, pair: Pair) -> float:
        """The score of one pair.

        Raises
        ------
        bench.errors.MetricUndefined
            A side is shorter than 113 pixels: the weights are for six scales.
        """
        height, width = pair.decoded.shape[:2]
        if min(height, width) < _SMALLEST:
            raise MetricUndefined(
                f"SSIMULACRA 2 needs {_SMALLEST} pixels on each side; the picture is {width}×{height}"
            )
        kept = height * width <= _KEPT_PIXELS
        reference = pair.reference.cached(_pyramid) if kept else _scales(pair.reference.image)
        norms = [_norms(*scales) for scales in zip(reference, _scales(pair.decoded), strict=True)]
        # Order of the weights: channel, scale, norm (mean, 4-norm), error (structure, new edges, lost edges).
        return _score(float(np.transpose(norms, (1, 0, 2, 3)).ravel() @ WEIGHTS))


def _score(total: float) -> float:
    """The weighted sum of errors on the scale of subjective scores."""
    total *= 0.9562382616834844
    total = 2.326765642916932 * total - 0.020884521182843837 * total**2 + 6.248496625763138e-05 * total**3
    return 100 - 10 * total**0.6276336467831387 if total > 0 else 100.0


def _pyramid(image: Image) -> list[_Scale]:
    """All scales, for :meth:`Reference.cached`."""
    return list(_scales(image))


def _scales(image: Image) -> Iterator[_Scale]:
    linear: Planes = linear_levels()[image]
    for index in range(_SCALES):
        if index:
            linear = _halved(linear)
        xyb = _positive_xyb(linear)
        yield _Scale(xyb, _blurred(xyb), _blurred(xyb * xyb))


def _halved(linear: Planes) -> Planes:
    """2×2 means; an odd side repeats its last row or column."""
    height, width = linear.shape[:2]
    even = np.pad(linear, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    pairs = even[0::2] + even[1::2]
    halved: Planes = (pairs[:, 0::2] + pairs[:, 1::2]) * np.float32(0.25)
    return halved


def _positive_xyb(linear: Planes) -> Planes:
    """XYB, each channel moved and stretched to lie within 0 to 1."""
    import cv2

    cones = cv2.transform(linear, np.column_stack([_ABSORBANCE, np.full(3, _BIAS)]))
    cones = np.cbrt(np.maximum(cones, 0)) - np.cbrt(_BIAS)
    long, middle, short = cones[..., 0], cones[..., 1], cones[..., 2]
    y = (long + middle) * np.float32(0.5)
    x = (long - middle) * np.float32(7) + np.float32(0.42)
    return np.stack([x, y + np.float32(0.01), short - y + np.float32(0.55)], axis=-1)


def _blurred(planes: Planes) -> Planes:
    """Local means under a Gaussian of σ 1.5; what is outside the picture counts as 0."""
    import cv2

    taps = _gaussian()
    return np.asarray(cv2.sepFilter2D(planes, -1, taps, taps, borderType=cv2.BORDER_CONSTANT))


@cache
def _gaussian() -> NDArray[np.float32]:
    """A Gaussian as the sum of three truncated cosines: the recursive filter of libjxl, written out.

    D. Charalampidis, "Recursive implementation of the Gaussian filter using truncated cosine functions", IEEE
    Trans. Signal Process. 64(14), 2016. The three amplitudes follow from the taps' sum, from their variance,
    and from the best fit of the frequency response.
    """
    radius = round(3.2795 * _SIGMA + 0.2546)
    order = np.array([1, 3, 5])
    omega = order * np.pi / (2 * radius)
    sums = np.array([1, -1, 1]) / np.tan(omega / 2)
    variances = np.array([1, -1, 1]) * sums**2 / np.sin(omega)
    response = np.exp(-(_SIGMA**2) * omega**2 / 2) / radius
    normal = np.cross(sums, variances)
    normal /= normal[2]
    targets = [1, radius**2 - _SIGMA**2, normal @ response]
    amplitudes = np.linalg.solve(np.array([sums, variances, normal]), targets)
    places = np.arange(-radius, radius + 1)
    taps: NDArray[np.float32] = (amplitudes @ np.cos(np.outer(omega, places))).astype(np.float32)
    return taps


def _norms(one: _Scale, other: _Scale) -> NDArray[Any]:
    """Errors at one scale, shape (3 channels, 2 norms, 3 errors)."""
    shared = _blurred(one.xyb * other.xyb)
    covariance = shared - one.mean * other.mean
    variances = (one.square - one.mean**2) + (other.square - other.mean**2)
    # SSIM without the luminance term's denominator: XYB is perceptually uniform already.
    likeness = (1 - (one.mean - other.mean) ** 2) * (2 * covariance + _C2) / (variances + _C2)
    edges = (1 + np.abs(other.xyb - other.mean)) / (1 + np.abs(one.xyb - one.mean)) - 1
    errors = np.stack([np.maximum(1 - likeness, 0), np.maximum(edges, 0), np.maximum(-edges, 0)])
    squares = errors * errors
    means = errors.mean((1, 2), dtype=np.float64)
    fourths = np.einsum("ehwc,ehwc->ec", squares, squares, dtype=np.float64) / errors[0, ..., 0].size
    norms: NDArray[Any] = np.stack([means, fourths**0.25]).transpose(2, 0, 1)
    return norms
