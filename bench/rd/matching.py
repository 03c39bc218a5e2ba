"""Points of two codecs on one image that match in quality, and what they differ in otherwise.

The rule is that of codec-compare (webmproject/codec-compare, ``src/matcher.ts``): two values match if the
smaller one is at least ``1 - tolerance`` of the larger one; each point of the first codec in its order takes
the closest point of the second one that is left, and ratios are averaged geometrically.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.rd.curve import Array


@dataclass(frozen=True)
class PairRatios:
    """The geometric means of ratios over matched pairs, second codec ÷ first one."""

    pairs: int
    size: float | None
    """None without a pair."""
    encode: float | None
    """Of times; None where a matched point has none."""
    decode: float | None


def matched(first: Array, second: Array, tolerances: Sequence[float]) -> list[tuple[int, int]]:
    """The pairs of points of one image, by their places.

    Parameters
    ----------
    first, second : values that have to match, of shape (points, metrics); a point without one matches none
    tolerances : of each metric, relative, 0 to 1
    """
    left = list(range(len(second)))
    pairs = []
    for row, values in enumerate(first):
        errors = {other: _error(values, second[other], tolerances) for other in left}
        fitting = [(error, row + other, other) for other, error in errors.items() if error is not None]
        if fitting:
            _, _, best = min(fitting)
            left.remove(best)
            pairs.append((row, best))
    return pairs


def geometric_mean(ratios: Sequence[float]) -> float | None:
    """The mean in the logarithm; None for none, and where one is not positive and finite."""
    if not ratios or not all(0 < it < math.inf for it in ratios):
        return None
    return float(np.exp(np.mean(np.log(ratios))))


def _error(one: Array, other: Array, tolerances: Sequence[float]) -> float | None:
    """How far two points are apart in all metrics together; None where they don't match."""
    product = 1.0
    for left, right, tolerance in zip(one.tolist(), other.tolist(), tolerances, strict=True):
        if not (math.isfinite(left) and math.isfinite(right)):
            return None
        if left == right:
            continue
        if left * right <= 0:
            return None
        small, large = sorted((abs(left), abs(right)))
        error = 1 - small / large
        if error > tolerance:
            return None
        product *= 1 + error
    return product - 1
