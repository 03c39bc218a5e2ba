"""Bjøntegaard deltas: the average difference between two RD curves over the range that they share.

BD-rate is Bjøntegaard's measure (VCEG-M33, 2001): log10 of the rate is interpolated as a function of quality
for both codecs, and the difference is averaged over the shared range of quality. PCHIP is the default, as in
JVET practice; Akima and the cubic fit are available.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
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
"""Operating points below which a curve has no BD-rate."""
CUSTOMARY_POINTS = 4
"""Operating points below which a BD-rate comes with a warning."""
MIN_OVERLAP = 0.75
"""Overlap of the two ranges, 0 to 1, below which a BD-rate comes with a warning."""
RANKED_OVERLAP = 0.5
"""Overlap of the two ranges, 0 to 1, below which a BD-rate is reported but not used for ranking."""


@dataclass(frozen=True)
class BdResult:
    """A Bjøntegaard delta, or the reason why there is none."""

    value: float | None
    """Percent for BD-rate; for BD-quality the metric's unit, dB for MS-SSIM."""
    overlap: float
    """The part of the union of the two ranges that both curves cover, 0 to 1. The ranges are of quality for
    BD-rate, and of log-rate for BD-quality."""
    reason: str | None = None
    """Why there is no value."""
    warnings: tuple[str, ...] = ()

    @property
    def partial(self) -> bool:
        """Whether the value covers too little of the range to rank a codec by it."""
        return 0 < self.overlap < RANKED_OVERLAP

    def __str__(self) -> str:
        return f"n/a ({self.reason})" if self.value is None else f"{self.value:.3f}"


@dataclass(frozen=True)
class _Points:
    """The usable points of one curve; arrays have the shape (points,)."""

    log_rate: Array
    """log10 of bits per pixel."""
    quality: Array
    """On the axis of :func:`~bench.rd.curve.integration_axis`, where higher is better."""
    warnings: tuple[str, ...]
    """About points that were left out or merged."""


def bd_rate(anchor: Curve, test: Curve, method: Method = "pchip") -> BdResult:
    """Average difference in rate at equal quality, in percent.

    MS-SSIM (:data:`~bench.rd.curve.DB_METRICS`) is integrated in dB. Points without a finite value are left
    out, and consecutive points that are equal are merged, each with a warning. Nothing else is altered: where
    quality does not rise strictly along the operating points, rate is not a function of quality, and the
    value is None with the reason ``non-monotone``; :func:`prune_dominated` is an explicit way out. Whether a
    curve is listed from low to high quality or the other way round makes no difference.

    Parameters
    ----------
    anchor : the curve that is compared with
    test : the curve of interest; a negative value means that it needs fewer bits
    method : interpolation of log-rate over quality

    Raises
    ------
    ValueError
        The curves hold different metrics, or ``method`` is unknown.
    """
    result = _delta(anchor, test, method, over="quality")
    return result if result.value is None else replace(result, value=percent(result.value))


def pairwise_bd_rates(curves: Mapping[str, Curve]) -> dict[tuple[str, str], BdResult]:
    """:func:`bd_rate` by PCHIP of every ordered pair (anchor, test) of different labels.

    Parameters
    ----------
    curves : by label, all in the same metric
    """
    oriented = {label: _orient(curve, "pchip", "quality") for label, curve in curves.items()}
    results = {
        pair: _without_value(*(oriented[it] for it in pair)) for pair in itertools.permutations(curves, 2)
    }
    fitting = [label for label, it in oriented.items() if it.reason is None]
    curves_of = [spline(oriented[it].x[None], oriented[it].y[None]) for it in fitting]
    gaps = SplineGaps(curves_of, [np.ones(1, bool)] * len(fitting))
    for place, anchor in enumerate(fitting):
        for test, gap in zip(fitting[place + 1 :], gaps.of(place)[place + 1 :, 0].tolist(), strict=True):
            if results[anchor, test].reason is None:
                results[anchor, test] = replace(results[anchor, test], value=percent(gap))
                results[test, anchor] = replace(results[test, anchor], value=percent(-gap))
    return results


def bd_quality(anchor: Curve, test: Curve, method: Method = "pchip") -> BdResult:
    """Average difference in quality at equal rate (BD-PSNR and the like), over the shared range of log-rate.

    The value is in the metric's unit, dB for MS-SSIM. It is positive where ``test`` has the higher metric,
    which is worse for a metric where lower is better. Parameters, conditions and errors are those of
    :func:`bd_rate`, with the axes exchanged.
    """
    result = _delta(anchor, test, method, over="rate")
    if result.value is None or anchor.higher_is_better:
        return result
    return BdResult(-result.value, result.overlap, None, result.warnings)


