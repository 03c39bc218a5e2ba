"""Where two pictures differ: the error of each pixel, by a metric that has such a map."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.codec import Image
from bench.errors import MetricUndefined
from bench.metrics.base import Pair, Reference

ErrorMap: TypeAlias = NDArray[np.float32]
"""The error of each pixel, 0 for none, of shape (height, width)."""


def error_map(name: str, original: Image, decoded: Image) -> ErrorMap:
    """The error of each pixel, by the metric ``name`` of :data:`MAPS`.

    Parameters
    ----------
    original, decoded : uint8, shape (height, width, 3), sRGB

    Raises
    ------
    MetricUndefined
        The pictures are too small for the metric.
    CodecUnavailable
        What computes it is not installed.
    """
    return MAPS[name].make(original, decoded)


def squared_error_map(original: Image, decoded: Image) -> ErrorMap:
    """The squared difference in levels of 8 bits, mean over R, G and B; its mean is PSNR's squared error."""
    difference = original.astype(np.float32) - decoded
    squared: ErrorMap = np.square(difference).mean(axis=2)
    return squared


def ssim_map(original: Image, decoded: Image) -> ErrorMap:
    """1 − SSIM under the window that is centred at each pixel, mean over R, G and B: 0 to 2.

    The window is that of :class:`bench.metrics.ssim.SsimRgb`. At the borders, where that metric has no
    window, the picture is mirrored.
    """
    import cv2

    def blurred(planes: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(cv2.GaussianBlur(planes, (11, 11), 1.5, borderType=cv2.BORDER_REFLECT_101))

    if min(original.shape[:2]) < 6:
        raise MetricUndefined("a map of SSIM needs 6 pixels on each side")
    x, y = original.astype(np.float32), decoded.astype(np.float32)
    c1, c2 = np.float32((0.01 * 255) ** 2), np.float32((0.03 * 255) ** 2)
    mean_x, mean_y = blurred(x), blurred(y)
    both = mean_x * mean_y
    squares = mean_x * mean_x + mean_y * mean_y
    spread = np.maximum(blurred(x * x + y * y) - squares, 0)
    covariance = blurred(x * y) - both
    similarity = (2 * both + c1) * (2 * covariance + c2) / ((squares + c1) * (spread + c2))
    loss: ErrorMap = np.maximum(1 - similarity.mean(axis=2), 0).astype(np.float32)
    return loss


def flip_map(original: Image, decoded: Image) -> ErrorMap:
    """LDR-FLIP, 0 to 1; its mean is :class:`bench.metrics.flip.Flip`."""
    from bench.metrics import flip

    return flip.error_map(flip.seen(original), flip.seen(decoded))


_HEAT = np.array(
    [
        *((0, 0, 0), (0, 0, 1), (0, 1, 1), (0, 1, 0), (1, 1, 0), (1, 0, 0), (1, 0, 1)),
        *((0.5, 0.5, 1), (1, 0.5, 0.5), (1, 1, 0.5), (1, 1, 1)),
    ]
)
"""The colours of libjxl's heat map at equal steps, before its square root."""
_GOOD, _BAD = 0.7170383, 1.155638938
"""Scores at 0.3 and 0.45 of its scale, which ends at 13 times the second."""


def butteraugli_map(original: Image, decoded: Image) -> ErrorMap:
    """Butteraugli's difference map; its maximum is :class:`bench.metrics.butteraugli.Butteraugli`.

    The program writes it as a heat map, whose colours are read back; errors beyond 13.9 are 13.9.
    """
    from bench.metrics.butteraugli import compare

    with tempfile.TemporaryDirectory(prefix="rdbench-") as folder:
        heat = Path(folder) / "heat.pfm"
        compare(original, decoded, "--distmap", str(heat))
        colours = _read_pfm(heat.read_bytes())
    place = _along_scale(colours.astype(np.float64) ** 2) / 11
    low = place / 0.3 * _GOOD
    middle = _GOOD + (place - 0.3) / 0.15 * (_BAD - _GOOD)
    high = _BAD + (place - 0.45) / 0.5 * 12 * _BAD
    scores: ErrorMap = np.select([place < 0.3, place < 0.45], [low, middle], high).astype(np.float32)
    return scores


def _along_scale(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    """The place of each colour between those of the scale, 0 to 10; shape (height, width)."""
    place = np.zeros(colours.shape[:2])
    nearest = np.full(place.shape, np.inf)
    for step, (start, end) in enumerate(itertools.pairwise(_HEAT)):
        way = end - start
        share = np.clip(((colours - start) @ way) / (way @ way), 0, 1)
        distance = ((colours - start - share[..., None] * way) ** 2).sum(axis=2)
        nearer = distance < nearest - 1e-9
        place[nearer], nearest[nearer] = (step + share)[nearer], distance[nearer]
    return place


def _read_pfm(data: bytes) -> NDArray[np.float32]:
    """A little-endian colour PFM, whose rows run from bottom to top."""
    _, size, _, samples = data.split(b"\n", 3)
    width, height = map(int, size.split())
    return np.frombuffer(samples, "<f4").reshape(height, width, 3)[::-1]


def ssimulacra2_map(original: Image, decoded: Image) -> ErrorMap:
    """What each pixel adds to the sum from which SSIMULACRA 2 follows."""
    from bench.metrics import ssimulacra2

    return ssimulacra2.error_map(original, decoded)


def cvvdp_map(original: Image, decoded: Image) -> ErrorMap:
    """ColorVideoVDP's difference of each pixel: JOD below 10, to three digits."""
    from bench.metrics import cvvdp

    pair = Pair(Reference(original), decoded)
    heat = cvvdp.predicted(_cvvdp_predictor(), pair)[1]
    assert heat is not None, "the predictor makes maps"
    lost: ErrorMap = np.float32(10) * np.maximum(heat, np.float32(0))
    # of equal pictures too, the package has the least difference that half precision tells from none
    return lost if (original != decoded).any() else np.zeros_like(lost)


@cache
def _cvvdp_predictor() -> Any:
    from bench.metrics import cvvdp

    return cvvdp.predictor("the map of cvvdp", "cpu", "raw")


@dataclass(frozen=True)
class MapKind:
    """A map that a metric has."""

    title: str
    full: float
    """The error that is white, or the brightest colour, where maps are shown."""
    make: Callable[[Image, Image], ErrorMap]
    metrics: tuple[str, ...]
    """Those whose values are made of these errors, or follow from them."""


MAPS: Mapping[str, MapKind] = {
    "ssim": MapKind("1 − SSIM", 1.0, ssim_map, ("ssim_rgb", "ms_ssim_rgb")),
    "squared_error": MapKind("Squared error", 64.0**2, squared_error_map, ("psnr_rgb",)),
    "flip": MapKind("FLIP", 1.0, flip_map, ("flip",)),
    "butteraugli": MapKind("Butteraugli", 8.0, butteraugli_map, ("butteraugli", "butteraugli_3norm")),
    "ssimulacra2": MapKind("SSIMULACRA 2 errors", 100.0, ssimulacra2_map, ("ssimulacra2",)),
    "cvvdp": MapKind("ColorVideoVDP, JOD lost", 4.0, cvvdp_map, ("cvvdp",)),
}
"""Maps by name."""


def map_of(metric: str) -> str | None:
    """The name of the map that belongs to a metric, or is called so; None where it has none."""
    return next((name for name, kind in MAPS.items() if metric == name or metric in kind.metrics), None)
