"""How far two values of a metric on the same pixels may be apart: by another environment's rounding."""

from __future__ import annotations

_DECIBELS = 1e-3
_OTHERS = 1e-4


def tolerance_across_environments(unit: str) -> float:
    """The smallest difference of a metric with this unit that counts between two environments."""
    return _DECIBELS if unit == "dB" else _OTHERS


def agree(one: float, other: float, unit: str) -> bool:
    """Whether both values may be of the same pixels.

    Parameters
    ----------
    one, other : finite values; the tolerance is relative to the first where that is over 1, but for decibels
    unit : of the metric
    """
    scale = 1.0 if unit == "dB" else max(1.0, abs(one))
    return abs(one - other) <= tolerance_across_environments(unit) * scale
