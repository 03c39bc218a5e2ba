"""Bits of grids of cells as bits of pixels."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from bench.explanation import BitGrid


def density(grids: Iterable[BitGrid], height: int, width: int) -> NDArray[np.float64]:
    """Bits per pixel, (height, width): each cell's bits spread evenly over its pixels; totals are kept.

    Bits of cells in the padding count for the nearest cell inside the picture.
    """
    total = np.zeros((height, width))
    for grid in grids:
        rows = _along(grid.bits, 0, grid, height)
        total += _along(rows, 1, grid, width)
    return total


def _along(bits: NDArray[np.float64], axis: int, grid: BitGrid, side: int) -> NDArray[np.float64]:
    """Spread the cells of one axis over ``side`` pixels."""
    edges = grid.origin[axis] + grid.cell[axis] * np.arange(bits.shape[axis] + 1)
    pixels = np.diff(edges.clip(0, side))
    inside = np.flatnonzero(pixels)
    first, last = inside[0], inside[-1]
    middle = np.take(bits, np.arange(first, last + 1), axis)
    low, high = np.take(bits, np.arange(first), axis), np.take(bits, np.arange(last + 1, len(pixels)), axis)
    np.moveaxis(middle, axis, 0)[0] += low.sum(axis)
    np.moveaxis(middle, axis, 0)[-1] += high.sum(axis)
    spread = np.repeat(middle, pixels[inside], axis)
    share = np.repeat(1 / pixels[inside], pixels[inside])
    shared: NDArray[np.float64] = spread * np.expand_dims(share, 1 - axis)
    return shared
