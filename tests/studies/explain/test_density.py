"""Bits of cells as bits of pixels."""

from __future__ import annotations

import numpy as np
import pytest

from bench.explanation import BitGrid
from bench.studies.explain.figure import density


@pytest.mark.parametrize("size", [(1, 1), (7, 33), (64, 64), (65, 10)])
@pytest.mark.parametrize("cell", [(1, 1), (8, 8), (16, 8), (64, 64)])
@pytest.mark.parametrize("origin", [(0, 0), (-20, -3)])
def test_totals_are_kept(size: tuple[int, int], cell: tuple[int, int], origin: tuple[int, int]) -> None:
    """Whatever the padding around the picture, no bit is lost or counted twice."""
    shape = [-(-(side - start) // step) + 2 for side, step, start in zip(size, cell, origin, strict=True)]
    grid = BitGrid("cells", np.random.default_rng(0).random(shape), cell, origin)
    assert density([grid, grid], *size).sum() == pytest.approx(2 * grid.bits.sum())


def test_a_cell_covers_its_pixels() -> None:
    """Bits lie where their cell does; those in the padding go to the nearest cell inside."""
    bits = np.zeros((3, 2))
    bits[0, 1], bits[2, 0] = 8, 4
    found = density([BitGrid("cells", bits, (2, 4), (-1, 0))], 3, 6)
    expected = np.zeros((3, 6))
    expected[0, 4:6] = 4
    expected[1:3, 0:4] = 0.5
    np.testing.assert_allclose(found, expected)
