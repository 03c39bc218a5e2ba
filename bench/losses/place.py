"""Where in a picture there is most of something."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.codec import Image

_STEP = 8


def densest(plane: NDArray[Any], side: int) -> tuple[int, int]:
    """Left and top of the square window with the greatest sum, on a grid of 8 pixels.

    Parameters
    ----------
    plane : what is summed, shape (height, width)
    side : of the window, in pixels; cut to the plane where that is smaller
    """
    height, width = (min(side, it) for it in plane.shape)
    total = np.pad(plane.cumsum(0, dtype=np.float64).cumsum(1), ((1, 0), (1, 0)))
    sums = (
        total[height:, width:] - total[:-height, width:] - total[height:, :-width] + total[:-height, :-width]
    )
    grid = sums[::_STEP, ::_STEP]
    top, left = np.unravel_index(int(grid.argmax()), grid.shape)
    return int(left) * _STEP, int(top) * _STEP


def cut(pixels: Image, place: tuple[int, int], side: int) -> Image:
    """The window of a picture, (height, width, 3), whose left and top are ``place``."""
    left, top = place
    return np.ascontiguousarray(pixels[top : top + side, left : left + side])
