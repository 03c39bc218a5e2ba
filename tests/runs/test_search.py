"""Which quality a search tries next: synthetic codecs with known curves."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from bench.runs.search import MOST_TRIALS, NOTHING, Ended, Search, SearchPoint, Taught, nearest
from bench.trials.plan import Settings

RANGE = Settings(1.0, 100.0, (10.0, 30.0, 50.0, 70.0, 90.0))


def made(
    curve: Callable[[float], float],
    target: float,
    *,
    taught: Taught = NOTHING,
    settings: Settings = RANGE,
    whole: bool = False,
    tolerance: float = 0.01,
    known: tuple[float, ...] = (),
) -> tuple[list[float], Ended, SearchPoint]:
    """The qualities that a search tried, why it ended, and the trial that came nearest."""
    window = target + math.log(1 - tolerance), target + math.log(1 + tolerance)
    search = Search(settings, target, window, taught)
    found = {it: SearchPoint(it, curve(it), str(curve(it))) for it in known}
    tried: list[float] = []
    while True:
        points = [found[it] for it in sorted(found)]
        step = search.next(points, whole=whole, tried=len(tried))
        if isinstance(step, Ended):
            best = nearest(points, target)
            assert best is not None
            return tried, step, best
        assert step not in found
        tried.append(step)
        found[step] = SearchPoint(step, curve(step), str(curve(step)))


def codec(seed: int) -> Callable[[float], float]:
    """A rising log-rate over quality 1 to 100, of a shape of its own."""
    random = np.random.default_rng(seed)
    scale, bend, steep = random.uniform(-1, 1), random.uniform(0.5, 2), random.uniform(1.5, 3.5)
    return lambda q: scale + steep * (q / 100) ** bend + 0.3 * (q / 100) ** 8


def test_targets_are_reached_in_few_trials() -> None:
    """Without any help, curves of many shapes take seven trials or fewer in the mean."""
    counts = []
    for seed in range(60):
        curve = codec(seed)
        low, high = curve(5), curve(95)
        for share in (0.1, 0.5, 0.9):
            tried, ended, _ = made(curve, low + share * (high - low))
            assert not ended.reason
            counts.append(len(tried))
    assert np.mean(counts) <= 7
    assert max(counts) <= 12


def test_another_image_teaches() -> None:
    """A curve of the same shape at another level takes at most three trials."""
    lesson = Taught(tuple((float(q), codec(1)(q)) for q in (5, 20, 40, 60, 80, 95)))
    tried, ended, _ = made(lambda q: codec(1)(q) + 0.7, codec(1)(45) + 0.7, taught=lesson)
    assert not ended.reason
    assert len(tried) <= 3


def test_known_trials_serve() -> None:
    """A value that a trial has already is found without another one, and neighbours are begun with."""
    curve = codec(3)
    assert made(curve, curve(50), known=(30.0, 50.0, 70.0))[0] == []
    tried, _, _ = made(curve, curve(55), known=(50.0, 60.0))
    assert all(50 < it < 60 for it in tried)


def test_whole_numbers() -> None:
    """A codec of whole numbers is asked for nothing else, and told by both neighbours of what it misses."""
    curve = codec(5)
    tried, ended, best = made(curve, curve(40.5), whole=True, tolerance=1e-4)
    assert all(it.is_integer() for it in tried)
    assert {40.0, 41.0} <= set(tried)
    assert best.setting in (40, 41)
    assert "whole numbers" in ended.reason


def test_silent_steps_are_noticed() -> None:
    """A codec that rounds the quality by itself is not bisected to the last digit."""
    curve = codec(5)
    tried, ended, best = made(lambda q: curve(math.floor(q)), curve(40.5), tolerance=1e-4)
    assert "one bitstream" in ended.reason
    assert len(tried) <= 12
    assert math.floor(best.setting) in (40, 41)


@pytest.mark.parametrize("goal", [20.3, 30.55, 71.9])
def test_fine_steps_are_used(goal: float) -> None:
    """Two qualities in one of a codec's fine steps do not end a search while its gap holds other steps."""
    rounded = lambda q: math.floor(32 * q) / 32  # noqa: E731
    curve = codec(5)
    known = (goal - 0.6, rounded(goal + 0.3) + 0.005, rounded(goal + 0.3) + 0.02)
    tried, ended, _ = made(lambda q: curve(rounded(q)), curve(rounded(goal)), tolerance=0.001, known=known)
    assert not ended.reason
    assert len(tried) <= 8


@pytest.mark.parametrize("goal", [1.552, 0.9])
def test_saturation_is_no_step(goal: float) -> None:
    """Qualities beyond which a codec has no more to give are not taken for the width of its steps."""
    range_ = Settings(0.1, 2.0, (0.1, 0.5, 1.0, 2.0))
    curve = lambda q: math.log(min(q, 1.6))  # noqa: E731
    tried, ended, _ = made(curve, math.log(goal), settings=range_)
    assert not ended.reason
    assert len(tried) <= 8


@pytest.mark.parametrize(("beyond", "word", "bound"), [(-9.0, "lowest", 1.0), (9.0, "highest", 100.0)])
def test_out_of_reach(beyond: float, word: str, bound: float) -> None:
    """What no quality reaches ends at the end of the range, and says so."""
    _, ended, best = made(codec(2), beyond)
    assert word in ended.reason
    assert best.setting == bound


@pytest.mark.parametrize("seed", range(12))
def test_folds_are_survived(seed: int) -> None:
    """A codec whose rate rises and falls is searched to an end, between neighbours on both sides."""
    rise, random = codec(seed), np.random.default_rng(seed)
    depth, period = random.uniform(0.05, 0.4), random.uniform(3, 20)
    folded = lambda q: rise(q) + depth * math.sin(q / period)  # noqa: E731
    tried, ended, best = made(folded, rise(50))
    assert len(tried) <= MOST_TRIALS
    assert not ended.reason
    assert abs(best.value - rise(50)) <= 0.0101


def test_a_leap_is_told() -> None:
    """Where the rate leaps over the target, the search ends with both sides of the leap."""
    _, ended, _ = made(lambda q: q / 100 if q < 47.3 else 1 + q / 100, 0.9)
    assert "47.29" in ended.reason
    assert "47.3" in ended.reason


def test_logarithmic_range() -> None:
    """A range over decades is halved on a logarithmic axis."""
    rates = Settings(0.01, 20.0, (0.1, 0.3, 0.5, 1.0, 2.0))
    tried, ended, _ = made(math.log, math.log(0.037), settings=rates)
    assert not ended.reason
    assert len(tried) <= 4


def test_identical_pixels() -> None:
    """Qualities at which the pixels are identical have an infinite value, and are drawn away from."""
    tried, ended, _ = made(lambda q: math.inf if q > 60 else q / 20, 2.5)
    assert not ended.reason
    assert len(tried) <= 10
