"""The contract of a data-set metric: how far apart two sets of pictures are, not two pictures."""

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
"""float32, shape (patches, dimensions); no patches for a picture that is too small."""


@dataclass(frozen=True)
class Estimate:
    """A distance, and how sure it is."""

    value: float
    interval: tuple[float, float] | None
    """95% confidence interval over images; None where the metric draws no subsets or has too few images."""
    patches: int
    """Patches in each of the two sets."""
    errors: NDArray[np.float64] | None = field(default=None, compare=False)
    """Random draws of the value's error, of which the interval holds 95%; None where it has another origin.

    Draw for draw they are of the same images in every estimate of the same originals, so that the errors of
    two codecs can be subtracted: what the choice of images does to both cancels out.
    """


def interval_around(value: float, errors: NDArray[Any]) -> tuple[float, float]:
    """The 95% confidence interval of a value of which draws of its error are known."""
    low, high = np.quantile(errors, (0.025, 0.975))
    return value - float(high), value - float(low)


class DatasetMetric(Protocol):
    """A distance between originals and reconstructions: a plug-in of the group ``bench.dataset_metrics``.

    The entry point names a class whose constructor takes ``device``, a keyword with the default ``"cpu"``,
    and does the heavy imports; it raises :class:`bench.errors.CodecUnavailable` with the install line where
    they fail.

    Optional: the attribute ``title`` (``str``), its name in print; by default ``name``. Its ``role`` is
    ``"set"``: a report puts the first such metric of a run into a distortion–perception plane of its own.
    """

    name: str
    """For example ``"kid_alexnet"``."""

    version: str
    """Version of the definition and of the weights behind it."""

    unit: str

    higher_is_better: bool

    def features(self, image: Image) -> Features:
        """What the metric keeps of one picture, original or reconstruction."""
        ...

    def distance(self, reference: Sequence[Features], decoded: Sequence[Features]) -> Estimate:
        """The distance between two sets, given picture by picture in the same order.

        Raises
        ------
        bench.errors.MetricUndefined
            The sets have too few patches; the message is the reason.
        """
        ...
