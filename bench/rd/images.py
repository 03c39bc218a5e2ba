"""BD-rates of single images, computed for all images at once as far as possible.

Images whose curves fold or have too few points are part of the batch. Only an image with points that have to
be left out or merged, or whose points are listed in the opposite direction, is computed on its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.rd.bd import (
    RANKED_OVERLAP,
    BdResult,
    Method,
    bd_quality,
    bd_rate,
    check_method,
    check_pair,
    few_points,
    little_overlap,
    mean_gap,
    percent,
    shape_warnings,
    too_few,
)
from bench.rd.curve import MIN_FINISHED, Array, ImageCurves, integration_axis
from bench.rd.intervals import MIN_IMAGES, Interval, interval_around, interval_of_mean
from bench.text.plain import some_of

NO_OVERLAP = "no overlap"
Ends: TypeAlias = tuple[Array, Array]
"""Lowest and highest quality, of shape (…, images)."""


@dataclass(frozen=True)
class ImagesBd:
    """A BD-rate taken image by image: the main result of a comparison of measured codecs.

    Each image is compared at equal quality, over the range of quality that its own two curves share. Unlike
    the BD-rate of mean curves, the result does not depend on how either codec divides its bits among the
    images at one quality setting, which somebody who codes a single image would never notice.
    """

    value: float | None
    """Percent, negative = fewer bits: the mean difference in log-rate over the images, as a change of
    rate."""
    ci95: Interval | None
    """95% interval of ``value``; None with fewer than :data:`~bench.rd.intervals.MIN_IMAGES` images."""
    median: float | None
    """Percent: the median over the images."""
    wins: int
    """Number of images on which the tested codec needs fewer bits."""
    n: int
    """Number of images that have a BD-rate."""
    n_images: int
    """Number of images that were compared."""
    overlap: float | None
    """The part of the union of the two ranges of quality that both curves cover, 0 to 1: the mean over the
    images that have two usable curves, where no overlap counts as 0. None if there is no such image."""
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The names of the images without a BD-rate, by the reason."""
    coverage: float | None = None
    """The part of the anchor's range of quality that both curves cover, 0 to 1: the mean over the same images
    as that of ``overlap``. A codec that goes further than the anchor at either end loses nothing by it."""
    gaps: Array | None = field(default=None, compare=False, repr=False)
    """The mean difference in log10 of the rate of each image, of shape (n_images,); NaN where an image has no
    BD-rate."""

    @property
    def reason(self) -> str | None:
        """Why there is no value: the reason that applies to most images."""
        if self.value is not None:
            return None
        return max(self.missing, key=lambda reason: len(self.missing[reason]), default="no images")

    @property
    def partial(self) -> bool:
        """Whether the value covers too little of the range, or too few of the images, for a ranking."""
        if self.value is None or self.overlap is None:
            return False
        return self.overlap < RANKED_OVERLAP or self.n < MIN_FINISHED * self.n_images

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the value needs to know."""
        texts = [
            f"{why} on {len(names)} of {self.n_images} images ({some_of(names, 3)})"
            for why, names in self.missing.items()
        ]
        if self.value is not None and self.overlap is not None:
            texts += little_overlap(self.overlap)
        return tuple(texts)


@dataclass(frozen=True, eq=False)
class ImageRows:
    """The curves of all images along the axis of integration, one row for each image."""

    curves: ImageCurves
    x: Array
    """Quality on the axis of integration, of shape (images, points)."""
    y: Array
    """log10 of the rate in bits per pixel, of shape (images, points)."""
    defined: NDArray[np.bool_]
    """Which rows are usable for a BD-rate, of shape (images,); in these, ``x`` rises strictly."""
    special: NDArray[np.bool_]
    """Which rows have to be computed on their own; their ``x`` and ``y`` must not be used."""
    fold_warnings: Mapping[int, tuple[str, ...]]
    """The warnings of curves that fold, by row."""

    @cached_property
    def ends(self) -> Ends:
        """The lowest and the highest quality of each image that is a number; NaN where there is none."""
        known = np.isfinite(self.x)
        low, high = (np.where(known, self.x, it) for it in (np.inf, -np.inf))
        none = ~known.any(axis=1)
        return np.where(none, np.nan, low.min(axis=1)), np.where(none, np.nan, high.max(axis=1))


def image_rows(curves: ImageCurves, method: Method = "pchip") -> ImageRows:
    """Prepare the curves of all images for comparisons by ``method``."""
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
    warnings = {row: shape_warnings(curves.curve(row)) for row in np.flatnonzero(folded & ~special).tolist()}
    return ImageRows(curves, x, y, defined, special, warnings)


def per_image_bd_rate(
    anchor: ImageCurves, test: ImageCurves, method: Method = "pchip"
) -> tuple[BdResult, ...]:
    """The BD-rate of each image, in the order of ``anchor.images``.

    Parameters
    ----------
    anchor, test : curves of the same images in the same metric
    method : interpolation of log-rate over quality

    Returns
    -------
    One result for each image; one without a value has a reason.

    Raises
    ------
    ValueError
        The two hold different images or metrics; restrict both to :func:`~bench.rd.curve.common_images`
        first.
    """
    check_method(method)
    check_pair(anchor, test)
    first, second = image_rows(anchor, method), image_rows(test, method)
    both = first.defined & second.defined
    gaps = np.full(len(both), np.nan)
    gaps[both], _ = mean_gap((first.x[both], first.y[both]), (second.x[both], second.y[both]), method)
    return image_results(first, second, gaps, method)


def per_image_bd_quality(
    anchor: ImageCurves, test: ImageCurves, method: Method = "pchip"
) -> tuple[float | None, ...]:
    """The BD-quality of each image (ΔPSNR at equal rate and the like), in the order of ``anchor.images``.

    Parameters and errors are those of :func:`per_image_bd_rate`; unit and sign those of
    :func:`~bench.rd.bd.bd_quality`. None where an image has none.
    """
    check_method(method)
    check_pair(anchor, test)
    return image_qualities(image_rows(anchor, method), image_rows(test, method), method)


def image_qualities(
    first: ImageRows, second: ImageRows, method: Method = "pchip"
) -> tuple[float | None, ...]:
    """:func:`per_image_bd_quality` of prepared curves."""
    anchor, test = first.curves, second.curves
    with np.errstate(invalid="ignore"):  # rates of no bytes
        rising = [it.defined & (np.diff(it.y) > 0).all(axis=1) for it in (first, second)]
    plain = np.logical_and.reduce(rising)
    gaps = np.full(len(plain), np.nan)
    gaps[plain], _ = mean_gap((first.y[plain], first.x[plain]), (second.y[plain], second.x[plain]), method)
    sign = 1.0 if anchor.higher_is_better else -1.0
    values = [None if gap != gap else sign * gap for gap in gaps.tolist()]
    for row in np.flatnonzero(~plain).tolist():
        values[row] = bd_quality(anchor.curve(row), test.curve(row), method).value
    return tuple(values)


def image_results(
    anchor: ImageRows, test: ImageRows, gaps: Array, method: Method = "pchip"
) -> tuple[BdResult, ...]:
    """The result of each image.

    Parameters
    ----------
    anchor, test : the same images in the same order
    gaps : mean difference in log-rate, of shape (images,); only rows ``defined`` in both are read
    method : how ``gaps`` were computed
    """
    special = (anchor.special | test.special).tolist()
    defined = anchor.defined.tolist(), test.defined.tolist()
    undefined = _reason(anchor, method), _reason(test, method)
    few = [few_points(it.curves.label, it.x.shape[1]) for it in (anchor, test)]
    results = []
    for row, overlap in enumerate(_overlaps(anchor.ends, test.ends).tolist()):
        if special[row]:
            results.append(bd_rate(anchor.curves.curve(row), test.curves.curve(row), method))
            continue
        reason = NO_OVERLAP if overlap == 0 else None
        for curve in (1, 0):  # a fault of the anchor takes precedence
            reason = reason if defined[curve][row] else undefined[curve]
        warnings = (*anchor.fold_warnings.get(row, few[0]), *test.fold_warnings.get(row, few[1]))
        if reason is None:
            value = percent(float(gaps[row]))
            results.append(BdResult(value, overlap, None, (*warnings, *little_overlap(overlap))))
        else:
            results.append(BdResult(None, overlap, reason, warnings))
    return tuple(results)


def images_bds(anchors: Sequence[ImageRows], tests: Sequence[ImageRows], gaps: Array) -> list[ImagesBd]:
    """:func:`images_bd` by PCHIP of many pairs.

    Parameters
    ----------
    anchors, tests : one for each pair, or one that is in all of them
    gaps : mean differences in log-rate, of shape (pairs, images); NaN where there is none
    """
    first, second = (list(it) * len(gaps) if len(it) == 1 else it for it in (anchors, tests))
    pairs = list(zip(first, second, strict=True))
    enough = gaps.shape[1] >= MIN_IMAGES
    whole = np.flatnonzero(~np.isnan(gaps).any(axis=1) & enough).tolist()
    found: dict[int, ImagesBd] = {}
    if whole:
        values = gaps[whole]
        anchor, test = (_stacked_ends([pairs[k][side] for k in whole]) for side in (0, 1))
        numbers = (
            values.mean(axis=1),
            values.std(axis=1, ddof=1),
            np.median(values, axis=1),
            (values < 0).sum(axis=1),
            _overlaps(anchor, test).mean(axis=1),
            _coverage(anchor, test).mean(axis=1),
        )
        columns = zip(*(it.tolist() for it in numbers), strict=True)
        found = {k: _without_missing(gaps[k], *its) for k, its in zip(whole, columns, strict=True)}
    return [found.get(k) or images_bd(*pair, gaps[k]) for k, pair in enumerate(pairs)]


def _without_missing(
    gaps: Array, mean: float, deviation: float, median: float, wins: int, overlap: float, coverage: float
) -> ImagesBd:
    """The BD-rate over images that all have one, from what is known of their differences in log-rate."""
    count = len(gaps)
    low, high = interval_around(mean, deviation, count)
    return ImagesBd(
        percent(mean),
        (percent(low), percent(high)),
        percent(median),
        wins,
        n=count,
        n_images=count,
        overlap=overlap,
        coverage=coverage,
        gaps=gaps,
    )


def images_bd(anchor: ImageRows, test: ImageRows, gaps: Array, method: Method = "pchip") -> ImagesBd:
    """The BD-rate over all images; parameters as for :func:`image_results`."""
    gaps, overlaps = gaps.copy(), _overlaps(anchor.ends, test.ends)
    reasons: dict[int, str | None] = {}
    for row in np.flatnonzero(anchor.special | test.special).tolist():
        result = bd_rate(anchor.curves.curve(row), test.curves.curve(row), method)
        gaps[row] = np.nan if result.value is None else np.log10(1.0 + result.value / 100.0)
        overlaps[row], reasons[row] = result.overlap, result.reason
    comparable = ~np.isnan(gaps)
    missing: dict[str, list[str]] = {}
    for row in np.flatnonzero(~comparable).tolist():
        if row in reasons:
            reason = reasons[row]
        elif anchor.defined[row] and test.defined[row] and overlaps[row] == 0:
            reason = NO_OVERLAP
        else:
            reason = _reason(test if anchor.defined[row] else anchor, method)
        comparable[row] = (reason or NO_OVERLAP) == NO_OVERLAP
        missing.setdefault(reason or NO_OVERLAP, []).append(anchor.curves.images[row])
    return of_gaps(
        gaps,
        float(overlaps[comparable].mean()) if comparable.any() else None,
        {reason: tuple(names) for reason, names in missing.items()},
        float(_coverage(anchor.ends, test.ends)[comparable].mean()) if comparable.any() else None,
    )


def of_gaps(
    gaps: Array,
    overlap: float | None,
    missing: Mapping[str, tuple[str, ...]],
    coverage: float | None = None,
) -> ImagesBd:
    """The BD-rate over images whose differences in log10 of the rate are known; NaN where there is none."""
    values = gaps[~np.isnan(gaps)]
    value = ci95 = median = None
    if len(values):
        value, median = percent(float(values.mean())), percent(float(np.median(values)))
        interval = interval_of_mean(values)
        ci95 = None if interval is None else (percent(interval[0]), percent(interval[1]))
    return ImagesBd(
        value,
        ci95,
        median,
        wins=int((values < 0).sum()),
        n=len(values),
        n_images=len(gaps),
        overlap=overlap,
        missing=missing,
        coverage=coverage,
        gaps=gaps,
    )


def _reason(rows: ImageRows, method: Method) -> str:
    """Why a row that is not ``defined`` has no BD-rate."""
    return too_few(rows.x.shape[1], method) or "non-monotone"


def _stacked_ends(rows: Sequence[ImageRows]) -> Ends:
    low, high = zip(*(it.ends for it in rows), strict=True)
    return np.stack(low), np.stack(high)


def _overlaps(anchor: Ends, test: Ends) -> Array:
    """The overlap of each image's two ranges of quality, 0 to 1."""
    return _share((anchor, test), np.minimum(anchor[0], test[0]), np.maximum(anchor[1], test[1]))


def _coverage(anchor: Ends, test: Ends) -> Array:
    """The part of the anchor's range of quality that is both's, 0 to 1."""
    return _share((anchor, test), *anchor)


def _share(ends: tuple[Ends, Ends], low: Array, high: Array) -> Array:
    """The part of the range from ``low`` to ``high`` that lies between both curves' ends."""
    (first_low, first_high), (second_low, second_high) = ends
    with np.errstate(divide="ignore", invalid="ignore"):
        shared = np.minimum(first_high, second_high) - np.maximum(first_low, second_low)
        shares = np.maximum(shared, 0.0) / (high - low)
    return np.where(high > low, shares, 0.0)
