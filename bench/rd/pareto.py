"""The Pareto front of two costs."""

from __future__ import annotations

import math
from collections.abc import Sequence


def pareto(points: Sequence[tuple[float, float]]) -> tuple[int, ...]:
    """Indices of the points that no other point dominates, by rising first coordinate.

    Parameters
    ----------
    points : pairs of costs, for which lower is better: seconds per megapixel and BD-rate in percent, for
        example. Equal points are all kept, and a point with a NaN is never on the front.
    """
    order = sorted(
        (k for k, point in enumerate(points) if not any(map(math.isnan, point))), key=lambda k: points[k]
    )
    front: list[int] = []
    best = math.inf
    for k in order:
        cost = points[k][1]
        if cost < best or (front and points[k] == points[front[-1]]):
            front.append(k)
            best = cost
    return tuple(front)
