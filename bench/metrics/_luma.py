"""The planes that JPEG AI's metrics are taken on: BT.709 luma and RGB of 10 bits.

JPEG AI common training and test conditions (ISO/IEC JTC 1/SC 29/WG 1); the rounding is that of its reference
software, ``src/codec/metrics/metrics.py``: RGB is rounded to 10 bits, luma made of it, and rounded again.
Samples of more than 10 bits keep their depth, so that no difference between them is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

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

_BT709 = np.array((0.2126, 0.7152, 0.0722))


@dataclass(frozen=True)
class Rgb:
    """RGB in steps of 10 bits, or the depth of the samples if that is more: 0 to 1, (height, width, 3).

    Instances of one depth are equal, so that metrics share the work; so are those of :class:`Luma`.
    """

    depth: int

    def __call__(self, image: Samples) -> NDArray[np.float64]:
        """Of an original, for :meth:`Reference.cached`, or of any image."""
        levels = np.arange(1 << self.depth) / ((1 << self.depth) - 1)
        rounded: NDArray[np.float64] = _rounded(levels, self.depth)[image]
        return rounded


@dataclass(frozen=True)
class Luma:
    """0.2126 R + 0.7152 G + 0.0722 B of :class:`Rgb`, in the same steps, 0 to 1."""

    depth: int

    def __call__(self, image: Samples) -> Plane:
        """Of an original, for :meth:`Reference.cached`."""
        return _rounded(Rgb(self.depth)(image) @ _BT709, self.depth)

    def decoded(self, pair: Pair) -> Plane:
        """Of a reconstruction, for :meth:`Pair.cached`."""
        check(pair)
        return self(pair.decoded)


def lumas(pair: Pair) -> tuple[Plane, Plane]:
    """Of original and reconstruction."""
    luma = Luma(pair.reference.depth)
    return pair.reference.cached(luma), pair.cached(luma.decoded)


def _rounded(values: NDArray[np.float64], depth: int) -> NDArray[np.float64]:
    peak = (1 << max(BITS, depth)) - 1
    return np.rint(values * peak) / peak


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
