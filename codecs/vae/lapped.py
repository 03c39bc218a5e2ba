"""The filter across the boundaries of 8×8 blocks: the encoder's in integers, the decoder's in float32.

It is that of :mod:`~.transform`: an 8×8 matrix over the four rows, then columns, on both sides of a boundary.
Pictures lie row by row, (height, 3·width), and a block's 192 channels are its rows, columns and colours.
"""

from __future__ import annotations

import numba
import numpy as np
from numba import types

_field = types.Array(types.int16, 3, "A")


@numba.njit(
    [(types.Array(types.uint8, 2, "C"), types.Array(types.int32, 2, "C"), _field, _field)],
    cache=True,
    nogil=True,
)
def filter_pixels(pixels, boundary, fine, coarse):  # type: ignore[no-untyped-def]
    """Samples around 0, filtered across the boundaries of blocks: 2⁸·coarse + fine, in multiples of 2⁻⁸.

    ``pixels``: (height, 3·width); ``boundary``: in multiples of 2⁻¹⁴. The filter keeps lengths, so
    that no result exceeds 8·128.
    """
    height, width = pixels.shape
    half, line = 4, 24
    across = boundary.T.copy()
    lines = np.empty((8, width))
    tall = np.empty((8, width))
    matrix = boundary.astype(np.float64)
    filtered = np.empty(8, np.int32)
    for top in range(-half, height, 8):
        first, last = max(top, 0), min(top + 8, height)
        for row in range(first, last):
            to = lines[row - top]
            for x in range(width):
                to[x] = (pixels[row, x] - 128) * 16384.0
            for start in range(half * 3, width - line + 1, line):
                for colour in range(3):
                    filtered[:] = 0
                    for j in range(8):
                        sample = np.int32(pixels[row, start + 3 * j + colour]) - 128
                        for i in range(8):
                            filtered[i] += across[j, i] * sample
                    for i in range(8):
                        to[start + 3 * i + colour] = filtered[i]
        for row in range(first, last):
            if last - first == 8:
                for x in range(width):
                    total = 0.0
                    for j in range(8):
                        total += matrix[row - top, j] * lines[j, x]
                    tall[row - top, x] = total
            else:
                for x in range(width):
                    tall[row - top, x] = lines[row - top, x] * 16384.0
            block, channel = row // 8, row % 8 * line
            for column in range(width // line):
                for c in range(line):
                    value = np.int32(np.floor(tall[row - top, column * line + c] * (1.0 / (1 << 20)) + 0.5))
                    coarse[block, column, channel + c] = value >> 8
                    fine[block, column, channel + c] = value & 255


@numba.njit(
    [(types.Array(types.float32, 3, "C"), types.Array(types.float32, 2, "C"))],
    cache=True,
    nogil=True,
    fastmath={"contract"},
)
def filter_blocks(blocks, matrix):  # type: ignore[no-untyped-def]
    """Blocks, (rows, columns, 192), filtered: samples, (height, 3·width)."""
    height, width = 8 * blocks.shape[0], 24 * blocks.shape[1]
    samples = np.empty((height, width), np.float32)
    across = matrix.T.copy()
    lines = np.empty((8, width), np.float32)
    line = np.empty(width, np.float32)
    filtered = np.empty(8, np.float32)
    for top in range(-4, height, 8):
        first, last = max(top, 0), min(top + 8, height)
        for row in range(first, last):
            for column in range(blocks.shape[1]):
                for c in range(24):
                    lines[row - top, 24 * column + c] = blocks[row // 8, column, row % 8 * 24 + c]
        for row in range(first, last):
            to = samples[row]
            if last - first == 8:
                for x in range(width):
                    total = np.float32(0)
                    for j in range(8):
                        total += matrix[row - top, j] * lines[j, x]
                    line[x] = total
            else:
                line[:] = lines[row - top]
            to[:] = line
            for start in range(12, width - 23, 24):
                for colour in range(3):
                    filtered[:] = 0
                    for j in range(8):
                        for i in range(8):
                            filtered[i] += across[j, i] * line[start + 3 * j + colour]
                    for i in range(8):
                        to[start + 3 * i + colour] = filtered[i]
    return samples
