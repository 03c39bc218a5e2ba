"""A compiled walk through the entropy-coded data of a baseline JPEG scan (ITU-T T.81, Annex F)."""

# mypy: disable-error-code="untyped-decorator, no-untyped-def"
# numba has no types and infers those of its functions

from __future__ import annotations

import numba
import numpy as np

END_OF_BLOCK = 64
"""Index of the end-of-block codes, after the 64 coefficients."""


@numba.njit(cache=True, nogil=True)
def _peek(data, position):
    """The 16 bits of ``data``, (n,) uint8, from the bit ``position``; bits after the end are 0."""
    byte = position >> 3
    value = np.int64(0)
    for i in range(3):
        value <<= 8
        if byte + i < data.size:
            value |= data[byte + i]
    return (value >> (8 - (position & 7))) & 0xFFFF


@numba.njit(cache=True, nogil=True)
def _extended(data, position, size):
    """The signed value of ``size`` additional bits (F.2.2.1)."""
    if size == 0:
        return 0
    value = _peek(data, position) >> (16 - size)
    return value if value >> (size - 1) else value - (1 << size) + 1


@numba.njit(cache=True, nogil=True)
def walk_scan(data, stuffed, layout, codes, quantisers, blocks):
    """Measure the bits of every block and of every coefficient.

    Parameters
    ----------
    data : (n,) uint8, without the zero bytes stuffed after 0xFF
    stuffed : (n + 1,) int64, number of stuffed bytes before each byte; they count for the symbol that ends
        there
    layout : (components, 4) int64: horizontal and vertical blocks of an MCU, rows and columns of MCUs
    codes : (components, 2, 65536) int32, look-up tables of DC and AC codes
    quantisers : (components, 64) int64
    blocks : (components, rows, columns) float64, large enough for the largest component; receives the bits of
        each block

    Returns
    -------
    Bits and summed squares by zigzag index, the last index being that of end-of-block codes, both
    (components, 65) float64; the position in bits after the last block; whether the data are valid.
    """
    components = layout.shape[0]
    bits = np.zeros((components, 65))
    squares = np.zeros((components, 65))
    predictions = np.zeros(components, np.int64)
    position = 0
    last = 8 * data.size
    mcu_rows, mcu_columns = layout[0, 2], layout[0, 3]
    # The blocks of a scan with one component are not interleaved, but come row by row.
    for mcu in range(mcu_rows * mcu_columns):
        for c in range(components):
            horizontal, vertical = layout[c, 0], layout[c, 1]
            for block in range(horizontal * vertical):
                row = mcu // mcu_columns * vertical + block // horizontal
                column = mcu % mcu_columns * horizontal + block % horizontal
                begin = np.float64(position + 8 * stuffed[position >> 3])
                block_begin = begin
                place = 0
                while place < 64:
                    entry = codes[c, 0 if place == 0 else 1, _peek(data, position)]
                    symbol = entry & 255
                    size = symbol & 15
                    if entry == 0 or position >= last:
                        return bits, squares, position, False
                    position += entry >> 8
                    at = END_OF_BLOCK
                    if place == 0:
                        # DC sizes of 8-bit samples are at most 11.
                        if symbol > 15:
                            return bits, squares, position, False
                        predictions[c] += _extended(data, position, size)
                        squares[c, 0] += np.float64(predictions[c] * quantisers[c, 0]) ** 2
                        at, place = 0, 1
                    elif size:
                        place += symbol >> 4
                        if place > 63:
                            return bits, squares, position, False
                        value = _extended(data, position, size) * quantisers[c, place]
                        squares[c, place] += np.float64(value) ** 2
                        at = place
                        place += 1
                    elif symbol == 0xF0:
                        place += 16  # sixteen zeros, which count for the next coefficient
                        continue
                    else:
                        place = 64
                    position += size
                    end = np.float64(position + 8 * stuffed[min(position >> 3, data.size)])
                    bits[c, at] += end - begin
                    begin = end
                blocks[c, row, column] += begin - block_begin
    return bits, squares, position, position <= last
