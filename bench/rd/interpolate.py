"""Quality at a matched rate and rate at a matched quality, inside the measured range only."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from bench.rd._hermite import hermite_value, pchip_slopes
from bench.rd.bd import points_of, rising
from bench.rd.curve import DB_METRICS, Array, Curve, from_db, integration_axis


def rate_at(curve: Curve, quality: float) -> float | None:
    """Bits per pixel at which ``curve`` reaches ``quality`` (in the metric's unit).

    PCHIP of log-rate over quality, as in BD-rate. ``None`` outside the measured range and for a
    curve on which quality does not rise strictly with the operating points.
    """
    return rates_at(curve, [quality])[0]


def rates_at(curve: Curve, qualities: ArrayLike) -> list[float | None]:
    """:func:`rate_at` of each of ``qualities``."""
    points = points_of(curve)
    at = integration_axis(curve.metric, np.asarray(qualities, dtype=float), curve.higher_is_better)
    values = _at(points.quality, points.log_rate, at.tolist())
    return [None if value is None else float(10.0**value) for value in values]


def quality_at(curve: Curve, rate: float) -> float | None:
    """The metric's value at ``rate`` bits per pixel, in the metric's unit.

    PCHIP of quality over log-rate (for MS-SSIM of its decibels, turned back into a number in
    [0, 1]). ``None`` outside the measured range and for a curve on which rate does not rise strictly.
    """
    if not rate > 0:
        return None
    points = points_of(curve)
    value = _at(points.log_rate, points.quality, [math.log10(rate)])[0]
    if value is None:
        return None
    value = value if curve.higher_is_better else -value
    return float(from_db(value)) if curve.metric in DB_METRICS else value


def _at(x: Array, y: Array, places: Sequence[float]) -> list[float | None]:
    side = rising(x, y)
    if side is None:
        return [None] * len(places)
    x, y = side
    slopes = pchip_slopes(x[None], y[None])[0]
    # Logarithms of the very end points may differ in the last bit.
    slack = 1e-12 * max(abs(x[0]), abs(x[-1]))
    return [
        hermite_value(x, y, slopes, min(max(at, float(x[0])), float(x[-1])))
        if x[0] - slack <= at <= x[-1] + slack
        else None
        for at in places
    ]
