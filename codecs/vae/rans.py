"""Range asymmetric numeral systems (rANS) over tables of integer frequencies.

J. Duda, "Asymmetric numeral systems: entropy coding combining speed of Huffman coding with compression rate
of arithmetic coding", arXiv:1311.2540, 2013. There is one state of 32 bits, words have 16 bits, and
frequencies sum to 2¹⁶. Row ``r`` of the tables codes the integers ``low[r]`` to ``low[r] + size[r] - 2``; its
last symbol is an escape, which is followed by the value in an Elias-gamma code of raw bits.

The kernels take the four arrays of :class:`FrequencyTables` as their last arguments.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from bench.errors import BadBitstream

PRECISION = 16
_LOWER = 1 << 16
_HALF = 1 << (PRECISION - 1)
_MAX_ESCAPE_BITS = 24
ESCAPE_COST_BITS = 24.0


class FrequencyTables(NamedTuple):
    """The cumulative frequencies of all rows, concatenated."""

    cumulative: NDArray[np.int32]
    """For each row, ``size + 1`` values from 0 to 65536."""
    start: NDArray[np.int32]
    """Index in ``cumulative`` at which each row begins, of shape (rows,)."""
    size: NDArray[np.int32]
    """Number of symbols of each row including the escape, of shape (rows,)."""
    low: NDArray[np.int32]
    """Smallest integer of each row, of shape (rows,)."""


@numba.njit(cache=True)
def _interval(cumulative, start, size, low, row, value):  # type: ignore[no-untyped-def]
    """Begin and width of the interval of ``value`` under ``row``, and whether it escapes; all scalars."""
    index = value - low[row]
    escape = size[row] - 1
    if index < 0 or index >= escape:
        index = escape
    at = start[row] + index
    return cumulative[at], cumulative[at + 1] - cumulative[at], index == escape


@numba.njit(cache=True)
def _encode(values, rows, cumulative, start, size, low):  # type: ignore[no-untyped-def]
    """Encode ``values``, (n,) int32, under ``rows``, (n,) int32.

    Returns
    -------
    The words, (m,) uint16, in reverse order of reading, and the final state, uint64.
    """
    count = len(values)
    words = np.empty(2 * count + 16, np.uint16)
    used = 0
    state = np.uint64(_LOWER)
    for position in range(count - 1, -1, -1):
        row = rows[position]
        begin, width, escaped = _interval(cumulative, start, size, low, row, values[position])
        if escaped:
            # The last raw bit is pushed first, so that the decoder pops them in reading order.
            offset = values[position] - low[row]
            negative = offset < 0
            amount = -offset if negative else offset - (size[row] - 1) + 1
            length = 0
            while (amount >> (length + 1)) != 0:
                length += 1
            if used + 2 * _MAX_ESCAPE_BITS + 8 > len(words):
                words = np.concatenate((words, np.empty(len(words) + 64, np.uint16)))
            for bit in range(2 * length + 2):
                # in reading order: sign, unary length, then the bits below the leading one
                if bit < length:
                    raw = (amount >> bit) & 1
                elif bit == length:
                    raw = 0
                elif bit <= 2 * length:
                    raw = 1
                else:
                    raw = 1 if negative else 0
                if state >= np.uint64(_HALF) << np.uint64(16):
                    words[used] = state & np.uint64(0xFFFF)
                    used += 1
                    state >>= np.uint64(16)
                state = (
                    (state // np.uint64(_HALF)) * np.uint64(65536)
                    + state % np.uint64(_HALF)
                    + np.uint64(raw * _HALF)
                )
        if used + 4 > len(words):
            words = np.concatenate((words, np.empty(len(words) + 64, np.uint16)))
        frequency = np.uint64(width)
        if state >= frequency << np.uint64(16):
            words[used] = state & np.uint64(0xFFFF)
            used += 1
            state >>= np.uint64(16)
        state = (state // frequency) * np.uint64(65536) + state % frequency + np.uint64(begin)
    return words[:used], state


@numba.njit(cache=True)
def _decode(rows, words, cursor, cumulative, start, size, low):  # type: ignore[no-untyped-def]
    """Decode one value under each of ``rows``, (n,) int32.

    Parameters
    ----------
    words : (m,) uint16, in reading order
    cursor : (2,) int64, the state and the index of the next word; updated

    Returns
    -------
    The values, (n,) int32, and whether the data are valid.
    """
    values = np.zeros(len(rows), np.int32)
    state = np.uint64(cursor[0])
    position = cursor[1]
    mask = np.uint64(0xFFFF)
    for i in range(len(rows)):
        row = rows[i]
        first = start[row]
        slot = np.int64(state & mask)
        lower, upper = 0, size[row]
        while upper - lower > 1:
            middle = (lower + upper) >> 1
            if cumulative[first + middle] <= slot:
                lower = middle
            else:
                upper = middle
        begin = cumulative[first + lower]
        width = cumulative[first + lower + 1] - begin
        state = np.uint64(width) * (state >> np.uint64(16)) + np.uint64(slot - begin)
        if state < np.uint64(_LOWER):
            if position >= len(words):
                return values, False
            state = (state << np.uint64(16)) | np.uint64(words[position])
            position += 1
        if lower < size[row] - 1:
            values[i] = low[row] + lower
            continue
        negative = False
        amount = 1
        length = 0
        left = -1
        first_bit = True
        while left != 0:
            slot = np.int64(state & mask)
            bit = 1 if slot >= _HALF else 0
            state = np.uint64(_HALF) * (state >> np.uint64(16)) + np.uint64(slot - bit * _HALF)
            if state < np.uint64(_LOWER):
                if position >= len(words):
                    return values, False
                state = (state << np.uint64(16)) | np.uint64(words[position])
                position += 1
            if first_bit:
                negative = bit == 1
                first_bit = False
            elif left < 0:
                if bit == 1:
                    length += 1
                    if length > _MAX_ESCAPE_BITS:
                        return values, False
                else:
                    left = length
            else:
                amount = 2 * amount + bit
                left -= 1
        values[i] = low[row] - amount if negative else low[row] + size[row] - 2 + amount
    cursor[0] = np.int64(state)
    cursor[1] = position
    return values, True


@numba.njit(cache=True)
def _cost(costs, start, size, low, row, value):  # type: ignore[no-untyped-def]
    """Bits of ``value`` under ``row``; ``costs``, float64, is parallel to the cumulative frequencies."""
    index = value - low[row]
    if index < 0 or index >= size[row] - 1:
        return ESCAPE_COST_BITS + np.log2(1.0 + abs(value))
    return costs[start[row] + index]


@numba.njit(cache=True)
def _quantise(residuals, rows, strength, costs, start, size, low):  # type: ignore[no-untyped-def]
    """Round ``residuals``, (n,) float64, or round towards 0 where that saves enough bits; (n,) int32."""
    values = np.zeros(len(residuals), np.int32)
    for i in range(len(residuals)):
        magnitude = abs(residuals[i])
        nearest = int(np.floor(magnitude + 0.5))
        if nearest == 0:
            continue
        sign = -1 if residuals[i] < 0 else 1
        saved = _cost(costs, start, size, low, rows[i], sign * nearest) - _cost(
            costs, start, size, low, rows[i], sign * (nearest - 1)
        )
        if 2 * (magnitude - nearest) + 1 < strength * saved:
            nearest -= 1
        values[i] = sign * nearest
    return values


def bit_costs(tables: FrequencyTables) -> NDArray[np.float64]:
    """Bits of every symbol of the tables, parallel to the cumulative frequencies."""
    costs: NDArray[np.float64] = PRECISION - np.log2(np.diff(tables.cumulative, append=1).clip(1))
    return costs


def quantise_to_tables(
    residuals: NDArray[np.float64],
    rows: NDArray[np.int32],
    strength: float,
    tables: FrequencyTables,
    costs: NDArray[np.float64] | None = None,
) -> NDArray[np.int32]:
    """Quantise with rate–distortion optimisation, by the bit costs of the tables themselves.

    Parameters
    ----------
    residuals : (n,), in quantisation steps
    rows : (n,), the row of the tables that codes each of them
    strength : squared error, in steps², that one saved bit is worth; 0 rounds to the nearest integer
    tables : frequencies
    costs : :func:`bit_costs` of them, which take time
    """
    if costs is None:
        costs = bit_costs(tables)
    values: NDArray[np.int32] = _quantise(
        residuals, rows, strength, costs, tables.start, tables.size, tables.low
    )
    return values


def encode(values: NDArray[np.int32], rows: NDArray[np.int32], tables: FrequencyTables) -> bytes:
    """Encode integers, each under its row of the tables.

    Parameters
    ----------
    values, rows : both of shape (n,)
    tables : frequencies
    """
    words, state = _encode(values, rows, *tables)
    head = np.array([int(state) >> 16, int(state) & 0xFFFF], "<u2")
    payload: bytes = head.tobytes() + words[::-1].astype("<u2").tobytes()
    return payload


class Decoder:
    """Reads integers in the order in which they were encoded.

    Raises
    ------
    bench.errors.BadBitstream
        The payload is cut short or damaged.
    """

    def __init__(self, payload: bytes, tables: FrequencyTables) -> None:
        if len(payload) < 4 or len(payload) % 2:
            raise BadBitstream("vae: the entropy-coded payload is cut short")
        words = np.frombuffer(payload, "<u2").astype(np.uint16)
        self._words = words[2:]
        self._cursor = np.array([(int(words[0]) << 16) | int(words[1]), 0], np.int64)
        self._tables = tables
        if self._cursor[0] < _LOWER:
            raise BadBitstream("vae: the entropy-coded payload is damaged")

    def read(self, rows: NDArray[np.int32]) -> NDArray[np.int32]:
        """Read one integer under each of ``rows``, of shape (n,).

        Raises
        ------
        bench.errors.BadBitstream
            The payload ends too early or holds an impossible value.
        """
        values, sound = _decode(rows, self._words, self._cursor, *self._tables)
        if not sound:
            raise BadBitstream("vae: the entropy-coded payload is truncated or damaged")
        decoded: NDArray[np.int32] = values
        return decoded

    def finish(self) -> None:
        """Check that all words were used and that the state is back at its initial value.

        Raises
        ------
        bench.errors.BadBitstream
            It is not.
        """
        if self._cursor[1] != len(self._words) or self._cursor[0] != _LOWER:
            raise BadBitstream("vae: the entropy-coded payload does not end where it should")
