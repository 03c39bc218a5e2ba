"""Bjøntegaard deltas: the average difference of two RD curves over the range they share.

BD-rate is Bjøntegaard's measure (VCEG-M33, 2001): log10 of the rate, as a function of quality, is
interpolated for both codecs and the difference of the integrals is averaged over the shared quality
range. PCHIP is the default, as in JVET practice; Akima and the cubic fit are there on request.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from bench.rd._hermite import (
    Spline,
    akima_slopes,
    cubic_integral,
    hermite_integral,
    hermite_spline,
    pchip_slopes,
)
from bench.rd.curve import Array, Curve, ImageCurves, integration_axis

Method: TypeAlias = Literal["pchip", "akima", "cubic"]
METHODS: tuple[Method, ...] = get_args(Method)

MIN_POINTS: dict[Method, int] = {"pchip": 3, "akima": 3, "cubic": 4}
CUSTOMARY_POINTS = 4
MIN_OVERLAP = 0.75
RANKED_OVERLAP = 0.5
"""Over less of the range of quality than this, a BD-rate is told and ranks nobody."""


@dataclass(frozen=True)
class BdResult:
    """A Bjøntegaard delta, or the reason why there is none.

    ``value`` is in percent (BD-rate) or in the unit that was integrated (BD-quality).
    ``overlap`` is the share of the union of the two ranges that both curves cover, 0 to 1; the ranges
    are those of quality for BD-rate and of log-rate for BD-quality.
    """

    value: float | None
    overlap: float
    reason: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def partial(self) -> bool:
        """Whether the value says too little of the whole range to rank a codec by it."""
        return 0 < self.overlap < RANKED_OVERLAP

    def __str__(self) -> str:
        return f"n/a ({self.reason})" if self.value is None else f"{self.value:.3f}"


@dataclass(frozen=True)
class _Points:
    """One curve made ready: log10 of the rate, quality on the axis where higher is better, indices kept."""

    log_rate: Array
    quality: Array
    kept: NDArray[np.intp]
    warnings: tuple[str, ...]


def bd_rate(anchor: Curve, test: Curve, method: Method = "pchip") -> BdResult:
    """Average difference in rate at equal quality, in percent; negative = ``test`` needs fewer bits.

    MS-SSIM (``DB_METRICS``) is integrated in dB. Points that have no finite value are left out and
    immediate repetitions of one point are merged, each with a warning. Nothing else is moved: where
    quality does not rise strictly along the operating points, its inverse does not exist and the
    value is ``None`` with the reason ``non-monotone``; see :func:`prune_dominated` for an explicit way
    out. A curve that is listed from high to low quality is the same curve.

    Raises
    ------
    ValueError
        The curves hold different metrics, or ``method`` is unknown.
    """
    result = _delta(anchor, test, method, over="quality")
    return result if result.value is None else replace(result, value=percent(result.value))


def pairwise_bd_rates(curves: Mapping[str, Curve]) -> dict[tuple[str, str], BdResult]:
    """:func:`bd_rate` by PCHIP of every ordered pair (anchor, test) of different labels."""
    sides = {label: _side(curve, "pchip", "quality") for label, curve in curves.items()}
    results = {pair: _judged(*(sides[it] for it in pair)) for pair in itertools.permutations(curves, 2)}
    # Pairs of equally many points are integrated together, and each of them once.
    batches: dict[tuple[int, ...], list[tuple[str, str]]] = {}
    for pair in itertools.combinations(curves, 2):
        if results[pair].reason is None:
            batches.setdefault(tuple(len(sides[it].x) for it in pair), []).append(pair)
    for pairs in batches.values():
        anchors, tests = (
            (np.stack([sides[it].x for it in labels]), np.stack([sides[it].y for it in labels]))
            for labels in zip(*pairs, strict=True)
        )
        for (anchor, test), gap in zip(pairs, mean_gap(anchors, tests, "pchip")[0].tolist(), strict=True):
            results[anchor, test] = replace(results[anchor, test], value=percent(gap))
            results[test, anchor] = replace(results[test, anchor], value=percent(-gap))
    return results


def bd_quality(anchor: Curve, test: Curve, method: Method = "pchip") -> BdResult:
    """Average difference in quality at equal rate (BD-PSNR and its kin) over the shared log-rate range.

    In the metric's unit, dB for MS-SSIM; positive = ``test`` has the higher value, which for a metric
    where lower is better means that it is worse. Conditions and errors as for :func:`bd_rate`, with
    the roles of the axes exchanged.
    """
    result = _delta(anchor, test, method, over="rate")
    if result.value is None or anchor.higher_is_better:
        return result
    return BdResult(-result.value, result.overlap, None, result.warnings)


def prune_dominated(curve: Curve) -> Curve:
    """The operating points that no other point beats in rate and quality at once, in their order.

    An explicit choice for a non-monotone curve: nobody would use a dominated point. The result is
    another curve than the one that was measured, and a table should say so.
    """
    quality = integration_axis(curve.metric, np.asarray(curve.quality, float), curve.higher_is_better)
    rate = np.asarray(curve.rate, float)
    no_worse = (rate[None, :] <= rate[:, None]) & (quality[None, :] >= quality[:, None])
    better = (rate[None, :] < rate[:, None]) | (quality[None, :] > quality[:, None])
    keep = ~(no_worse & better).any(axis=1)
    return Curve(
        curve.label,
        tuple(rate[keep].tolist()),
        tuple(np.asarray(curve.quality, float)[keep].tolist()),
        curve.metric,
        curve.higher_is_better,
        curve.provenance,
    )


def mean_gap(anchor: tuple[Array, Array], test: tuple[Array, Array], method: Method) -> tuple[Array, Array]:
    """Mean of test − anchor over the shared range, and the overlap, for many pairs of curves at once.

    Each side is (x, y) with shape (pairs, points), x rising strictly. Both results have the shape
    (pairs,); the gap is NaN where the ranges do not overlap.
    """
    (xa, ya), (xt, yt) = anchor, test
    low, high, overlap = _shared_range(xa, xt)
    gap = np.full(len(xa), np.nan)
    some = overlap > 0
    if not some.any():
        return gap, overlap
    limits = (low[some], high[some])
    difference = _integral(xt[some], yt[some], limits, method) - _integral(xa[some], ya[some], limits, method)
    gap[some] = difference / (high - low)[some]
    return gap, overlap


def spline(x: Array, y: Array) -> Spline:
    """The PCHIP curves through the points (both of shape (curves, points)); of use where x rises strictly."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return hermite_spline(x, y, pchip_slopes(x, y))


