"""The contract of a metric, and the pair of images that it compares."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Protocol, TypeVar

from bench.codec import Samples
from bench.errors import MetricUndefined
from bench.inputs.pixels import channels_of, coloured

T = TypeVar("T")

_NAMED = {"grey": "grey pictures", "rgb": "pictures without transparency", "rgba": "pictures with alpha"}


class Reference:
    """An original image and the intermediate results that depend on it alone.

    One original is compared with dozens of reconstructions. Whatever a metric computes from the original
    (windowed means, luma, deep features) is computed once and kept here.

    Parameters
    ----------
    image : uint8, shape (height, width, 3), sRGB; of another form only for a metric that declares it, see
        :class:`Metric`
    depth : bits a sample
    """

    def __init__(self, image: Samples, depth: int = 8) -> None:
        self.image = image
        self.depth = depth
        self._memo: dict[Callable[..., Any], Any] = {}

    @cached_property
    def coloured(self) -> Reference:
        """A grey original as RGB, for metrics that are not defined for grey."""
        return Reference(coloured(self.image[..., None]), self.depth)

    def cached(self, function: Callable[[Samples], T]) -> T:
        """``function(image)``, computed at the first call and kept with the original.

        Parameters
        ----------
        function : pure; the result is kept by its identity, so pass the same object and no new lambda
        """
        if function not in self._memo:
            self._memo[function] = function(self.image)
        value: T = self._memo[function]
        return value


class Pair:
    """An original and one reconstruction of it: what a metric is given.

    Parameters
    ----------
    reference : the original
    decoded : the reconstruction, of the original's shape (height, width, 3) and type
    """

    def __init__(self, reference: Reference, decoded: Samples) -> None:
        self.reference = reference
        self.decoded = decoded
        self._memo: dict[Callable[..., Any], Any] = {}

    def cached(self, function: Callable[[Pair], T]) -> T:
        """``function(pair)``, computed at the first call, for metrics that share work."""
        if function not in self._memo:
            self._memo[function] = function(self)
        value: T = self._memo[function]
        return value


class Metric(Protocol):
    """A full-reference quality metric: a plug-in of the entry-point group ``bench.metrics``, or of a file.

    The entry point names a class whose constructor takes no arguments and does all heavy imports. Where these
    fail it raises :class:`bench.errors.CodecUnavailable`, with the line that installs what is missing. The
    constructor may have one keyword, ``device``, with the default ``"cpu"``; for ``"cuda"`` the metric
    computes on a GPU, and its values agree with those of the CPU to 1e-5. The device is recorded with the
    values, but is not part of the version.

    A class in a file is named as one of a codec is, ``path/to/file.py:Class``. Only ``higher_is_better`` it
    must have: its name is that of the class where it says no other, and a change of the file a new version.

    Four attributes are optional. ``learned`` (``bool``) marks a metric that runs a network: ``--device auto``
    then uses a GPU if there is one. ``ideal`` (``float``) is the best value of a metric that is worse above
    and below it, as an energy ratio is around 1: ``higher_is_better`` is then ignored, the metric is left out
    of BD-rates and rankings, figures mark the ideal, and the regression gate counts moving away from it as
    worse. ``title`` (``str``) is the name in print, such as ``"MS-SSIM"``, by default ``name``. ``role``
    (``str``) is what a report uses the metric for: ``"distortion"`` is a difference of pixels or of their
    structure, ``"perception"`` follows what people see, and the first metric of each role that a run names
    spans the distortion–perception plane; ``"diagnostic"``, the default, is in curves and tables only.

    Two more, ``depths`` and ``channels``, are those of :class:`bench.codec.Codec` and have the same defaults:
    the forms of pictures for which the metric is defined. Grey is replicated for a metric that declares RGB
    alone; of any other form it is not asked, and has no value.
    """

    name: str
    """Column name, for example ``"psnr_rgb"``."""

    version: str
    """Version of the definition, part of every trial's key: values of different versions are not mixed."""

    unit: str
    """``"dB"``, or ``""`` for a pure number."""

    higher_is_better: bool

    def __call__(self, pair: Pair) -> float:
        """The value for one pair; ``math.inf`` where identical images have no finite value.

        Raises
        ------
        bench.errors.MetricUndefined
            The pair has no value, for example because the image is too small; the message says why.
        """
        ...


def suited(pair: Pair, metric: Metric) -> Pair:
    """A pair in a form for which a metric is defined.

    Raises
    ------
    bench.errors.MetricUndefined
        It is defined for none that the pair can have without loss.
    """
    channels = channels_of(pair.reference.image.shape)
    declared = getattr(metric, "channels", ("rgb",))
    if pair.reference.depth not in getattr(metric, "depths", (8,)):
        raise MetricUndefined(f"{metric.name} is not defined for {pair.reference.depth} bits a sample")
    if channels in declared:
        return pair
    if channels == "grey" and "rgb" in declared:
        return pair.cached(_coloured_pair)
    raise MetricUndefined(f"{metric.name} is not defined for {_NAMED[channels]}")


def _coloured_pair(pair: Pair) -> Pair:
    return Pair(pair.reference.coloured, coloured(pair.decoded[..., None]))
