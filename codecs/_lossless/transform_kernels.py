"""Compiled kernels of :mod:`.transforms`; neighbours are named as there."""

# mypy: disable-error-code="untyped-decorator, no-untyped-def"
# numba has no types and infers those of its functions

from __future__ import annotations

import numba
import numpy as np

_LEFT, _PAETH, _MED = 1, 2, 3


@numba.njit(cache=True, nogil=True, inline="always")
def _paeth(a, b, c):
    towards_a = b - c
    towards_b = a - c
    distance_c = abs(towards_a + towards_b)
    distance_a = abs(towards_a)
    distance_b = abs(towards_b)
    best = b if distance_b < distance_a else a
    return c if distance_c < min(distance_a, distance_b) else best


@numba.njit(cache=True, nogil=True, inline="always")
def _med(a, b, c):
    return max(min(a, b), min(max(a, b), a + b - c))


@numba.njit(cache=True, nogil=True)
def forward(image, color, predictor):
    """Residuals, (3, height, width) uint8, of ``image``, (height, width, 3) uint8."""
    height, width, _ = image.shape
    residual = np.empty((3, height, width), np.uint8)
    # The current row and the one above of each plane, with a column of zeros on the left.
    rows = np.zeros((2, 3, width + 1), np.uint8)
    for y in range(height):
        current = rows[y & 1]
        above = rows[1 - (y & 1)]
        source = image[y]
        if color == 1:
            for x in range(width):
                green = source[x, 1]
                current[0, x + 1] = source[x, 0] - green
                current[1, x + 1] = green
                current[2, x + 1] = source[x, 2] - green
        else:
            for x in range(width):
                current[0, x + 1] = source[x, 0]
                current[1, x + 1] = source[x, 1]
                current[2, x + 1] = source[x, 2]
        for plane in range(3):
            row = current[plane]
            up = above[plane]
            target = residual[plane, y]
            if predictor == _PAETH:
                for x in range(width):
                    a = np.int32(row[x])
                    b = np.int32(up[x + 1])
                    c = np.int32(up[x])
                    target[x] = row[x + 1] - _paeth(a, b, c)
            elif predictor == _MED:
                for x in range(width):
                    a = np.int32(row[x])
                    b = np.int32(up[x + 1])
                    c = np.int32(up[x])
                    target[x] = row[x + 1] - _med(a, b, c)
            elif predictor == _LEFT:
                target[0] = row[1] - up[1]
                for x in range(1, width):
                    target[x] = row[x + 1] - row[x]
            else:
                for x in range(width):
                    target[x] = row[x + 1]
    return residual


@numba.njit(cache=True, nogil=True)
def inverse(residual, color, predictor):
    """The image, (height, width, 3) uint8, of ``residual``, (3, height, width) uint8."""
    _, height, width = residual.shape
    image = np.empty((height, width, 3), np.uint8)
    rows = np.zeros((2, 3, width + 1), np.uint8)
    for y in range(height):
        current = rows[y & 1]
        above = rows[1 - (y & 1)]
        row0, row1, row2 = current[0], current[1], current[2]
        up0, up1, up2 = above[0], above[1], above[2]
        from0, from1, from2 = residual[0, y], residual[1, y], residual[2, y]
        # Each sample depends on its left neighbour, so that the three planes are processed together.
        a0 = a1 = a2 = np.int64(0)
        c0 = c1 = c2 = np.int64(0)
        if predictor == _PAETH:
            for x in range(width):
                b0, b1, b2 = np.int64(up0[x + 1]), np.int64(up1[x + 1]), np.int64(up2[x + 1])
                a0 = (from0[x] + _paeth(a0, b0, c0)) & 255
                a1 = (from1[x] + _paeth(a1, b1, c1)) & 255
                a2 = (from2[x] + _paeth(a2, b2, c2)) & 255
                row0[x + 1], row1[x + 1], row2[x + 1] = a0, a1, a2
                c0, c1, c2 = b0, b1, b2
        elif predictor == _MED:
            for x in range(width):
                b0, b1, b2 = np.int64(up0[x + 1]), np.int64(up1[x + 1]), np.int64(up2[x + 1])
                a0 = (from0[x] + _med(a0, b0, c0)) & 255
                a1 = (from1[x] + _med(a1, b1, c1)) & 255
                a2 = (from2[x] + _med(a2, b2, c2)) & 255
                row0[x + 1], row1[x + 1], row2[x + 1] = a0, a1, a2
                c0, c1, c2 = b0, b1, b2
        elif predictor == _LEFT:
            a0, a1, a2 = np.int64(up0[1]), np.int64(up1[1]), np.int64(up2[1])
            for x in range(width):
                a0 = (from0[x] + a0) & 255
                a1 = (from1[x] + a1) & 255
                a2 = (from2[x] + a2) & 255
                row0[x + 1], row1[x + 1], row2[x + 1] = a0, a1, a2
        else:
            for x in range(width):
                row0[x + 1], row1[x + 1], row2[x + 1] = from0[x], from1[x], from2[x]
        target = image[y]
        if color == 1:
            for x in range(width):
                green = row1[x + 1]
                target[x, 0] = row0[x + 1] + green
                target[x, 1] = green
                target[x, 2] = row2[x + 1] + green
        else:
            for x in range(width):
                target[x, 0] = row0[x + 1]
                target[x, 1] = row1[x + 1]
                target[x, 2] = row2[x + 1]
    return image