def spline_gap(anchor: Spline, test: Spline) -> tuple[Array, Array]:
    """:func:`mean_gap` by PCHIP, for curves that take part in many pairs."""
    low, high, overlap = _shared_range(anchor.x, test.x)
    gap = np.full(len(low), np.nan)
    some = overlap > 0
    if some.any():
        limits = (low[some], high[some])
        parts = [hermite_integral(it.take(some), limits) for it in (test, anchor)]
        gap[some] = (parts[0] - parts[1]) / (high - low)[some]
    return gap, overlap


def _shared_range(xa: Array, xt: Array) -> tuple[Array, Array, Array]:
    """Ends of the shared range, and its share of the union."""
    low, high = np.maximum(xa[:, 0], xt[:, 0]), np.minimum(xa[:, -1], xt[:, -1])
    union = np.maximum(xa[:, -1], xt[:, -1]) - np.minimum(xa[:, 0], xt[:, 0])
    return low, high, np.maximum(high - low, 0.0) / union


def points_of(curve: Curve) -> _Points:
    """Log-rate and quality axis of a curve, without points that have no finite value."""
    rate = np.asarray(curve.rate, dtype=np.float64)
    quality = integration_axis(
        curve.metric, np.asarray(curve.quality, dtype=np.float64), curve.higher_is_better
    )
    keep = np.isfinite(quality) & np.isfinite(rate) & (rate > 0)
    warnings: list[str] = []
    if not keep.all():
        warnings.append(
            f"{curve.label}: {int((~keep).sum())} of {len(keep)} points without a finite value left out"
        )
    kept = np.flatnonzero(keep)
    repeated = (np.diff(rate[kept]) == 0) & (np.diff(quality[kept]) == 0)
    if repeated.any():
        warnings.append(f"{curve.label}: {int(repeated.sum())} repeated points merged")
        kept = np.delete(kept, np.flatnonzero(repeated) + 1)
    return _Points(np.log10(rate[kept]), quality[kept], kept, tuple(warnings))


def rising(x: Array, y: Array) -> tuple[Array, Array] | None:
    """(x, y) with x rising strictly and y higher at its end, read from either end, or ``None``."""
    if len(x) > 1 and x[-1] < x[0]:
        x, y = x[::-1], y[::-1]
    if len(x) < 2 or (np.diff(x) <= 0).any() or y[-1] <= y[0]:
        return None
    return x, y


@dataclass(frozen=True, eq=False)
class _Side:
    """A curve along the axis of integration; ``x`` rises strictly where there is no ``reason`` against it."""

    x: Array
    y: Array
    reason: str | None
    notes: tuple[str, ...]
    """On points that were left out."""
    remarks: tuple[str, ...]


def _side(curve: Curve, method: Method, over: Literal["quality", "rate"]) -> _Side:
    points = points_of(curve)
    x, y = (points.quality, points.log_rate) if over == "quality" else (points.log_rate, points.quality)
    risen = rising(x, y)
    reason = too_few(len(x), method) or ("non-monotone" if risen is None else None)
    if risen is not None:
        x, y = risen
    return _Side(x, y, reason, points.warnings, _remarks(curve.label, points))


