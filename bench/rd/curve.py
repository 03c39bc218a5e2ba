"""Operating points as curves: one aggregate curve, or one curve for every image."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.errors import ConfigError

Array: TypeAlias = NDArray[np.float64]
Provenance: TypeAlias = Literal["measured", "published", "estimated"]
Average: TypeAlias = Literal["images", "pixels"]
AVERAGES: tuple[Average, ...] = get_args(Average)

DB_METRICS = frozenset({"ms_ssim_rgb"})
"""Metrics kept as pure numbers in [0, 1] but integrated and interpolated in dB, see :func:`to_db`."""
_FEWEST_POINTS = 3
MIN_FINISHED = 0.5
"""Share of the images that a configuration must finish at every point to take part in comparisons."""


def to_db(value: ArrayLike) -> Array:
    """A similarity in [0, 1] in decibels, −10·log10(1 − value); 1 becomes ``inf``.

    Take it of the data set's mean, not of each image: the mean of the decibels is another number.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        # Adding zero turns the −0.0 of a similarity of 0 into 0.0.
        return np.asarray(-10.0 * np.log10(1.0 - np.asarray(value, dtype=np.float64)) + 0.0)


def from_db(value: ArrayLike) -> Array:
    """The similarity in [0, 1] that :func:`to_db` turns into ``value`` decibels."""
    return np.asarray(1.0 - 10.0 ** (-np.asarray(value, dtype=np.float64) / 10.0))


@dataclass(frozen=True)
class Curve:
    """The operating points of one codec configuration, in the order of its quality setting.

    ``rate`` is in bits per pixel, ``quality`` in the metric's own unit (MS-SSIM as a number in
    [0, 1], PSNR in dB). The order is the caller's and is never changed: a curve whose quality falls
    while its rate rises is a finding, not something to sort away. ``inf`` stands for a point without
    a finite value (identical pixels), and takes no part in any integral.
    """

    label: str
    rate: tuple[float, ...]
    quality: tuple[float, ...]
    metric: str = "psnr_rgb"
    higher_is_better: bool = True
    provenance: Provenance = "measured"

    def __post_init__(self) -> None:
        if len(self.rate) != len(self.quality):
            raise ValueError(
                f"curve {self.label!r}: {len(self.rate)} rates but {len(self.quality)} {self.metric} values"
            )


@dataclass(frozen=True, eq=False)
class ImageCurves:
    """The curves of one codec configuration, one for every image.

    ``rate`` (bpp) and ``quality`` (metric unit) have the shape (images, points). NaN marks what was
    planned and has no value, ``inf`` identical pixels. ``pixels``, of the shape (images,), are those of each
    image; None or NaN where they are not known.
    """

    label: str
    metric: str
    images: tuple[str, ...]
    rate: Array
    quality: Array
    higher_is_better: bool = True
    pixels: Array | None = None

    def __post_init__(self) -> None:
        shape = np.shape(self.rate)
        if len(shape) != 2 or np.shape(self.quality) != shape or shape[0] != len(self.images):
            raise ValueError(
                f"curves of {self.label!r}: rate {shape} and quality {np.shape(self.quality)} must both be"
                f" ({len(self.images)} images, points)"
            )

    def curve(self, index: int) -> Curve:
        """The curve of the image at ``index``."""
        return Curve(
            self.label,
            tuple(self.rate[index].tolist()),
            tuple(self.quality[index].tolist()),
            self.metric,
            self.higher_is_better,
        )

    def only(self, images: Sequence[str]) -> ImageCurves:
        """The same curves for the given images, in the given order; ``KeyError`` for one that is absent."""
        if tuple(images) == self.images:
            return self
        position = {name: row for row, name in enumerate(self.images)}
        rows = [position[name] for name in images]
        return replace(
            self,
            images=tuple(images),
            rate=self.rate[rows],
            quality=self.quality[rows],
            pixels=None if self.pixels is None else self.pixels[rows],
        )

    def complete(self) -> tuple[str, ...]:
        """The images that have a value at every operating point."""
        whole = ~(np.isnan(self.rate) | np.isnan(self.quality)).any(axis=1)
        if whole.all():
            return self.images
        return tuple(name for name, ok in zip(self.images, whole.tolist(), strict=True) if ok)


def finished_enough(curves: ImageCurves) -> bool:
    """Whether ``curves`` may take part in a comparison: complete on at least half of its images.

    Else a codec that fails nearly everywhere, or lacks the metric, would leave no image to the others.
    """
    return len(curves.complete()) >= max(1, MIN_FINISHED * len(curves.images))


