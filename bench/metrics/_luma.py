"""The planes that JPEG AI's metrics are taken on: BT.709 luma and RGB of 10 bits.

JPEG AI common training and test conditions (ISO/IEC JTC 1/SC 29/WG 1); the rounding is that of its reference
software, ``src/codec/metrics/metrics.py``: RGB is rounded to 10 bits, luma made of it, and rounded again.
Samples of more than 10 bits keep their depth, so that no difference between them is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.codec import Samples
from bench.errors import MetricUndefined
from bench.metrics._planes import ALL_DEPTHS, check
from bench.metrics.base import Pair

BITS = 10
DEPTHS = ALL_DEPTHS

Plane: TypeAlias = NDArray[np.float64]
"""float64, shape (height, width)."""

T = TypeVar("T")

_BT709 = (0.2126, 0.7152, 0.0722)
_KEPT_PIXELS = 4_000_000
"""Largest original of which more than luma is kept."""


@dataclass(frozen=True)
class Luma:
    """0.2126 R + 0.7152 G + 0.0722 B, 0 to 1, in steps of 10 bits or, if that is more, of the samples' depth.

    Instances of one depth are equal, so that metrics share the work.
    """

    depth: int

    def __call__(self, image: Samples) -> Plane:
        """Of an original, for :meth:`Reference.cached`."""
        levels = steps(self.depth)
        luma = np.zeros(image.shape[:2])
        for channel, share in enumerate(_BT709):
            luma += (share * levels)[image[..., channel]]
        return _rounded(luma, self.depth)

    def decoded(self, pair: Pair) -> Plane:
        """Of a reconstruction, for :meth:`Pair.cached`."""
        check(pair)
        return self(pair.decoded)


def lumas(pair: Pair) -> tuple[Plane, Plane]:
    """Of original and reconstruction."""
    luma = Luma(pair.reference.depth)
    return pair.reference.cached(luma), pair.cached(luma.decoded)


def of_original(pair: Pair, function: Callable[[Samples], T]) -> T:
    """``function(image)`` of the original, kept with it unless it is large.

    Parameters
    ----------
    function : as for :meth:`Reference.cached`
    """
    height, width = pair.decoded.shape[:2]
    if height * width <= _KEPT_PIXELS:
        return pair.reference.cached(function)
    return function(pair.reference.image)


def steps(depth: int) -> NDArray[np.float64]:
    """The levels of samples of this depth as JPEG AI rounds them, 0 to 1."""
    peak = (1 << depth) - 1
    return _rounded(np.arange(peak + 1) / peak, depth)


def _rounded(values: NDArray[np.float64], depth: int) -> NDArray[np.float64]:
    peak = (1 << max(BITS, depth)) - 1
    rounded: NDArray[np.float64] = np.rint(values * peak) / peak
    return rounded


def require(pair: Pair, smallest: int, metric: str) -> None:
    """Refuse a picture that is too small.

    Raises
    ------
    MetricUndefined
        A side is shorter than ``smallest`` pixels.
    """
    height, width = pair.decoded.shape[:2]
    if min(height, width) < smallest:
        raise MetricUndefined(
            f"{metric} needs {smallest} pixels on each side; the picture is {width}×{height}"
        )
