"""VIF, GMSD and HaarPSI, computed by the package ``piq``.

piq is given the pixels unchanged, 0 to 255. An image that piq refuses as too small has no value.
"""

from __future__ import annotations

from importlib.metadata import version as installed
from typing import Any, Protocol

import numpy as np

from bench.codec import Image
from bench.errors import CodecUnavailable, MetricUndefined
from bench.host.device import require
from bench.metrics._trunk import INSTALL, exact_convolutions, load_torch, to_tensor
from bench.metrics.base import Pair


class _Function(Protocol):
    def __call__(self, x: Any, y: Any, *, data_range: float) -> Any: ...


class _Piq:
    """A function of piq on a device.

    Parameters
    ----------
    metric : name in messages
    function : name of the function in piq
    smallest : shortest side, in pixels, that it accepts
    device : ``"cpu"`` or ``"cuda"``
    identical : its value for identical images, which piq does not give where they are flat
    definition : begins the version
    """

    def __init__(
        self, metric: str, function: str, smallest: int, device: str, identical: float, definition: str = "2"
    ) -> None:
        load_torch(metric)
        try:
            import piq
        except ImportError as error:
            raise CodecUnavailable(f"{metric} needs piq ({error}): {INSTALL}") from error
        require(metric, device)
        self._function: _Function = getattr(piq, function)
        self._metric = metric
        self._smallest = smallest
        self._identical = identical
        self._device = device
        self.version = f"{definition}+piq {installed('piq')}"

    def __call__(self, pair: Pair) -> float:
        """The value for (reconstruction, original), the order that piq expects."""
        import torch

        height, width = pair.decoded.shape[:2]
        if min(height, width) < self._smallest:
            raise MetricUndefined(
                f"{self._metric} needs {self._smallest} pixels on each side; the picture is {width}×{height}"
            )
        if np.array_equal(pair.decoded, pair.reference.image):
            return self._identical
        with torch.inference_mode(), exact_convolutions():
            decoded, original = (self._tensor(it) for it in (pair.decoded, pair.reference.image))
            return float(self._function(decoded, original, data_range=255.0))

    def _tensor(self, image: Image) -> Any:
        return to_tensor(image, self._device)


class Vif:
    """Visual information fidelity in the pixel domain (VIFp) of luma; 1 for identical images.

    H. R. Sheikh and A. C. Bovik, "Image information and visual quality", IEEE Trans. Image Process.
    15(2), 2006, in the authors' four-scale variant without wavelets. Above 1 where contrast was enhanced.
    """

    name = "vif"
    title = "VIF"
    role = "perception"
    unit = ""
    higher_is_better = True

    def __init__(self, *, device: str = "cpu") -> None:
        self._value = _Piq(self.name, "vif_p", 41, device, 1.0, "3")
        self.version = self._value.version

    def __call__(self, pair: Pair) -> float:
        """The value for one pair.

        Raises
        ------
        bench.errors.MetricUndefined
            A side is shorter than 41 pixels, or the original has constant luma and the reconstruction
            differs: VIF is the fraction of the original's information that is preserved, and there is no
            information.
        """
        if pair.reference.cached(_flat) and not np.array_equal(pair.decoded, pair.reference.image):
            raise MetricUndefined("VIF is undefined for an original of constant luma: 0 ÷ 0")
        return self._value(pair)


def _flat(image: Image) -> bool:
    """Whether all pixels have exactly the same luma (BT.601)."""
    return bool(np.ptp(image @ np.array((299, 587, 114))) == 0)


class Gmsd:
    """Gradient magnitude similarity deviation of luma; 0 for identical images.

    W. Xue et al., "Gradient magnitude similarity deviation: a highly efficient perceptual image
    quality index", IEEE Trans. Image Process. 23(2), 2014.
    """

    name = "gmsd"
    title = "GMSD"
    role = "perception"
    unit = ""
    higher_is_better = False

    def __init__(self, *, device: str = "cpu") -> None:
        self._value = _Piq(self.name, "gmsd", 4, device, 0.0)
        self.version = self._value.version

    def __call__(self, pair: Pair) -> float:
        """The value for one pair.

        Raises
        ------
        bench.errors.MetricUndefined
            A side is shorter than 4 pixels.
        """
        return self._value(pair)


class HaarPsi:
    """Haar wavelet-based perceptual similarity index, 0 to 1.

    R. Reisenhofer et al., "A Haar wavelet-based perceptual similarity index for image quality
    assessment", Signal Process. Image Commun. 61, 2018.
    """

    name = "haarpsi"
    title = "HaarPSI"
    role = "perception"
    unit = ""
    higher_is_better = True

    def __init__(self, *, device: str = "cpu") -> None:
        self._value = _Piq(self.name, "haarpsi", 16, device, 1.0)
        self.version = self._value.version

    def __call__(self, pair: Pair) -> float:
        """The value for one pair.

        Raises
        ------
        bench.errors.MetricUndefined
            A side is shorter than 16 pixels.
        """
        return self._value(pair)