def common_images(curves: Collection[ImageCurves]) -> tuple[str, ...]:
    """The images that every one of ``curves`` finished at every point, in the order of the first.

    Comparing over anything else lets a codec that fails on hard images raise its own average. An image that
    some codec reproduces exactly at nearly every point, such as a flat one, has no curve, and is left out for
    all of them (:func:`exact_images`): it would take all points from their mean curves.
    """
    if not curves:
        return ()
    first, *others = curves
    finished = [frozenset(other.complete()) for other in others]
    exact = exact_images(curves)
    return tuple(
        name for name in first.complete() if name not in exact and all(name in names for names in finished)
    )


def exact_images(curves: Collection[ImageCurves]) -> frozenset[str]:
    """The images of which some codec reproduces so many points exactly that fewer than three are left.

    A codec that does so on most of its images does it by its nature, and leaves out none.
    """
    found: set[str] = set()
    for its in curves:
        exact = np.isinf(its.quality)
        left = (~exact).sum(axis=1)
        flat = exact.any(axis=1) & (left < min(_FEWEST_POINTS, exact.shape[1]))
        if flat.sum() <= len(flat) / 2:
            found |= {its.images[row] for row in np.flatnonzero(flat).tolist()}
    return frozenset(found)


def mean_curve(curves: ImageCurves, average: Average = "images") -> Curve:
    """The data set's curve: at each operating point the average bpp and the average metric.

    ``average="images"`` is the mean over the images, what CompressAI and most papers report.
    ``average="pixels"`` weighs every image by its number of pixels, so that bpp is all bits over all pixels.
    On images of one size both are the same.

    A point where some image was reproduced exactly has an infinite mean PSNR, and drops out of every
    integral. Similarities stay numbers in [0, 1] here: decibels are taken after this averaging.

    Raises
    ------
    ValueError
        There is no image, or one lacks a value: restrict to :func:`common_images` first.
    ConfigError
        The numbers of pixels that are to weigh the images are not known.
    """
    if not curves.images:
        raise ValueError(f"curves of {curves.label!r}: no image to average over")
    if np.isnan(curves.rate).any() or np.isnan(curves.quality).any():
        raise ValueError(f"curves of {curves.label!r}: an image lacks a point; restrict to common_images()")
    weights = _weights(curves, average)
    rate, quality = (
        values.mean(axis=0) if weights is None else weights @ values / weights.sum()
        for values in (curves.rate, curves.quality)
    )
    return Curve(
        curves.label, tuple(rate.tolist()), tuple(quality.tolist()), curves.metric, curves.higher_is_better
    )


def mean_curves_without_one(
    curves: ImageCurves, whole: Curve, average: Average = "images"
) -> tuple[Array, Array]:
    """The mean curves of all images but one, for each image in turn, as (quality axis, log10 of the rate).

    Both have the shape (images, points), along rising quality. The points are those that have a finite value
    on ``whole``, the curve over all images. A row on which quality does not rise strictly is NaN.
    """
    keep = np.flatnonzero(np.isfinite(whole.quality) & np.isfinite(whole.rate) & (np.asarray(whole.rate) > 0))
    if len(keep) and whole.quality[keep[-1]] < whole.quality[keep[0]]:
        keep = keep[::-1]
    if not curves.higher_is_better:
        keep = keep[::-1]
    weights = _weights(curves, average)
    rate, means = (_without_one(values[:, keep], weights) for values in (curves.rate, curves.quality))
    quality = integration_axis(curves.metric, means, curves.higher_is_better)
    quality[~(np.diff(quality, axis=1) > 0).all(axis=1)] = np.nan
    return quality, np.log10(rate)


def integration_axis(metric: str, quality: Array, higher_is_better: bool) -> Array:
    """Quality on the axis that integrals and interpolation use: in dB where customary, rising = better."""
    axis = to_db(quality) if metric in DB_METRICS else quality
    return axis if higher_is_better else -axis


def _weights(curves: ImageCurves, average: Average) -> Array | None:
    """Of each image; None where all count the same."""
    if average == "images":
        return None
    if curves.pixels is None or np.isnan(curves.pixels).any():
        raise ConfigError(
            f"{curves.label}: the images' sizes are not known, so they cannot be weighed by pixels"
        )
    return curves.pixels


def _without_one(values: Array, weights: Array | None) -> Array:
    """The means over all rows but one, for each row in turn."""
    weights = np.ones(len(values)) if weights is None else weights
    weighted = weights[:, None] * values
    return np.asarray((weighted.sum(axis=0) - weighted) / (weights.sum() - weights)[:, None])
