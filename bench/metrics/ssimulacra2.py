"""SSIMULACRA 2.

J. Sneyers, "SSIMULACRA 2: structural similarity unveiling local and compression related artifacts",
Cloudinary 2022, version 2.1 of April 2023. Errors of structure, new edges and lost edges are measured in the
XYB colour space at six scales, each by its mean and its 4-norm. Their weighted sum is mapped to a score of
100 for identical images, about 90 for visually lossless and about 50 for medium quality.

This implementation reproduces the float32 arithmetic that the author's program,
https://github.com/cloudinary/ssimulacra2, performs on a processor with fused multiply-add. The score depends
on it, since in flat areas rounding counts as an error of structure. On the 24 Kodak images as JPEG of quality
30 to 98, 4:2:0 and 4:4:4, all scores agree to 1e-5. On a processor without fused multiply-add the program
gives lower scores, by up to 1.9 at quality 98; this implementation gives the same value on all machines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.codec import Image
from bench.errors import MetricUndefined
from bench.metrics._planes import decoded_planes, planes
from bench.metrics._ssimulacra2_weights import WEIGHTS
from bench.metrics.base import Pair

Planes: TypeAlias = NDArray[np.float32]
"""float32, shape (3, height, width)."""

_SCALES = 6
_SMALLEST = 8
"""Shortest side of an image, and of a scale from which the next is made; as in the author's program."""
_WEIGHTS_OF_A_SCALE = 18
_KEPT_PIXELS = 4_000_000
_NO_ERROR = 1e-300


@dataclass(frozen=True)
class _Scale:
    """An image at one scale: itself, its local means and its local mean squares."""

    xyb: Planes
    mean: Planes
    square: Planes


class Ssimulacra2:
    """The score of SSIMULACRA 2.1, at most 100; it may be negative."""

    name = "ssimulacra2"
    title = "SSIMULACRA 2"
    role = "perception"
    version = "2"
    unit = ""
    higher_is_better = True

    def __init__(self) -> None:
        from bench.metrics import _ssimulacra2_kernels  # noqa: F401  # compiled or loaded here, not in the first trial

    def __call__(self, pair: Pair) -> float:
        """The score of one pair.

        An image with a side below 113 pixels has fewer than six scales. The weights are listed for all scales
        of X, then of Y, then of B; the author's program assigns them in that order to the scales that exist.
        This is reproduced, but such a score is not comparable with that of a larger image.

        Raises
        ------
        bench.errors.MetricUndefined
            A side is shorter than 8 pixels.
        """
        require(pair.decoded)
        height, width = pair.decoded.shape[:2]
        kept = height * width <= _KEPT_PIXELS
        reference = pair.reference.cached(_pyramid) if kept else _scales(planes(pair.reference.image))
        decoded = _scales(pair.cached(decoded_planes))
        norms = [_norms(*scales) for scales in zip(reference, decoded, strict=True)]
        # Order of the weights: channel, scale, norm (mean, 4-norm), error (structure, new edges, lost edges).
        weights = WEIGHTS[: _WEIGHTS_OF_A_SCALE * len(norms)]
        return _score(float(np.transpose(norms, (1, 0, 2, 3)).ravel() @ weights))


def require(image: Image) -> None:
    """Refuse an image of which no scale can be made.

    Raises
    ------
    bench.errors.MetricUndefined
        A side is shorter than 8 pixels.
    """
    height, width = image.shape[:2]
    if min(height, width) < _SMALLEST:
        raise MetricUndefined(
            f"SSIMULACRA 2 needs {_SMALLEST} pixels on each side; the picture is {width}×{height}"
        )


