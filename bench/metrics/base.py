"""The contract of a metric, and the pair of pictures that it compares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from bench.codec import Image

T = TypeVar("T")


class Reference:
    """An original picture with the intermediate results that depend on it alone.

    One picture is compared with dozens of reconstructions; what a metric computes from the
    original (windowed means, luma, features) is computed once and kept here.
    """

    def __init__(self, image: Image) -> None:
        self.image = image
        self._memo: dict[Callable[..., Any], Any] = {}

    def cached(self, function: Callable[[Image], T]) -> T:
        """``function(image)``, computed at the first call and kept with the picture."""
        if function not in self._memo:
            self._memo[function] = function(self.image)
        value: T = self._memo[function]
        return value


class Pair:
    """An original and one reconstruction of the same shape: what a metric is given."""

    def __init__(self, reference: Reference, decoded: Image) -> None:
        self.reference = reference
        self.decoded = decoded
        self._memo: dict[Callable[..., Any], Any] = {}

    def cached(self, function: Callable[[Pair], T]) -> T:
        """``function(pair)``, computed once, for metrics that share their work."""
        if function not in self._memo:
            self._memo[function] = function(self)
        value: T = self._memo[function]
        return value


class Metric(Protocol):
    """A full-reference quality metric: a plug-in of the entry-point group ``bench.metrics``.

    The entry point names a class whose constructor takes no argument and does the heavy imports;
    it raises :class:`bench.errors.CodecUnavailable` with the install line where they fail. It may take one
    keyword, ``device``, ``"cpu"`` by default: ``"cuda"`` asks for values that agree with the CPU's to 1e-5,
    computed on a GPU. The device is recorded with the values and is no part of the version.

    Optional: the attribute ``title`` (``str``), its name in print, as ``"MS-SSIM"``; by default ``name``.

    Optional: the attribute ``role`` (``str``), what a report takes it for. ``"distortion"`` is the difference
    of the pixels or of their structure, ``"perception"`` follows what people see: the first of each that a
    run names make the distortion–perception plane and the captions of crops. ``"diagnostic"``, the default,
    is in curves and tables alone.

    Optional: the attribute ``learned`` (``bool``) of a metric that runs a network: ``--device auto`` then
    uses a GPU where there is one.

    Optional: the attribute ``ideal`` (``float``), for a metric that is worse both above and below its best
    value, as an energy ratio is around 1. ``higher_is_better`` is then not read: the metric takes part in no
    BD-rate and no ranking, figures mark the ideal, and the gate calls worse what is farther from it.
    """

    name: str
    """Column name, for example ``"psnr_rgb"``."""

    version: str
    """Version of the definition; part of every trial's key."""

    unit: str
    """``"dB"``, or ``""`` for a pure number."""

    higher_is_better: bool

    def __call__(self, pair: Pair) -> float:
        """The value for one pair; ``math.inf`` where identical pictures have no finite value.

        Raises
        ------
        bench.errors.MetricUndefined
            The pair has no value (picture too small, say); the message is the reason.
        """
        ...
