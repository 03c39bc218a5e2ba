"""Operating points as curves: one aggregate curve, or one curve for every image."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[np.float64]
Provenance: TypeAlias = Literal["measured", "published", "estimated"]

DB_METRICS = frozenset({"ms_ssim_rgb"})
"""Metrics kept as pure numbers in [0, 1] but integrated and interpolated in dB, see :func:`to_db`."""
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
    planned and has no value, ``inf`` identical pixels.
    """

    label: str
    metric: str
    images: tuple[str, ...]
    rate: Array
    quality: Array
    higher_is_better: bool = True

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
        return ImageCurves(
            self.label, self.metric, tuple(images), self.rate[rows], self.quality[rows], self.higher_is_better
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

    Comparing over anything else lets a codec that fails on hard images raise its own average.
    """
    if not curves:
        return ()
    first, *others = curves
    finished = [frozenset(other.complete()) for other in others]
    return tuple(name for name in first.complete() if all(name in names for names in finished))


def mean_curve(curves: ImageCurves) -> Curve:
    """The data set's curve: at each operating point the mean bpp and the mean metric over the images.

    The mean of per-image PSNRs is what CompressAI and most papers report. A point where some image
    was reproduced exactly has an infinite mean, and drops out of every integral. Similarities stay
    numbers in [0, 1] here: decibels are taken after this averaging.

    Raises
    ------
    ValueError
        There is no image, or one lacks a value: restrict to :func:`common_images` first.
    """
    if not curves.images:
        raise ValueError(f"curves of {curves.label!r}: no image to average over")
    if np.isnan(curves.rate).any() or np.isnan(curves.quality).any():
        raise ValueError(f"curves of {curves.label!r}: an image lacks a point; restrict to common_images()")
    return Curve(
        curves.label,
        tuple(curves.rate.mean(axis=0).tolist()),
        tuple(curves.quality.mean(axis=0).tolist()),
        curves.metric,
        curves.higher_is_better,
    )


def integration_axis(metric: str, quality: Array, higher_is_better: bool) -> Array:
    """Quality on the axis that integrals and interpolation use: in dB where customary, rising = better."""
    axis = to_db(quality) if metric in DB_METRICS else quality
    return axis if higher_is_better else -axis
