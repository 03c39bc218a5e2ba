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
"""Metrics stored as pure numbers in [0, 1] but integrated and interpolated in dB, see :func:`to_db`."""
_FEWEST_POINTS = 3
MIN_FINISHED = 0.5
"""The fraction of the images that a configuration must finish at every point to be compared with others."""


def to_db(value: ArrayLike) -> Array:
    """A similarity in [0, 1] in decibels, −10·log10(1 − value); 1 becomes ``inf``.

    Convert the mean over a data set, not the value of each image: the mean of decibels is a different number.
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

    The order is the caller's and is never changed: a curve whose quality falls while its rate rises is a
    result to report, not something to sort away.
    """

    label: str
    rate: tuple[float, ...]
    """Bits per pixel."""
    quality: tuple[float, ...]
    """In the metric's own unit: PSNR in dB, MS-SSIM as a number in [0, 1]. A point whose pixels are identical
    has the value ``inf`` and is left out of every integral."""
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
    """The curves of one codec configuration, one for each image.

    In ``rate`` and ``quality``, NaN marks a trial that was planned and has no value.
    """

    label: str
    metric: str
    images: tuple[str, ...]
    rate: Array
    """Bits per pixel, of shape (images, points)."""
    quality: Array
    """In the metric's unit, of shape (images, points); ``inf`` for identical pixels."""
    higher_is_better: bool = True
    pixels: Array | None = None
    """Number of pixels of each image, of shape (images,); NaN or None where it is not known."""

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
        """The curves of the given images, in the given order.

        Raises
        ------
        KeyError
            One of ``images`` is not among these curves.
        """
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
    """Whether ``curves`` can be compared with others: complete on at least half of its images.

    Comparisons are over the images that all codecs finished. Without this condition a codec that fails nearly
    everywhere, or lacks the metric, would leave no image for the others.
    """
    return len(curves.complete()) >= max(1, MIN_FINISHED * len(curves.images))


def common_images(curves: Collection[ImageCurves]) -> tuple[str, ...]:
    """The images that every one of ``curves`` finished at every point, in the order of the first.

    Over any other set, a codec that fails on difficult images would raise its own average. An image that some
    codec reproduces exactly at nearly every point, for example a flat one, has no curve and is left out for
    all of them (:func:`exact_images`): its infinite PSNR would take nearly all points from the mean curves.
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
    """The images that some codec reproduces exactly at so many points that fewer than three are left.

    A codec for which that is true of most images is close to lossless by design; its images are not counted.
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

    A point at which some image was reproduced exactly has an infinite mean PSNR and drops out of every
    integral. Similarities remain numbers in [0, 1]: decibels are taken after averaging.

    Parameters
    ----------
    curves : complete curves of the images to average over
    average : ``"images"`` gives every image the same weight, as CompressAI and most papers do; ``"pixels"``
        weights each image by its number of pixels, so that bpp is all bits ÷ all pixels. For images of one
        size both are the same.

    Raises
    ------
    ValueError
        There is no image, or one lacks a value: restrict the curves to :func:`common_images` first.
    ConfigError
        ``average`` is ``"pixels"``, and the sizes of the images are not known.
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
    """The mean curves of all images but one, leaving out each image in turn.

    Parameters
    ----------
    curves : complete curves
    whole : their mean curve; only its points with a finite value are used
    average : as for :func:`mean_curve`

    Returns
    -------
    Quality on the axis of :func:`integration_axis`, and log10 of the rate: both of shape (images, points), in
    the order of rising quality. A row in which quality does not rise strictly has NaN for quality.
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
    """Quality on the axis of integrals and interpolation: in dB where customary, and higher is better.

    Parameters
    ----------
    metric : those in :data:`DB_METRICS` are converted to decibels
    quality : in the metric's unit, of any shape
    higher_is_better : where it is not, the sign is inverted
    """
    axis = to_db(quality) if metric in DB_METRICS else quality
    return axis if higher_is_better else -axis


def _weights(curves: ImageCurves, average: Average) -> Array | None:
    """The weight of each image; None where all have the same."""
    if average == "images":
        return None
    if curves.pixels is None or np.isnan(curves.pixels).any():
        raise ConfigError(
            f"{curves.label}: the images' sizes are not known, so they cannot be weighed by pixels"
        )
    return curves.pixels


def _without_one(values: Array, weights: Array | None) -> Array:
    """The means over all rows but one, leaving out each row in turn; ``values`` is (images, points)."""
    weights = np.ones(len(values)) if weights is None else weights
    weighted = weights[:, None] * values
    return np.asarray((weighted.sum(axis=0) - weighted) / (weights.sum() - weights)[:, None])
