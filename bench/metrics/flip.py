"""LDR-FLIP, the difference that an observer sees when two images alternate on a screen.

P. Andersson et al., "FLIP: a difference evaluator for alternating images", Proc. ACM Comput. Graph. Interact.
Tech. 3(2), 2020, with the authors' viewing conditions: a screen 0.7 m and 3840 pixels wide, seen from 0.7 m.
This implementation agrees with the authors' package ``flip-evaluator`` 1.7.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.codec import Image
from bench.metrics._srgb import linear_levels
from bench.metrics.base import Pair

Plane: TypeAlias = NDArray[np.float32]
"""float32, shape (height, width) or (height, width, 3)."""

PIXELS_PER_DEGREE = 0.7 * 3840 / 0.7 * math.pi / 180

_XYZ = np.array(
    [
        (0.41239079926595, 0.35758433938387, 0.18048078840183),
        (0.21263900587151, 0.71516867876775, 0.07219231536073),
        (0.01933081871559, 0.11919477979462, 0.95053215224966),
    ]
)
"""Linear sRGB to XYZ."""
_WHITE = _XYZ.sum(1)
_TO_OPPONENT = np.array([(0, 116, 0), (500, -500, 0), (0, 200, -200)]) @ (_XYZ / _WHITE[:, None])
"""Linear sRGB to Y, Cx and Cz, without the offset of −16 in Y, which cancels."""

_SENSITIVITIES = (
    ((1.0, 0.0047),),
    ((1.0, 0.0053),),
    ((34.1, 0.04), (13.5, 0.025)),
)
"""Contrast sensitivity of Y, Cx and Cz, as sums of Gaussians: (amplitude, width in square degrees) of
each."""
_FEATURE_WIDTH = 0.082
"""Width in degrees of a feature that the eye detects."""
_COLOUR_POWER, _FEATURE_POWER = 0.7, 0.5
_KNEE, _KNEE_HEIGHT = 0.4, 0.95
"""Colour differences up to the first fraction of the greatest one are mapped to the second fraction of 0 to
1."""


@dataclass(frozen=True)
class Seen:
    """An image as it is perceived: its colours, and the strength of its edges and points."""

    colours: Plane
    """Hunt-adjusted Lab of the image filtered by contrast sensitivity, (height, width, 3)."""
    edges: Plane
    """Of shape (height, width)."""
    points: Plane
    """Of shape (height, width)."""


class Flip:
    """Mean LDR-FLIP error over the pixels, from 0 for identical images to 1."""

    name = "flip"
    title = "FLIP"
    role = "perception"
    version = "1"
    unit = ""
    higher_is_better = False

    def __init__(self) -> None:
        import cv2  # noqa: F401  # heavy: belongs here rather than into the first trial

    def __call__(self, pair: Pair) -> float:
        """The mean error of one pair."""
        return float(error_map(pair.reference.cached(seen), seen(pair.decoded)).mean(dtype=np.float64))


def error_map(one: Seen, other: Seen) -> Plane:
    """The error of each pixel, 0 to 1, of shape (height, width)."""
    colour = _spread(_colour_distance(one.colours, other.colours) ** _COLOUR_POWER)
    edges, points = np.abs(one.edges - other.edges), np.abs(one.points - other.points)
    feature = (np.maximum(edges, points) * np.float32(math.sqrt(0.5))) ** _FEATURE_POWER
    error: Plane = colour ** (1 - feature)
    return error


def _colour_distance(one: Plane, other: Plane) -> Plane:
    """The HyAB distance: city-block between lightness and chroma, Euclidean within chroma."""
    lightness, a, b = np.moveaxis(np.abs(one - other), -1, 0)
    distance: Plane = lightness + np.sqrt(a * a + b * b)
    return distance


def _spread(colour: Plane) -> Plane:
    """Map distances to 0 to 1, most of it for small distances, which matter most."""
    greatest = _greatest_distance()
    knee = _KNEE * greatest
    above = _KNEE_HEIGHT + (colour - knee) / (greatest - knee) * (1 - _KNEE_HEIGHT)
    spread: Plane = np.where(colour < knee, colour * (_KNEE_HEIGHT / knee), above).astype(np.float32)
    return spread


@cache
def _greatest_distance() -> float:
    """The distance of pure green and pure blue, the colours that are farthest apart in sRGB."""
    green, blue = (_hunt_lab(np.array([[it]], np.float32)) for it in ((0, 1, 0), (0, 0, 1)))
    distance = float(_colour_distance(green, blue)[0, 0])
    return math.pow(distance, _COLOUR_POWER)


def seen(image: Image) -> Seen:
    """An image as it is perceived, for :meth:`Reference.cached`."""
    opponent = _transformed(linear_levels()[image], _TO_OPPONENT)
    filtered = np.stack(
        [_blurred(opponent[..., channel], it) for channel, it in enumerate(_SENSITIVITIES)], axis=-1
    )
    colours = _hunt_lab(np.clip(_transformed(filtered, np.linalg.inv(_TO_OPPONENT)), 0, 1))
    return Seen(colours, *_features(np.ascontiguousarray(opponent[..., 0]) / np.float32(116)))


def _transformed(planes: Plane, matrix: NDArray[np.float64]) -> Plane:
    import cv2

    return np.asarray(cv2.transform(planes, matrix.astype(np.float32)))


def _hunt_lab(linear: Plane) -> Plane:
    """CIELAB with Hunt's adjustment: chroma is scaled by lightness, since dim colours look less saturated."""
    relative = _transformed(linear, _XYZ / _WHITE[:, None])
    delta = 6 / 29
    root = np.where(relative > delta**3, np.cbrt(relative), relative / (3 * delta**2) + 4 / 29)
    x, y, z = np.moveaxis(root, -1, 0)
    lightness = 116 * y - 16
    lab: Plane = np.stack([lightness, 5 * lightness * (x - y), 2 * lightness * (y - z)], axis=-1)
    return lab.astype(np.float32)


