"""Points of two codecs that match, by the rule of codec-compare."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.rd.matching import geometric_mean, matched


def column(*values: float) -> np.ndarray:
    return np.array(values)[:, None]


def test_the_smaller_value_is_within_a_share_of_the_larger() -> None:
    """80 and 100 match at 0.2 and not at 0.19, as the source of codec-compare has it."""
    assert matched(column(80), column(100), [0.2000001]) == [(0, 0)]
    assert matched(column(80), column(100), [0.19]) == []
    assert matched(column(-80), column(80), [0.5]) == []


def test_each_point_is_matched_once() -> None:
    """A point takes the closest one that is left."""
    assert matched(column(30.0, 30.1), column(30.2, 30.1), [0.01]) == [(0, 1), (1, 0)]
    assert matched(column(30.0, 30.0), column(30.0), [0.01]) == [(0, 0)]


def test_all_metrics_have_to_match() -> None:
    """A point far off in one of two metrics, or without a value, is none."""
    first = np.array([[30.0, 0.9], [35.0, math.nan]])
    second = np.array([[30.1, 0.5], [30.2, 0.91], [35.0, 0.9]])
    assert matched(first, second, [0.05, 0.05]) == [(0, 1)]


def test_ratios() -> None:
    """Ratios are averaged in the logarithm; without a time there is none."""
    assert geometric_mean([0.5, 2.0]) == pytest.approx(1.0)
    assert geometric_mean([]) is None
    assert geometric_mean([1.0, math.nan]) is None
