"""Quality at a given rate and rate at a given quality, within the measured range only."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from bench.rd._hermite import hermite_value, pchip_slopes
from bench.rd.bd import points_of, rising
from bench.rd.curve import DB_METRICS, Array, Curve, from_db, integration_axis


def rate_at(curve: Curve, quality: float) -> float | None:
    """The rate, in bits per pixel, at which ``curve`` reaches ``quality``.

    Log-rate is interpolated over quality by PCHIP, as for BD-rate.

    Parameters
    ----------
    curve : at least two points
    quality : in the metric's unit

    Returns
    -------
    None outside the measured range, and for a curve whose quality does not rise strictly.
    """
    return rates_at(curve, [quality])[0]


def rates_at(curve: Curve, qualities: ArrayLike) -> list[float | None]:
    """:func:`rate_at` for each of ``qualities``, in their order."""
    points = points_of(curve)
    at = integration_axis(curve.metric, np.asarray(qualities, dtype=float), curve.higher_is_better)
    values = _at(points.quality, points.log_rate, at.tolist())
    return [None if value is None else float(10.0**value) for value in values]


def quality_at(curve: Curve, rate: float) -> float | None:
    """The metric's value at ``rate`` bits per pixel, in the metric's unit.

    Quality is interpolated over log-rate by PCHIP; MS-SSIM is interpolated in decibels and converted back to
    a number in [0, 1].

    Returns
    -------
    None outside the measured range, and for a curve whose rate does not rise strictly.
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
    ordered = rising(x, y)
    if ordered is None:
        return [None] * len(places)
    x, y = ordered
    slopes = pchip_slopes(x[None], y[None])[0]
    # The logarithm of an end point may differ from it in the last bit.
    slack = 1e-12 * max(abs(x[0]), abs(x[-1]))
    return [
        hermite_value(x, y, slopes, min(max(at, float(x[0])), float(x[-1])))
        if x[0] - slack <= at <= x[-1] + slack
        else None
        for at in places
    ]