def prune_dominated(curve: Curve) -> Curve:
    """The curve without its dominated points, those that another point beats in rate and in quality.

    An explicit choice for a non-monotone curve, since nobody would use a dominated point. The result is no
    longer the curve that was measured, and a table should say so.
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
    """Mean of test − anchor over the shared range, for many pairs of curves at once.

    Parameters
    ----------
    anchor, test : (x, y), arrays of shape (pairs, points) in which x rises strictly along each row
    method : interpolation of y over x

    Returns
    -------
    The mean difference, NaN where the ranges do not overlap, and the overlap from 0 to 1; both of shape
    (pairs,).
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
    """The PCHIP curves through the points; both arrays have the shape (curves, points).

    Rows in which ``x`` does not rise strictly have no meaning and must not be used.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return hermite_spline(x, y, pchip_slopes(x, y))


class SplineGaps:
    """:func:`mean_gap` by PCHIP, among many configurations that have a curve for each image.

    Each configuration's curves are integrated over the ranges shared with all others at once.

    Parameters
    ----------
    splines : of each configuration, of the same images; None for one that has no differences
    usable : which curves of each configuration have any, each of shape (images,)
    """

    def __init__(self, splines: Sequence[Spline | None], usable: Sequence[NDArray[np.bool_]]) -> None:
        count, images = len(splines), max(map(len, usable), default=0)
        self._usable = np.array(usable, bool).reshape(count, images)
        self._low, self._high = np.full((2, count, images), np.nan)
        self._integrals = np.full((count, count, images), np.nan)
        present = [(place, it) for place, it in enumerate(splines) if it is not None]
        for place, it in present:
            self._low[place], self._high[place] = it.x[:, 0], it.x[:, -1]
        with np.errstate(all="ignore"):  # curves that are not usable
            for place, it in present:
                self._integrals[place] = hermite_integral(it, self._shared(place))

    def of(self, anchor: int) -> Array:
        """The mean of test − anchor of each configuration as test, of shape (configurations, images).

        NaN where one of the two curves is not usable, or the ranges do not overlap.
        """
        low, high = self._shared(anchor)
        with np.errstate(all="ignore"):
            gaps = (self._integrals[:, anchor] - self._integrals[anchor]) / (high - low)
            meaningful = self._usable[anchor] & self._usable & (high > low)
        return np.where(meaningful, gaps, np.nan)

    def _shared(self, place: int) -> tuple[Array, Array]:
        """Ends of the ranges that a configuration shares with each other one."""
        low, high = self._low, self._high
        return np.maximum(low[place], low), np.minimum(high[place], high)


def _shared_range(xa: Array, xt: Array) -> tuple[Array, Array, Array]:
    """Lower and upper end of the shared range, and its part of the union of both; each of shape (pairs,)."""
    low, high = np.maximum(xa[:, 0], xt[:, 0]), np.minimum(xa[:, -1], xt[:, -1])
    union = np.maximum(xa[:, -1], xt[:, -1]) - np.minimum(xa[:, 0], xt[:, 0])
    return low, high, np.maximum(high - low, 0.0) / union


def points_of(curve: Curve) -> _Points:
    """The points of a curve on the axes of integration, without those that have no finite value."""
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
    rate, quality = rate[keep], quality[keep]
    repeated = (np.diff(rate) == 0) & (np.diff(quality) == 0)
    if repeated.any():
        warnings.append(f"{curve.label}: {int(repeated.sum())} repeated points merged")
        rate, quality = (np.delete(it, np.flatnonzero(repeated) + 1) for it in (rate, quality))
    return _Points(np.log10(rate), quality, tuple(warnings))


def rising(x: Array, y: Array) -> tuple[Array, Array] | None:
    """The points in the order in which x rises strictly, if y is higher at the end of it; else None."""
    if len(x) > 1 and x[-1] < x[0]:
        x, y = x[::-1], y[::-1]
    if len(x) < 2 or (np.diff(x) <= 0).any() or y[-1] <= y[0]:
        return None
    return x, y


@dataclass(frozen=True, eq=False)
class _Oriented:
    """A curve along the axis of integration. ``x`` rises strictly unless there is a ``reason``."""

    x: Array
    y: Array
    reason: str | None
    """Why it has no BD-rate or BD-quality."""
    left_out: tuple[str, ...]
    """Warnings about points that were left out or merged."""
    shape: tuple[str, ...]
    """Warnings about few points and folds."""


def _orient(curve: Curve, method: Method, over: Literal["quality", "rate"]) -> _Oriented:
    points = points_of(curve)
    x, y = (points.quality, points.log_rate) if over == "quality" else (points.log_rate, points.quality)
    risen = rising(x, y)
    reason = too_few(len(x), method) or ("non-monotone" if risen is None else None)
    if risen is not None:
        x, y = risen
    return _Oriented(x, y, reason, points.warnings, _shape_warnings(curve.label, points))


def fault_of(curve: Curve) -> BdResult:
    """What is wrong with a curve in any comparison by PCHIP: a result with its reason and warnings alone."""
    oriented = _orient(curve, "pchip", "quality")
    return _without_value(oriented, oriented)


def shape_warnings(curve: Curve) -> tuple[str, ...]:
    """Warnings of any comparison with this curve: that it has few points, and where it folds."""
    return _shape_warnings(curve.label, points_of(curve))


def _shape_warnings(label: str, points: _Points) -> tuple[str, ...]:
    fold = _fold(points)
    return few_points(label, len(points.quality)) + ((f"{label}: non-monotone, {fold}",) if fold else ())


def too_few(count: int, method: Method) -> str | None:
    """The reason why a curve of ``count`` points has no BD-rate; None where it has enough."""
    return f"fewer than {MIN_POINTS[method]} points" if count < MIN_POINTS[method] else None


def _without_value(anchor: _Oriented, test: _Oriented) -> BdResult:
    """The result of a comparison, still without its value; with a reason if it will have none."""
    overlap = _overlap(anchor.x, test.x)
    reason = anchor.reason or test.reason or ("no overlap" if overlap == 0 else None)
    warnings = (*anchor.left_out, *test.left_out, *anchor.shape, *test.shape)
    if reason is None:
        warnings += little_overlap(overlap)
    return BdResult(None, overlap, reason, warnings)


def _delta(anchor: Curve, test: Curve, method: Method, over: Literal["quality", "rate"]) -> BdResult:
    check_method(method)
    check_pair(anchor, test)
    first, second = _orient(anchor, method, over), _orient(test, method, over)
    result = _without_value(first, second)
    if result.reason is not None:
        return result
    gap, _ = mean_gap((first.x[None], first.y[None]), (second.x[None], second.y[None]), method)
    return replace(result, value=float(gap[0]))


def check_method(method: Method) -> None:
    """Refuse an unknown method.

    Raises
    ------
    ValueError
        ``method`` is none of :data:`METHODS`.
    """
    if method not in METHODS:
        raise ValueError(f"unknown BD method {method!r}; choose one of {', '.join(METHODS)}")


def check_pair(anchor: Curve | ImageCurves, test: Curve | ImageCurves) -> None:
    """Refuse a comparison of unlike curves.

    Raises
    ------
    ValueError
        They are in different metrics, or of different images.
    """
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
    """Where a curve folds: the first step along which rate or quality does not rise, in words."""
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
    """A warning if there are fewer points than customary, else nothing."""
    return (f"{label}: only {count} operating points",) if count < CUSTOMARY_POINTS else ()


def percent(gap: float) -> float:
    """The change of rate in percent that a change of ``gap`` in its log10 stands for."""
    return float((10.0**gap - 1.0) * 100.0)


def little_overlap(overlap: float) -> tuple[str, ...]:
    """A warning if the two ranges overlap little, else nothing; ``overlap`` is from 0 to 1."""
    if overlap >= MIN_OVERLAP:
        return ()
    rounded = f"{overlap:.1%}"
    amount = "just" if rounded == f"{MIN_OVERLAP:.1%}" else f"{rounded} is"
    return (f"overlap {amount} under {MIN_OVERLAP:.0%}",)


def with_rounded_overlap(warnings: Iterable[str], overlap: float | None) -> list[str]:
    """Warnings with a mere bound for what :func:`little_overlap` says, which several results can share."""
    least = MIN_OVERLAP if overlap is None or overlap >= RANKED_OVERLAP else RANKED_OVERLAP
    words = f"the two curves share under {least:.0%} of their range of quality"
    return [words if it.startswith("overlap ") else it for it in warnings]
