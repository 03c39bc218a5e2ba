"""BD-rates of single images, as many at once as can be.

An image whose curve folds or has too few points is judged with the others; only one with points that have
to be left out or merged, or that are listed against the direction of the others, is looked at by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bd import (
    BdResult,
    Method,
    bd_rate,
    check_method,
    check_pair,
    few_points,
    little_overlap,
    mean_gap,
    percent,
    remarks_on,
    too_few,
)
from .curve import Array, ImageCurves, integration_axis


@dataclass(frozen=True, eq=False)
class ImageRows:
    """The curves of all images along the axis of integration: ``x`` quality, ``y`` log-rate."""

    curves: ImageCurves
    x: Array
    y: Array
    defined: NDArray[np.bool_]
    """Rows with a BD-rate, given a partner alike; ``x`` rises strictly."""
    special: NDArray[np.bool_]
    """Rows to be looked at by themselves, which hold nothing of use."""
    remarks: Mapping[int, tuple[str, ...]]
    """On curves that fold."""


def image_rows(curves: ImageCurves, method: Method = "pchip") -> ImageRows:
    """All curves made ready to be compared."""
    with np.errstate(divide="ignore", invalid="ignore"):
        x = integration_axis(curves.metric, curves.quality, curves.higher_is_better)
        y = np.log10(curves.rate)
        rise = x[:, -1] - x[:, 0]
        if (rise < 0).sum() > (rise > 0).sum():
            x, y = x[:, ::-1], y[:, ::-1]
        whole = (np.isfinite(x) & np.isfinite(y)).all(axis=1)
        steps, rate_steps = np.diff(x, axis=1), np.diff(y, axis=1)
        repeated = ((steps == 0) & (np.diff(curves.rate, axis=1) == 0)).any(axis=1)
        special = ~whole | repeated | (x[:, -1] < x[:, 0])
        rising = (steps > 0).all(axis=1)
        folded = ~rising | (rate_steps <= 0).any(axis=1)
        defined = ~special & rising & (y[:, -1] > y[:, 0]) & (too_few(x.shape[1], method) is None)
    remarks = {row: remarks_on(curves.curve(row)) for row in np.flatnonzero(folded & ~special).tolist()}
    return ImageRows(curves, x, y, defined, special, remarks)


def per_image_bd_rate(
    anchor: ImageCurves, test: ImageCurves, method: Method = "pchip"
) -> tuple[BdResult, ...]:
    """BD-rate of every image, in the order of ``anchor.images``; an image without a value says why.

    Raises
    ------
    ValueError
        The two hold different images or metrics; restrict both to ``common_images`` first.
    """
    check_method(method)
    check_pair(anchor, test)
    first, second = image_rows(anchor, method), image_rows(test, method)
    both = first.defined & second.defined
    gaps = np.full(len(both), np.nan)
    gaps[both], _ = mean_gap((first.x[both], first.y[both]), (second.x[both], second.y[both]), method)
    return image_results(first, second, gaps, method)


def image_results(
    anchor: ImageRows, test: ImageRows, gaps: Array, method: Method = "pchip"
) -> tuple[BdResult, ...]:
    """The results of all images, given the mean differences in log-rate of those that are ``defined``."""
    special = (anchor.special | test.special).tolist()
    defined = anchor.defined.tolist(), test.defined.tolist()
    undefined = _reason(anchor, method), _reason(test, method)
    few = [few_points(it.curves.label, it.x.shape[1]) for it in (anchor, test)]
    results = []
    for row, overlap in enumerate(_overlaps(anchor, test).tolist()):
        if special[row]:
            results.append(bd_rate(anchor.curves.curve(row), test.curves.curve(row), method))
            continue
        reason = "no overlap" if overlap == 0 else None
        for side in (1, 0):  # what is wrong with the anchor comes first
            reason = reason if defined[side][row] else undefined[side]
        warnings = (*anchor.remarks.get(row, few[0]), *test.remarks.get(row, few[1]))
        if reason is None:
            value = percent(float(gaps[row]))
            results.append(BdResult(value, overlap, None, (*warnings, *little_overlap(overlap))))
        else:
            results.append(BdResult(None, overlap, reason, warnings))
    return tuple(results)


def image_mean(anchor: ImageRows, test: ImageRows, gaps: Array) -> float | None:
    """Mean over the images with a BD-rate, given the mean differences in log-rate of those ``defined``."""
    values = (10.0**gaps - 1.0) * 100.0
    for row in np.flatnonzero(anchor.special | test.special).tolist():
        value = bd_rate(anchor.curves.curve(row), test.curves.curve(row)).value
        values[row] = np.nan if value is None else value
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else None


def _reason(rows: ImageRows, method: Method) -> str:
    """Why a row is not ``defined``."""
    return too_few(rows.x.shape[1], method) or "non-monotone"


def _overlaps(anchor: ImageRows, test: ImageRows) -> Array:
    """The share of the union of the two ranges that both curves cover."""
    low = [it.x.min(axis=1) for it in (anchor, test)]
    high = [it.x.max(axis=1) for it in (anchor, test)]
    with np.errstate(divide="ignore", invalid="ignore"):
        union = np.maximum(*high) - np.minimum(*low)
        shares = np.maximum(np.minimum(*high) - np.maximum(*low), 0.0) / union
    return np.where(union > 0, shares, 0.0)
