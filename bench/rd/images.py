"""BD-rates of single images, as many at once as can be.

An image whose curve folds or has too few points is judged with the others; only one with points that have
to be left out or merged, or that are listed against the direction of the others, is looked at by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bench.rd.bd import (
    RANKED_OVERLAP,
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
from bench.rd.curve import MIN_FINISHED, Array, ImageCurves, integration_axis
from bench.rd.intervals import Interval, interval_of_mean
from bench.text.plain import some_of

NO_OVERLAP = "no overlap"


@dataclass(frozen=True)
class ImagesBd:
    """A BD-rate taken image by image: the leading result of a comparison of measured codecs.

    Every image is compared at equal quality over the range of quality that its own two curves share. Unlike
    the BD-rate of mean curves, the result does not depend on how either codec divides its bits among the
    images at one quality setting, which no user of a single image would notice.
    """

    value: float | None
    """Percent, negative = fewer bits: the mean over images of the difference in log-rate, as a change."""
    ci95: Interval | None
    """95% interval of ``value``; None with fewer than :data:`~bench.rd.intervals.MIN_IMAGES` images."""
    median: float | None
    """Percent: the image in the middle."""
    wins: int
    """Images on which the tested codec needs fewer bits."""
    n: int
    """Images that have a BD-rate."""
    n_images: int
    overlap: float | None
    """Share of the union of both ranges of quality that both curves cover, 0 to 1: mean over the images that
    have two curves to compare, of which those without overlap count as 0. None where no image has."""
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The images without a BD-rate, by the reason."""

    @property
    def reason(self) -> str | None:
        """Why there is no value: what most images lack."""
        if self.value is not None:
            return None
        return max(self.missing, key=lambda reason: len(self.missing[reason]), default="no images")

    @property
    def partial(self) -> bool:
        """Whether the value is of too little of the range, or of too few of the images, to rank a codec by
        it."""
        if self.value is None or self.overlap is None:
            return False
        return self.overlap < RANKED_OVERLAP or self.n < MIN_FINISHED * self.n_images

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the value has to know."""
        told = [
            f"{why} on {len(names)} of {self.n_images} images ({some_of(names, 3)})"
            for why, names in self.missing.items()
        ]
        if self.value is not None and self.overlap is not None:
            told += little_overlap(self.overlap)
        return tuple(told)


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
        reason = NO_OVERLAP if overlap == 0 else None
        for side in (1, 0):  # what is wrong with the anchor comes first
            reason = reason if defined[side][row] else undefined[side]
        warnings = (*anchor.remarks.get(row, few[0]), *test.remarks.get(row, few[1]))
        if reason is None:
            value = percent(float(gaps[row]))
            results.append(BdResult(value, overlap, None, (*warnings, *little_overlap(overlap))))
        else:
            results.append(BdResult(None, overlap, reason, warnings))
    return tuple(results)


def images_bd(anchor: ImageRows, test: ImageRows, gaps: Array, method: Method = "pchip") -> ImagesBd:
    """The BD-rate over all images, given the mean differences in log-rate of those that are ``defined``."""
    gaps, overlaps = gaps.copy(), _overlaps(anchor, test)
    reasons: dict[int, str | None] = {}
    for row in np.flatnonzero(anchor.special | test.special).tolist():
        result = bd_rate(anchor.curves.curve(row), test.curves.curve(row), method)
        gaps[row] = np.nan if result.value is None else np.log10(1.0 + result.value / 100.0)
        overlaps[row], reasons[row] = result.overlap, result.reason
    comparable = ~np.isnan(gaps)
    known = gaps[comparable]
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
    value = ci95 = median = None
    if len(known):
        value, median = percent(float(known.mean())), percent(float(np.median(known)))
        interval = interval_of_mean(known)
        ci95 = None if interval is None else (percent(interval[0]), percent(interval[1]))
    return ImagesBd(
        value,
        ci95,
        median,
        wins=int((known < 0).sum()),
        n=len(known),
        n_images=len(gaps),
        overlap=float(overlaps[comparable].mean()) if comparable.any() else None,
        missing={reason: tuple(names) for reason, names in missing.items()},
    )


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
