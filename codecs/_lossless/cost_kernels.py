"""Compiled kernels that measure the bits of each byte or pixel in a compressed stream, without decoding it.

The bits of a code that stands for several bytes or pixels are spread evenly over them. Positions are in bits.
"""

# mypy: disable-error-code="untyped-decorator, no-untyped-def"
# numba has no types and infers those of its functions

from __future__ import annotations

import numba
import numpy as np

_END_OF_BLOCK = 256
_LONGEST_CODE = 15
_LENGTH_EXTRA = np.array([*[0] * 8, *np.repeat(np.arange(1, 6), 4), 0])
_LENGTH_BASE = np.array([*(3 + np.cumsum([0, *(1 << _LENGTH_EXTRA[:27])])), 258])
_DISTANCE_EXTRA = np.array([0, 0, *np.repeat(np.arange(14), 2)])
_ORDER = np.array((16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15))


@numba.njit(cache=True, nogil=True)
def _bits(data, position, count):
    """``count`` bits of ``data``, (n,) uint8, the least significant first; bits after the end are 0."""
    value = 0
    for i in range(count):
        at = position + i
        if at >> 3 < data.size:
            value |= (data[at >> 3] >> (at & 7) & 1) << i
    return value


@numba.njit(cache=True, nogil=True)
def _canonical(lengths):
    """A canonical code from its lengths, (symbols,) int64.

    Returns
    -------
    The number of codes of each length, (16,) int64, and the symbols in the order of their codes, (symbols,)
    int64.
    """
    counts = np.zeros(_LONGEST_CODE + 1, np.int64)
    for length in lengths:
        counts[length] += 1
    symbols = np.empty(lengths.size, np.int64)
    filled = 0
    for length in range(1, _LONGEST_CODE + 1):
        for symbol in range(lengths.size):
            if lengths[symbol] == length:
                symbols[filled] = symbol
                filled += 1
    return counts, symbols


@numba.njit(cache=True, nogil=True)
def _symbol(data, position, counts, symbols):
    """The next symbol of ``data``, (n,) uint8, and the length of its code; (−1, 0) if there is none.

    ``counts`` and ``symbols`` are what :func:`_canonical` returns.
    """
    code = first = index = 0
    for length in range(1, _LONGEST_CODE + 1):
        code |= _bits(data, position + length - 1, 1)
        count = counts[length]
        if code - first < count:
            return symbols[index + code - first], length
        index += count
        first = (first + count) << 1
        code <<= 1
    return -1, 0


@numba.njit(cache=True, nogil=True)
def _dynamic_lengths(data, position):
    """The tables of a dynamic block of ``data``, (n,) uint8.

    Returns
    -------
    Code lengths of literals, (288,) int64, and of distances, (at most 32,) int64, and the position after the
    tables; −1 if they are damaged.
    """
    lengths = np.zeros(320, np.int64)
    n_literals = _bits(data, position, 5) + 257
    n_distances = _bits(data, position + 5, 5) + 1
    n_own = _bits(data, position + 10, 4) + 4
    position += 14
    own = np.zeros(19, np.int64)
    for i in range(n_own):
        own[_ORDER[i]] = _bits(data, position, 3)
        position += 3
    counts, symbols = _canonical(own)
    filled = 0
    while filled < n_literals + n_distances:
        symbol, used = _symbol(data, position, counts, symbols)
        position += used
        repeat, value = 1, symbol
        if symbol < 0:
            return lengths[:288], lengths[288:], -1
        if symbol == 16:
            value = lengths[filled - 1] if filled else 0
            repeat = 3 + _bits(data, position, 2)
            position += 2
        elif symbol == 17:
            value = 0
            repeat = 3 + _bits(data, position, 3)
            position += 3
        elif symbol == 18:
            value = 0
            repeat = 11 + _bits(data, position, 7)
            position += 7
        if filled + repeat > 320:
            return lengths[:288], lengths[288:], -1
        lengths[filled : filled + repeat] = value
        filled += repeat
    literals = np.zeros(288, np.int64)
    literals[:n_literals] = lengths[:n_literals]
    return literals, lengths[n_literals : n_literals + n_distances].copy(), position