def remarks_on(curve: Curve) -> tuple[str, ...]:
    """What a comparison with this curve warns of: few points, and where it folds."""
    return _remarks(curve.label, points_of(curve))


def _remarks(label: str, points: _Points) -> tuple[str, ...]:
    fold = _fold(points)
    return few_points(label, len(points.kept)) + ((f"{label}: non-monotone, {fold}",) if fold else ())


def too_few(count: int, method: Method) -> str | None:
    """Why ``count`` points make no curve, if they don't."""
    return f"fewer than {MIN_POINTS[method]} points" if count < MIN_POINTS[method] else None


def _judged(anchor: _Side, test: _Side) -> BdResult:
    """Everything but the value."""
    overlap = _overlap(anchor.x, test.x)
    reason = anchor.reason or test.reason or ("no overlap" if overlap == 0 else None)
    warnings = (*anchor.notes, *test.notes, *anchor.remarks, *test.remarks)
    if reason is None:
        warnings += little_overlap(overlap)
    return BdResult(None, overlap, reason, warnings)


def _delta(anchor: Curve, test: Curve, method: Method, over: Literal["quality", "rate"]) -> BdResult:
    check_method(method)
    check_pair(anchor, test)
    first, second = _side(anchor, method, over), _side(test, method, over)
    result = _judged(first, second)
    if result.reason is not None:
        return result
    gap, _ = mean_gap((first.x[None], first.y[None]), (second.x[None], second.y[None]), method)
    return replace(result, value=float(gap[0]))


def check_method(method: Method) -> None:
    """Raise ``ValueError`` for an unknown method."""
    if method not in METHODS:
        raise ValueError(f"unknown BD method {method!r}; choose one of {', '.join(METHODS)}")


def check_pair(anchor: Curve | ImageCurves, test: Curve | ImageCurves) -> None:
    """Raise ``ValueError`` for curves in different metrics or of different images."""
    if (anchor.metric, anchor.higher_is_better) != (test.metric, test.higher_is_better):
        raise ValueError(
            f"cannot compare {anchor.label!r} in {anchor.metric} with {test.label!r} in {test.metric}"
        )
    if isinstance(anchor, ImageCurves) and isinstance(test, ImageCurves) and anchor.images != test.images:
        raise ValueError(f"{anchor.label!r} and {test.label!r} hold different images; use common_images()")


def _integral(x: Array, y: Array, limits: tuple[Array, Array], method: Method) -> Array:
    if method == "cubic":
        return cubic_integral(x, y, limits)
    slopes = pchip_slopes(x, y) if method == "pchip" else akima_slopes(x, y)
    return hermite_integral(hermite_spline(x, y, slopes), limits)


def _overlap(x_anchor: Array, x_test: Array) -> float:
    if not len(x_anchor) or not len(x_test):
        return 0.0
    shared = min(x_anchor.max(), x_test.max()) - max(x_anchor.min(), x_test.min())
    union = max(x_anchor.max(), x_test.max()) - min(x_anchor.min(), x_test.min())
    return float(max(shared, 0.0) / union) if union > 0 else 0.0


def _fold(points: _Points) -> str | None:
    """Where a curve bends back: the first step along which one of rate and quality does not rise."""
    rate_steps, quality_steps = np.diff(points.log_rate), np.diff(points.quality)
    if len(rate_steps) and points.log_rate[-1] < points.log_rate[0]:
        rate_steps, quality_steps = -rate_steps, -quality_steps
    bad = np.flatnonzero((rate_steps <= 0) | (quality_steps <= 0))
    if not len(bad):
        return None
    k = int(bad[0])
    rates, (before, after) = 10.0 ** points.log_rate[k : k + 2], points.quality[k : k + 2]
    return f"{rates[0]:.4g} to {rates[1]:.4g} bpp goes with {abs(before):.5g} to {abs(after):.5g} in quality"


def few_points(label: str, count: int) -> tuple[str, ...]:
    """A warning of fewer points than customary."""
    return (f"{label}: only {count} operating points",) if count < CUSTOMARY_POINTS else ()


def percent(gap: float) -> float:
    """The change of a rate of which log10 changes by ``gap``."""
    return float((10.0**gap - 1.0) * 100.0)


def little_overlap(overlap: float) -> tuple[str, ...]:
    """A warning of ranges that share little."""
    if overlap >= MIN_OVERLAP:
        return ()
    rounded = f"{overlap:.1%}"
    amount = "just" if rounded == f"{MIN_OVERLAP:.1%}" else f"{rounded} is"
    return (f"overlap {amount} under {MIN_OVERLAP:.0%}",)
