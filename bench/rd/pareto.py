"""The Pareto front of two costs."""

from __future__ import annotations

import math
from collections.abc import Sequence


def pareto(points: Sequence[tuple[float, float]]) -> tuple[int, ...]:
    """Indices of the points that no other point beats, by rising first coordinate.

    Both coordinates are costs, lower is better: seconds per megapixel against BD-rate in percent,
    say. Equal points are all kept; a point with a NaN belongs to no front.
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
