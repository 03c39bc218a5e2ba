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

from ._planes import decoded_planes, planes
from ._srgb import linear_levels
from ._ssimulacra2_weights import WEIGHTS
from .base import Pair

Planes: TypeAlias = NDArray[np.float32]
"""float32, shape (height, width, 3)."""

_SCALES = 6
_SMALLEST = 8
"""Shortest side of a scale from which another may come; as in the author's program."""
_KEPT_PIXELS = 4_000_000

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
        from . import _ssimulacra2_kernels  # noqa: F401  # heavy: belongs here rather than into the first trial

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
        reference = pair.reference.cached(_pyramid) if kept else _scales(pair.reference.cached(planes))
        other = _scales(pair.cached(decoded_planes))
        norms = [_norms(*scales) for scales in zip(reference, other, strict=True)]
        # Order of the weights: channel, scale, norm (mean, 4-norm), error (structure, new edges, lost edges).
        return _score(float(np.transpose(norms, (1, 0, 2, 3)).ravel() @ WEIGHTS[: 18 * len(norms)]))


def _score(total: float) -> float:
    """The weighted sum of errors on the scale of subjective scores."""
    total *= 0.9562382616834844
    total = 2.326765642916932 * total - 0.020884521182843837 * total**2 + 6.248496625763138e-05 * total**3
    return 100 - 10 * total**0.6276336467831387 if total > 0 else 100.0


def _pyramid(image: Image) -> list[_Scale]:
    """All scales, for :meth:`Reference.cached`."""
    return list(_scales(planes(image)))


def _scales(planes: NDArray[np.uint8]) -> Iterator[_Scale]:
    from ._ssimulacra2_kernels import blurred, halved, positive_xyb

    linear = np.take(linear_levels(), planes)
    for index in range(_SCALES):
        if index:
            if min(linear.shape[1:]) < _SMALLEST:
                return
            linear = halved(linear)
        xyb = positive_xyb(linear)
        yield _Scale(xyb, blurred(xyb), blurred(xyb * xyb))


def _norms(one: _Scale, other: _Scale) -> NDArray[np.float64]:
    from ._ssimulacra2_kernels import blurred, error_norms

    shared = blurred(one.xyb * other.xyb)
    norms: NDArray[np.float64] = error_norms(
        one.xyb, one.mean, one.square, other.xyb, other.mean, other.square, shared
    )
    return norms