def _blurred(plane: Plane, sensitivity: tuple[tuple[float, float], ...]) -> Plane:
    """A plane filtered by a sum of two-dimensional Gaussians, normalised to 1."""
    # All planes use the radius of the widest Gaussian.
    widest = max(width for it in _SENSITIVITIES for _, width in it)
    radius = math.ceil(3 * math.sqrt(widest / (2 * math.pi**2)) * PIXELS_PER_DEGREE)
    degrees = np.arange(-radius, radius + 1) / PIXELS_PER_DEGREE
    filtered = np.zeros_like(plane)
    total = 0.0
    for amplitude, width in sensitivity:
        taps = np.exp(-((math.pi * degrees) ** 2) / width)
        weight = amplitude * math.sqrt(math.pi / width) * taps.sum() ** 2
        filtered += np.float32(weight) * _separable(plane, taps / taps.sum(), taps / taps.sum())
        total += weight
    return filtered / np.float32(total)


def _features(lightness: Plane) -> tuple[Plane, Plane]:
    """Strength of edges and of points: first and second derivatives under a Gaussian."""
    sigma = 0.5 * _FEATURE_WIDTH * PIXELS_PER_DEGREE
    radius = math.ceil(3 * sigma)
    x = np.arange(-radius, radius + 1)
    smooth = np.exp(-(x**2) / (2 * sigma**2))
    edge, point = _balanced(-x * smooth), _balanced((x**2 / sigma**2 - 1) * smooth)
    smooth /= smooth.sum()
    along = partial(_separable, lightness)
    edges = np.hypot(along(edge, smooth), along(smooth, edge))
    points = np.hypot(along(point, smooth), along(smooth, point))
    return edges, points


def _balanced(taps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Taps scaled so that the positive ones sum to 1 and the negative ones to −1."""
    return np.where(taps < 0, taps / -taps[taps < 0].sum(), taps / taps[taps > 0].sum())


def _separable(plane: Plane, across: NDArray[np.float64], down: NDArray[np.float64]) -> Plane:
    """Correlate a plane, continued by its outermost pixels, with the product of two filters."""
    import cv2

    return np.asarray(cv2.sepFilter2D(plane, -1, across, down, borderType=cv2.BORDER_REPLICATE))
