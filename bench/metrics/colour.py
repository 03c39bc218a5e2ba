"""Colour difference."""

from __future__ import annotations

from importlib.metadata import version as installed
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.codec import Image
from bench.metrics.base import Pair


class Ciede2000:
    """Mean ΔE₀₀ over the pixels, for sRGB under D65; 0 is identical, and about 1 is just noticeable.

    CIE 142-2001; G. Sharma et al., "The CIEDE2000 color-difference formula", Color Res. Appl. 30(1), 2005.
    Computed by scikit-image.
    """

    name = "ciede2000"
    title = "CIEDE2000"
    role = "diagnostic"
    unit = "ΔE"
    higher_is_better = False

    def __init__(self) -> None:
        import skimage.color  # noqa: F401  # heavy: belongs here rather than into the first trial

        self.version = f"1+scikit-image {installed('scikit-image')}"

    def __call__(self, pair: Pair) -> float:
        """The mean difference of one pair."""
        from skimage.color import deltaE_ciede2000

        if np.array_equal(pair.decoded, pair.reference.image):
            return 0.0  # which rounding would turn into 1e-15
        return float(deltaE_ciede2000(pair.reference.cached(_lab), _lab(pair.decoded)).mean())


def _lab(image: Image) -> NDArray[Any]:
    from skimage.color import rgb2lab

    lab: NDArray[Any] = rgb2lab(image)
    return lab