def error_map(original: Image, decoded: Image) -> NDArray[np.float32]:
    """What each pixel adds to the weighted sum of errors from which the score follows, (height, width).

    The mean over the pixels is that sum. A pixel adds to a 4-norm its share of the fourth powers; those of
    coarser scales lie over the pixels that they were made of.

    Raises
    ------
    bench.errors.MetricUndefined
        A side is shorter than 8 pixels.
    """
    require(original)
    scales = [list(_scales(planes(it))) for it in (original, decoded)]
    count = len(scales[0])
    weights = np.asarray(WEIGHTS[: _WEIGHTS_OF_A_SCALE * count]).reshape(3, count, 2, 3)
    height, width = original.shape[:2]
    added = np.zeros((height, width))
    for index, pair in enumerate(zip(*scales, strict=True)):
        errors = _errors(*pair)
        fourth = errors**4
        spread = np.maximum(fourth.mean(axis=(2, 3), keepdims=True), _NO_ERROR) ** -0.75
        parts = weights[:, index, 0, :, None, None] * errors
        parts += weights[:, index, 1, :, None, None] * fourth * spread
        of_scale = parts.sum(axis=(0, 1))
        large = of_scale.repeat(1 << index, axis=0).repeat(1 << index, axis=1)[:height, :width]
        # at an odd side the last sample stands for fewer pixels
        added += large * (of_scale.mean() / max(large.mean(), _NO_ERROR))
    return added.astype(np.float32)


def _errors(one: _Scale, other: _Scale) -> NDArray[np.float64]:
    """The errors whose norms :func:`_norms` has: (3 channels, 3 kinds, height, width)."""
    from bench.metrics._ssimulacra2_kernels import _C2, blurred

    shared = blurred(one.xyb * other.xyb)
    a, b = one.mean, other.mean
    likeness = (1 - (a - b) ** 2) * (2 * (shared - a * b) + _C2)
    structure = 1 - likeness / ((one.square - a * a) + (other.square - b * b) + _C2)
    detail, its = (np.abs(it.xyb - it.mean, dtype=np.float64) for it in (one, other))
    change = (1 + its) / (1 + detail) - 1
    errors: NDArray[np.float64] = np.stack(
        [np.maximum(it, 0) for it in (structure, change, -change)], axis=1, dtype=np.float64
    )
    return errors


def _score(total: float) -> float:
    """Map the weighted sum of errors to the scale of subjective scores."""
    total *= 0.9562382616834844
    total = 2.326765642916932 * total - 0.020884521182843837 * total**2 + 6.248496625763138e-05 * total**3
    return 100 - 10 * total**0.6276336467831387 if total > 0 else 100.0


def _pyramid(image: Image) -> list[_Scale]:
    """All scales, for :meth:`Reference.cached`."""
    return list(_scales(planes(image)))


def _scales(image: NDArray[np.uint8]) -> Iterator[_Scale]:
    """The scales of an image, uint8 (3, height, width), finest first."""
    from bench.metrics._ssimulacra2_kernels import blurred, halved, positive_xyb

    linear = np.take(_linear_levels(), image)
    for index in range(_SCALES):
        if index:
            if min(linear.shape[1:]) < _SMALLEST:
                return
            linear = halved(linear)
        xyb = positive_xyb(linear)
        yield _Scale(xyb, blurred(xyb), blurred(xyb * xyb))


@cache
def _linear_levels() -> NDArray[np.float32]:
    """Linear light, 0 to 1, of the 256 levels of sRGB, with libjxl's approximation, which is exact to 6e-6.

    Numerator and denominator are the polynomials of ``TF_SRGB`` in libjxl's ``transfer_functions-inl.h`` (BSD
    3-clause), evaluated by Horner's scheme with fused multiply-add.
    """
    level = np.arange(256, dtype=np.float32) * np.float32(1 / 255)
    above = _horner(
        level, (8.210152774e-01, 7.961564959e-01, 1.624820318e-01, 1.043637593e-02, 2.200248328e-04)
    )
    below = _horner(level, (6.521209011e-03, -5.512498495e-02, 4.987528350e-01, 1.076976492, 2.631846970e-01))
    return np.where(level > np.float32(0.04045), above / below, level * np.float32(1 / 12.92))


def _horner(x: NDArray[np.float32], coefficients: tuple[float, ...]) -> NDArray[np.float32]:
    value = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        # A product of two float32 is exact in float64: except for ties this rounds once, as an FMA does.
        value = (value.astype(np.float64) * x + np.float32(coefficient)).astype(np.float32)
    return value


def _norms(one: _Scale, other: _Scale) -> NDArray[np.float64]:
    from bench.metrics._ssimulacra2_kernels import blurred, error_norms

    shared = blurred(one.xyb * other.xyb)
    norms: NDArray[np.float64] = error_norms(
        one.xyb, one.mean, one.square, other.xyb, other.mean, other.square, shared
    )
    return norms
