"""One point of each image, so that all of them fit into a budget and their values sum to the most.

That is the multiple-choice knapsack problem. Its relaxation is solved by the slopes of the images' convex
hulls, as Shoham and Gersho do ("Efficient bit allocation for an arbitrary set of quantizers", IEEE Trans.
ASSP 36(9), 1988); what that leaves of the budget is then given away exactly, by dynamic programming over the
partial sums that the relaxation does not rule out (E. Horowitz and S. Sahni, J. ACM 21(2), 1974).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bench.rd.curve import Array

MOST_STATES = 1 << 18
"""Partial sums that are kept; beyond that the best ones, and the result may not be the best of all."""


@dataclass(frozen=True)
class ImagePoints:
    """The points of one image."""

    costs: NDArray[np.int64]
    """Bytes, of shape (points,)."""
    values: Array
    """Higher is better, finite; of shape (points,)."""


@dataclass(frozen=True)
class BudgetChoice:
    """A point of each image."""

    chosen: tuple[int, ...]
    """Its place among the image's points."""
    cost: int
    value: float
    """The sum over the images."""
    bound: float
    """No choice within the budget is worth more; that of the best one where it is ``exact``."""
    exact: bool


@dataclass(frozen=True)
class _Steps:
    """What images are worth at most as a function of what they cost: a concave curve of corners."""

    costs: Array
    values: Array

    def at(self, costs: Array) -> Array:
        """Flat beyond the last corner."""
        return np.interp(costs, self.costs, self.values)


def allocate(images: Sequence[ImagePoints], budget: int) -> BudgetChoice | None:
    """The best choice within a budget, for sums of the values; of equal ones the cheapest.

    Parameters
    ----------
    images : each with one point or more
    budget : in bytes

    Returns
    -------
    None where even the cheapest points cost more.
    """
    useful = [_undominated(it) for it in images]
    cheapest = np.array([it.costs[rows[0]] for it, rows in zip(images, useful, strict=True)], np.int64)
    if cheapest.sum() > budget:
        return None
    rests = _rests(images, useful)
    bound = float(rests[0].at(np.array([float(budget)]))[0])
    good = _greedy(images, useful, budget)
    least = _sum(images, good)[1]
    costs, values = np.zeros(1, np.int64), np.zeros(1)
    trail: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = []
    exact = True
    for place, (image, rows) in enumerate(zip(images, useful, strict=True)):
        parents, picks = (it.ravel() for it in np.indices((len(costs), len(rows))))
        costs = costs[parents] + image.costs[rows][picks]
        values = values[parents] + image.values[rows][picks]
        possible = values + rests[place + 1].at(budget - costs.astype(float))
        fits = costs + cheapest[place + 1 :].sum() <= budget
        kept = np.flatnonzero(fits & (possible >= least - _slack(least)))
        kept = kept[_front(costs[kept], values[kept])]
        if len(kept) > MOST_STATES:
            best = np.argsort(-possible[kept], kind="stable")[:MOST_STATES]
            kept, exact = kept[np.sort(best)], False
        if not len(kept):  # none that may be better was left
            return BudgetChoice(good, *_sum(images, good), bound, exact=False)
        trail.append((parents[kept], rows[picks[kept]]))
        costs, values = costs[kept], values[kept]
    last = int(np.argmax(values))
    cost, value = int(costs[last]), float(values[last])
    chosen = []
    for parents, choices in reversed(trail):
        chosen.append(int(choices[last]))
        last = int(parents[last])
    return BudgetChoice(tuple(reversed(chosen)), cost, value, value if exact else bound, exact)


def spend_evenly(images: Sequence[ImagePoints], shares: Sequence[float]) -> tuple[int, ...]:
    """Of each image the best point within its own share, or the cheapest where none is."""
    chosen = []
    for image, share in zip(images, shares, strict=True):
        fitting = np.flatnonzero(image.costs <= share)
        if len(fitting):
            order = np.lexsort((image.costs[fitting], -image.values[fitting]))
            chosen.append(int(fitting[order[0]]))
        else:
            chosen.append(int(np.argmin(image.costs)))
    return tuple(chosen)


def _undominated(image: ImagePoints) -> NDArray[np.intp]:
    """The points that are worth more than every cheaper one, by cost."""
    order = np.lexsort((-image.values, image.costs))
    return np.asarray(order[_front(image.costs[order], image.values[order])])


def _front(costs: NDArray[np.int64], values: Array) -> NDArray[np.intp]:
    """Places of what is worth more than everything that costs no more, by cost."""
    order = np.lexsort((-values, costs))
    best = np.maximum.accumulate(np.concatenate([[-np.inf], values[order][:-1]])) if len(order) else values
    return np.asarray(order[values[order] > best])


def _hull(image: ImagePoints, rows: NDArray[np.intp]) -> list[int]:
    """Those of the points that lie on the upper convex hull, by cost."""
    hull: list[int] = []
    for row in rows.tolist():
        while len(hull) > 1 and _slope(image, hull[-2], hull[-1]) <= _slope(image, hull[-1], row):
            hull.pop()
        hull.append(row)
    return hull


def _slope(image: ImagePoints, one: int, other: int) -> float:
    return float((image.values[other] - image.values[one]) / (image.costs[other] - image.costs[one]))


def _rests(images: Sequence[ImagePoints], useful: Sequence[NDArray[np.intp]]) -> list[_Steps]:
    """For the images from each place on, and for none."""
    rests = [_Steps(np.zeros(1), np.zeros(1))]
    base_cost = base_value = 0.0
    steps: list[tuple[float, float, float]] = []
    for image, rows in zip(reversed(images), reversed(useful), strict=True):
        hull = _hull(image, rows)
        base_cost += float(image.costs[hull[0]])
        base_value += float(image.values[hull[0]])
        for one, other in pairwise(hull):
            gained = float(image.values[other] - image.values[one])
            steps.append((-_slope(image, one, other), float(image.costs[other] - image.costs[one]), gained))
        steps.sort()
        costs = base_cost + np.cumsum([0.0, *(cost for _, cost, _ in steps)])
        values = base_value + np.cumsum([0.0, *(gained for _, _, gained in steps)])
        rests.append(_Steps(costs, values))
    return rests[::-1]


def _greedy(
    images: Sequence[ImagePoints], useful: Sequence[NDArray[np.intp]], budget: int
) -> tuple[int, ...]:
    """A good choice: along the hulls by slope, each step that still fits."""
    chosen = [int(rows[0]) for rows in useful]
    left = budget - sum(int(it.costs[row]) for it, row in zip(images, chosen, strict=True))
    steps = sorted(
        (-_slope(image, one, other), place, one, other)
        for place, (image, rows) in enumerate(zip(images, useful, strict=True))
        for hull in [_hull(image, rows)]
        for one, other in pairwise(hull)
    )
    for _, place, one, other in steps:
        cost = int(images[place].costs[other] - images[place].costs[one])
        if chosen[place] == one and cost <= left:
            chosen[place] = other
            left -= cost
    return tuple(chosen)


def _sum(images: Sequence[ImagePoints], chosen: Sequence[int]) -> tuple[int, float]:
    """What a choice costs, and what it is worth."""
    pairs = list(zip(images, chosen, strict=True))
    return sum(int(it.costs[row]) for it, row in pairs), float(sum(it.values[row] for it, row in pairs))


def _slack(value: float) -> float:
    """What rounding may take from a sum."""
    return 1e-9 * max(1.0, abs(value))