@numba.njit(cache=True, nogil=True)
def inflate_costs(data, size):
    """Bits of each byte that a DEFLATE stream (RFC 1951) expands to.

    Parameters
    ----------
    data : (n,) uint8, the stream
    size : number of bytes that it expands to

    Returns
    -------
    The bits, (size,) float64; the position after the last block; whether the stream is valid. The difference
    between the position and the sum of the bits is what block headers, code tables and end-of-block codes
    take.
    """
    costs = np.zeros(size)
    position = 0
    filled = 0
    final = 0
    while not final:
        final = _bits(data, position, 1)
        kind = _bits(data, position + 1, 2)
        position += 3
        if kind == 3 or position > 8 * data.size:
            return costs, position, False
        if kind == 0:
            position = (position + 7) // 8 * 8
            length = _bits(data, position, 16)
            if filled + length > size:
                return costs, position, False
            costs[filled : filled + length] = 8
            filled += length
            position += 32 + 8 * length
            continue
        literals = np.full(288, 8, np.int64)
        literals[144:256] = 9
        literals[256:280] = 7
        distances = np.full(30, 5, np.int64)
        if kind == 2:
            literals, distances, position = _dynamic_lengths(data, position)
            if position < 0:
                return costs, position, False
        literal_counts, literal_symbols = _canonical(literals)
        distance_counts, distance_symbols = _canonical(distances)
        while True:
            symbol, used = _symbol(data, position, literal_counts, literal_symbols)
            if symbol < 0 or position > 8 * data.size:
                return costs, position, False
            position += used
            if symbol == _END_OF_BLOCK:
                break
            length = 1
            if symbol > _END_OF_BLOCK:
                if symbol > 285:
                    return costs, position, False
                extra = _LENGTH_EXTRA[symbol - 257]
                length = _LENGTH_BASE[symbol - 257] + _bits(data, position, extra)
                distance, more = _symbol(data, position + extra, distance_counts, distance_symbols)
                if distance < 0 or distance > 29:
                    return costs, position, False
                position += extra + more + _DISTANCE_EXTRA[distance]
                used += extra + more + _DISTANCE_EXTRA[distance]
            if filled + length > size:
                return costs, position, False
            costs[filled : filled + length] = used / length
            filled += length
    return costs, position, filled == size and position <= 8 * data.size


@numba.njit(cache=True, nogil=True)
def lzw_costs(stream, max_bits, size):
    """Bits of each byte of an LZW stream, (n,) uint8; see :func:`inflate_costs`.

    ``max_bits`` is the widest code of the stream, 9 to 16.
    """
    clear, end, first = 256, 257, 258
    lengths = np.ones(1 << max_bits, np.int64)
    costs = np.zeros(size)
    position = 0
    filled = 0
    width = 9
    following = first
    previous = 0
    while True:
        code = _bits(stream, position, width)
        position += width
        if code == end or position > 8 * stream.size:
            return costs, position, filled == size and code == end
        if code == clear:
            width, following, previous = 9, first, 0
            continue
        used = width
        if previous and following < 1 << max_bits:
            lengths[following] = previous + 1
            following += 1
            if following == 1 << width and width < max_bits:
                width += 1
        length = lengths[code]
        if code >= following or filled + length > size:
            return costs, position, False
        costs[filled : filled + length] = used / length
        previous = length
        filled += length


@numba.njit(cache=True, nogil=True)
def qoi_costs(stream, size):
    """Bits of each of ``size`` pixels in the chunks of a QOI file, (n,) uint8; see :func:`inflate_costs`."""
    costs = np.zeros(size)
    position = 0
    filled = 0
    while filled < size:
        if position >= stream.size:
            return costs, 8 * position, False
        tag = stream[position]
        used, length = 1, 1
        if tag == 0xFE:
            used = 4
        elif tag == 0xFF:
            used = 5
        elif tag >> 6 == 2:
            used = 2
        elif tag >> 6 == 3:
            length = (tag & 63) + 1
        if filled + length > size:
            return costs, 8 * position, False
        costs[filled : filled + length] = 8 * used / length
        filled += length
        position += used
    return costs, 8 * position, True
