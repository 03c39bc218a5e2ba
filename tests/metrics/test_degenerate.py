"""Every metric on flat and on tiny images."""

from __future__ import annotations

import math
from importlib.metadata import entry_points

import numpy as np
import pytest

from bench.codec import Image
from bench.errors import CodecUnavailable, MetricUndefined
from bench.metrics.base import Metric, Pair, Reference
from tests.metrics.ssimulacra2_reference import smooth

NAMES = sorted(it.name for it in entry_points(group="bench.metrics") if it.value.startswith("bench."))


@pytest.fixture(scope="module", params=NAMES)
def metric(request: pytest.FixtureRequest) -> Metric:
    """Each metric whose libraries and weights are installed."""
    (entry,) = entry_points(group="bench.metrics", name=request.param)
    try:
        constructed: Metric = entry.load()()
    except CodecUnavailable as error:
        pytest.skip(str(error))
    return constructed


def value(metric: Metric, original: Image, decoded: Image) -> float | None:
    """The value, or None where the metric has a reason not to have one."""
    if "rgb" not in getattr(metric, "channels", ("rgb",)):  # it is of alpha alone
        original, decoded = (np.dstack([it, it[..., :1]]) for it in (original, decoded))
    try:
        found = metric(Pair(Reference(original), decoded))
    except MetricUndefined:
        return None
    assert type(found) is float
    assert not math.isnan(found)
    return found


def test_no_other_picture_is_as_good_as_the_original(metric: Metric) -> None:
    """Black for white, and flat for texture, is worse than the original itself, or has no value at all."""
    black, white = (np.full((170, 170, 3), level, np.uint8) for level in (0, 255))
    texture = smooth(1, 170, 170)
    for original, decoded in ((black, white), (white, black), (texture, white), (white, texture)):
        other, itself = value(metric, original, decoded), value(metric, original, original.copy())
        if other is None or itself is None:
            continue
        if (ideal := getattr(metric, "ideal", None)) is not None:
            assert itself == ideal != other
        elif metric.higher_is_better:
            assert other < itself
        else:
            assert other > itself


@pytest.mark.parametrize("side", [1, 2, 3, 4, 7, 8, 10, 11, 15, 16, 31, 41, 161])
def test_tiny_images_have_a_value_or_a_reason(metric: Metric, side: int) -> None:
    """From one pixel on: identical images have the best value of all sizes or none, others a finite one."""
    x = smooth(1, side, side)
    identical, other = value(metric, x, x.copy()), value(metric, x, 255 - x)
    assert (identical is None) == (other is None)
    if identical is None or other is None:
        return
    assert identical == value(metric, smooth(1, 170, 170), smooth(1, 170, 170))
    assert math.isfinite(other)
