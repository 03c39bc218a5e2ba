"""Points of images within a budget, against all choices that there are."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from bench.rd import budget
from bench.rd.budget import ImagePoints, allocate, spend_evenly


def images(seed: int, count: int, points: int, *, concave: bool = False) -> list[ImagePoints]:
    random = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        costs = np.sort(random.integers(100, 3000, points))
        values = (
            20 + 6 * np.log(costs / 50) * random.uniform(0.5, 2)
            if concave
            else random.uniform(20, 45, points)
        )
        made.append(ImagePoints(costs, values))
    return made


def by_force(given: list[ImagePoints], limit: int) -> tuple[float, int] | None:
    """The most value, and the least cost of that."""
    best: tuple[float, int] | None = None
    for choice in product(*(range(len(it.costs)) for it in given)):
        cost = sum(int(it.costs[row]) for it, row in zip(given, choice, strict=True))
        value = sum(float(it.values[row]) for it, row in zip(given, choice, strict=True))
        if cost <= limit and (best is None or (round(value, 9), -cost) > (round(best[0], 9), -best[1])):
            best = value, cost
    return best


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("concave", [False, True])
def test_no_choice_is_better(seed: int, concave: bool) -> None:
    """In small cases the result is the best of all choices, whatever the shape of the curves."""
    given = images(seed, 5, 5, concave=concave)
    limit = int(np.random.default_rng(seed).integers(1500, 9000))
    expected, found = by_force(given, limit), allocate(given, limit)
    if expected is None:
        assert found is None
        return
    assert found is not None
    assert found.exact
    assert found.value == pytest.approx(expected[0], abs=1e-9)
    assert found.cost == expected[1]
    assert found.cost == sum(int(it.costs[row]) for it, row in zip(given, found.chosen, strict=True))


def test_a_data_set_is_solved_exactly() -> None:
    """A hundred images of twenty points each."""
    given = images(7, 100, 20, concave=True)
    found = allocate(given, 60_000)
    assert found is not None
    assert found.exact
    assert found.cost <= 60_000
    assert found.value == found.bound


def test_too_many_states(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where that takes too much, the result is good, and says how much better another one might be."""
    given = images(3, 12, 12)
    best = allocate(given, 9000)
    monkeypatch.setattr(budget, "MOST_STATES", 2)
    found = allocate(given, 9000)
    assert best is not None
    assert found is not None
    assert not found.exact
    assert found.cost <= 9000
    assert found.value <= best.value <= found.bound + 1e-9


def test_nothing_fits() -> None:
    """A budget below the cheapest points can't be kept."""
    assert allocate(images(1, 3, 4), 50) is None


def test_evenly() -> None:
    """Each image has the best point within its share, or its cheapest one."""
    points = ImagePoints(np.array([10, 20, 30]), np.array([1.0, 5.0, 4.0]))
    assert spend_evenly([points, points, points], [35, 12, 5]) == (1, 0, 0)
