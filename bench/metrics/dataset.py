"""The contract of a data-set metric, which measures the distance between two sets of images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.codec import Image

DATASET_METRICS = "bench.dataset_metrics"
"""The entry-point group."""

Features: TypeAlias = NDArray[np.float32]
"""float32, shape (patches, dimensions); no patches for an image that is too small."""


@dataclass(frozen=True)
class Estimate:
    """A distance and its uncertainty."""

    value: float
    interval: tuple[float, float] | None
    """95% confidence interval over images; None where the metric draws no subsets or has too few images."""
    patches: int
    """Number of patches in each of the two sets."""
    errors: NDArray[np.float64] | None = field(default=None, compare=False)
    """Random draws of the value's error, of shape (draws,), 95% of which the interval contains; None where
    the interval was obtained in another way.

    For the same originals, draw k always uses the same images. The errors of two codecs can therefore be
    subtracted, and the effect that the choice of images has on both cancels.
    """


def interval_around(value: float, errors: NDArray[Any]) -> tuple[float, float]:
    """The 95% confidence interval of ``value``, from draws of its error, of shape (draws,)."""
    low, high = np.quantile(errors, (0.025, 0.975))
    return value - float(high), value - float(low)


class DatasetMetric(Protocol):
    """A distance between originals and reconstructions: a plug-in of the group ``bench.dataset_metrics``.

    The entry point names a class whose constructor has one keyword, ``device``, with the default ``"cpu"``,
    and does all heavy imports. Where these fail it raises :class:`bench.errors.CodecUnavailable`, with the
    line that installs what is missing. The optional attribute ``title`` (``str``) is its name in print, by
    default ``name``; its ``role`` is ``"set"``.
    """

    name: str
    """For example ``"kid_alexnet"``."""

    version: str
    """Version of the definition and of the weights behind it."""

    unit: str

    higher_is_better: bool

    def features(self, image: Image) -> Features:
        """The features of one image, an original or a reconstruction.

        Parameters
        ----------
        image : uint8, shape (height, width, 3)
        """
        ...

    def distance(self, reference: Sequence[Features], decoded: Sequence[Features]) -> Estimate:
        """The distance between two sets.

        Parameters
        ----------
        reference : features of each original
        decoded : features of the reconstructions, in the same order

        Raises
        ------
        bench.errors.MetricUndefined
            The sets have too few patches; the message is the reason.
        """
        ...
