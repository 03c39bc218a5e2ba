"""Convolutions of 16-bit integers with sums in 32 bits: the same results on every processor.

Activations are multiples of 2⁻⁸ and weights of 2⁻¹⁴ (:mod:`~.fixed`), here as integers of 16 bits. Sums of
32 bits wrap around, so that a sum is right in any order of summation if the sum itself fits, whatever it went
through. That is made sure of before each layer, from the smallest and largest value of each input channel;
what does not fit raises :class:`OutOfRange`, and is left to the arithmetic in float64.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray
from torch import Tensor

from bench_codecs.vae import products
from bench_codecs.vae.fixed import ACTIVATION_SCALE, WEIGHT_SCALE

PLAIN, RECTIFIED, ROUNDED_FIRST = 0, 1, 2
"""What becomes of a sum: the nearest activation, to which a residual can be added; the nearest activation of
the leaky rectifier; the leaky rectifier of what PLAIN gives, rounded again."""
_MOST = 2.0**31 - 2.0**17
"""What a sum may reach, so that rounding does not take it beyond 32 bits."""


class OutOfRange(Exception):
    """Integers of these widths cannot hold what the networks compute of this picture."""


_begin_tiles, _end_tiles = products.begin_tiles, products.end_tiles
_multiply_bytes, _multiply_pairs = products.multiply_bytes, products.multiply_pairs
_VECTORS, _TILES = products.VECTORS, products.TILES
_field = types.Array(types.int16, 3, "C")
_bytes = types.Array(types.uint8, 1, "C")
_words = types.Array(types.int32, 1, "C")
_sums = types.Array(types.int32, 3, "C")
_window = types.UniTuple(types.int64, 5)


@numba.njit([_bytes(_field, _window, types.boolean)], cache=True, nogil=True)
def _laid_out(x, window, tiled):  # type: ignore[no-untyped-def]
    """Channels in a border of zeros, as the products want them: both bytes together, or each in a plane."""
    height, width, _ = x.shape
    first, channels, kernel, _, _ = window
    border = kernel // 2
    wide = width + 2 * border
    size = (height + 2 * border) * wide * channels
    # whole groups of positions and channels are read, also beyond the last
    flat = np.empty(size + 2 * _TILES[0] * channels + 2 * products.CHUNK, np.int16)
    if border:
        flat[:size] = 0
    split = flat.view(np.uint8)
    for row in range(height):
        for column in range(width):
            to = ((row + border) * wide + column + border) * channels
            values = x[row, column, first : first + channels]
            if tiled:
                lower, upper = split[to : to + channels], split[size + to : size + to + channels]
                for c in range(channels):
                    lower[c] = values[c] & 255
                for c in range(channels):
                    upper[c] = values[c] >> 8
            else:
                flat[to : to + channels] = values
    return split


@numba.njit([_sums(types.int64, types.boolean)], cache=True, nogil=True)
def _room(outputs, tiled):  # type: ignore[no-untyped-def]
    """Room for the sums of :func:`_multiply`: (parts, positions, outputs), in whole groups."""
    group = _TILES if tiled else _VECTORS
    return np.empty((3 if tiled else 1, group[0], -(-outputs // group[1]) * group[1]), np.int32)


@numba.njit(
    [
        (
            *(_bytes, types.UniTuple(types.int64, 3), _window, types.boolean),
            *(types.Array(types.int64, 1, "C"), _bytes, types.int64),
            *(types.int64, types.int64, _sums),
        )
    ],
    cache=True,
    nogil=True,
)
def _multiply(laid_out, shape, window, tiled, taps, weights, run, row, column, sums):  # type: ignore[no-untyped-def]
    """Sums of a layer at some positions of a row, from ``column`` on; ``shape`` is that of the field.

    ``sums``: (parts, positions, outputs), where outputs are whole groups.
    """
    _, channels, kernel, stride, turn = window
    height, width, _ = shape
    border = kernel // 2
    wide = (width + 2 * border) * channels
    start, step = row * stride * wide, stride * channels
    if turn >= 0:
        start, step = start + ((row + turn) & 1) * channels, 2 * channels
    start += column * step
    _, positions, outputs = sums.shape
    group = _TILES[1] if tiled else _VECTORS[1]
    size = len(weights) // (outputs // group)
    for number in range(outputs // group):
        if tiled:
            _multiply_bytes(
                laid_out.ctypes.data + start,
                (height + 2 * border) * wide,
                taps.ctypes.data,
                len(taps),
                weights.ctypes.data + number * size,
                run,
                step,
                sums.ctypes.data + 4 * number * group,
                4 * outputs,
                4 * outputs * positions,
            )
        else:
            _multiply_pairs(
                laid_out.ctypes.data + 2 * start,
                taps.ctypes.data,
                len(taps),
                weights.ctypes.data + number * size,
                run,
                2 * step,
                sums.ctypes.data + 4 * number * group,
                4 * outputs,
            )
    if tiled:
        for p in range(positions):
            for o in range(outputs):
                sums[0, p, o] += (sums[1, p, o] << 8) + (sums[2, p, o] << 16)


@numba.njit(
    [
        (
            *(_field, _window, types.boolean, types.Array(types.int64, 1, "C"), _bytes, types.int64),
            *(_words, types.int64, _field, types.boolean, _field, _words, _words),
        )
    ],
    cache=True,
    nogil=True,
)
def _convolve(x, window, tiled, taps, weights, run, bias, mode, residual, add, out, low, high):  # type: ignore[no-untyped-def]
    """Sums as activations; ``low`` and ``high``, by output, are lowered and raised to their range."""
    laid_out = _laid_out(x, window, tiled)
    rows, count, outputs = out.shape
    sums = _room(outputs, tiled)
    positions = sums.shape[1]
    if tiled:
        _begin_tiles()
    for row in range(rows):
        for column in range(0, count, positions):
            _multiply(laid_out, x.shape, window, tiled, taps, weights, run, row, column, sums)
            for p in range(min(positions, count - column)):
                line, to, other = sums[0, p], out[row, column + p], residual[row, column + p]
                for o in range(outputs):
                    total = np.int32(line[o] + bias[o])
                    if mode == RECTIFIED and total <= 0:
                        line[o] = np.int32(total + 65536) >> 17
                    else:
                        line[o] = np.int32(total + 8192) >> 14
                if add:
                    for o in range(outputs):
                        line[o] += other[o]
                if mode == ROUNDED_FIRST:
                    for o in range(outputs):
                        line[o] = line[o] if line[o] > 0 else np.int32(line[o] + 4) >> 3
                for o in range(outputs):
                    to[o] = line[o]
                    low[o] = min(low[o], line[o])
                    high[o] = max(high[o], line[o])
    if tiled:
        _end_tiles()


@numba.njit(
    [
        (
            *(_field, _window, types.boolean, types.Array(types.int64, 1, "C"), _bytes, types.int64),
            *(types.int64, types.Array(types.int64, 3, "C")),
        )
    ],
    cache=True,
    nogil=True,
)
def _accumulate(x, window, tiled, taps, weights, run, bits, totals):  # type: ignore[no-untyped-def]
    """Add sums times 2 to the power ``bits`` to (rows, columns, outputs)."""
    laid_out = _laid_out(x, window, tiled)
    rows, count, outputs = totals.shape
    sums = _room(outputs, tiled)
    positions = sums.shape[1]
    if tiled:
        _begin_tiles()
    for row in range(rows):
        for column in range(0, count, positions):
            _multiply(laid_out, x.shape, window, tiled, taps, weights, run, row, column, sums)
            for p in range(min(positions, count - column)):
                for o in range(outputs):
                    totals[row, column + p, o] += np.int64(sums[0, p, o]) << bits
    if tiled:
        _end_tiles()


class Field:
    """Integers of 16 bits by row, column and channel, and the range of each channel.

    What is not written yet has no value; a range takes 0 in.
    """

    def __init__(self, height: int, width: int, channels: int) -> None:
        self.height, self.width = height, width
        self.values = np.empty((height, width, channels), np.int16)
        self.low, self.high = np.zeros((2, channels), np.int32)

    def note(self, low: NDArray[np.int32], high: NDArray[np.int32], first: int = 0) -> None:
        """Widen the range of the channels from ``first`` on.

        Raises
        ------
        OutOfRange
            What was written did not fit.
        """
        if low.min() < -(1 << 15) or high.max() >= 1 << 15:
            raise OutOfRange
        channels = slice(first, first + len(low))
        np.minimum(self.low[channels], low, out=self.low[channels])
        np.maximum(self.high[channels], high, out=self.high[channels])


class Layer:
    """A convolution in fixed point, packed for the kernels.

    Parameters
    ----------
    weight, bias : as of :class:`~.fixed.FixedConv2d` in fixed point
    order : of the outputs
    alternate : whether only the taps count that are an odd number of steps away: where the first pass over a
        checkerboard has been, seen from a position of the second

    Raises
    ------
    OutOfRange
        The weights need more than 16 bits.
    """

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        order: NDArray[np.int64] | None = None,
        *,
        alternate: bool = False,
    ) -> None:
        outputs, inputs, kernel, _ = weight.shape
        whole = (weight.double() * WEIGHT_SCALE).cpu().numpy()
        offsets = np.zeros(outputs) if bias is None else (bias.double() * WEIGHT_SCALE).cpu().numpy()
        if order is not None:
            whole, offsets = whole[order], offsets[order]
        if abs(whole).max() >= 1 << 15 or abs(offsets).max() >= 1 << 22:
            raise OutOfRange
        self.inputs, self.outputs, self._kernel = inputs, outputs, kernel
        taps = whole.transpose(0, 2, 3, 1).copy()  # (outputs, rows, columns, inputs)
        taken = np.ones((kernel, kernel), bool)
        if alternate:
            taken = np.add.outer(np.arange(kernel), np.arange(kernel)) % 2 == 1
            taps[:, ~taken] = 0
        self._upper, self._lower = taps.clip(0).sum((1, 2)), taps.clip(max=0).sum((1, 2))
        self._tiled = products.has_tiles()
        if self._tiled:  # a row of taps lies in one piece
            self._taps = np.array([(row, 0) for row in range(kernel)])
            self._weights = products.pack_bytes(taps.reshape(outputs, kernel, -1))
            self._run = -(-kernel * inputs // products.CHUNK)
        else:
            self._taps = np.argwhere(taken)
            self._weights = products.pack_pairs(taps[:, taken])
            self._run = -(-inputs // 2)
        self._bias = (offsets * ACTIVATION_SCALE).astype(np.int32)

    def __call__(
        self,
        source: Field,
        out: Field,
        mode: int,
        *,
        bias: NDArray[np.int32] | None = None,
        residual: Field | None = None,
        stride: int = 1,
        turn: int | None = None,
        first: int = 0,
    ) -> Field:
        """Write activations to ``out``, and return it.

        Parameters
        ----------
        source : the input's channels, from ``first`` on
        out : of the size of what is computed
        mode : PLAIN, RECTIFIED or ROUNDED_FIRST
        bias : added to the layer's own, in multiples of 2⁻²², of shape (outputs,)
        residual : of the size of ``out``
        turn : the pass over a checkerboard, if its positions alone are computed

        Raises
        ------
        OutOfRange
            A sum might not fit in 32 bits, or a result does not in 16.
        """
        total = self._bias if bias is None else self._bias + bias
        self._check(source.low, source.high, first, total)
        low, high = np.zeros((2, self.outputs), np.int32)
        _convolve(
            *self._prepared(source, stride, turn, first),
            total,
            mode,
            out.values if residual is None else residual.values,
            residual is not None,
            out.values,
            low,
            high,
        )
        out.note(low, high)
        return out

    def _prepared(self, source: Field, stride: int, turn: int | None, first: int) -> tuple[Any, ...]:
        """What the kernels take first."""
        wide = (source.width + self._kernel // 2 * 2) * self.inputs
        distances = self._taps @ np.array([wide, self.inputs]) * (1 if self._tiled else 2)
        window = first, self.inputs, self._kernel, stride, -1 if turn is None else turn
        return source.values, window, self._tiled, distances, self._weights, self._run

    def _check(
        self, low: NDArray[Any], high: NDArray[Any], first: int, offset: NDArray[Any] | int = 0
    ) -> None:
        channels = slice(first, first + self.inputs)
        low, high = low[channels], high[channels]
        upper = self._upper @ high + self._lower @ low + offset
        lower = self._upper @ low + self._lower @ high + offset
        if upper.max() >= _MOST or lower.min() <= -_MOST:
            raise OutOfRange

    def accumulate(
        self, source: WideField, totals: NDArray[np.int64], turn: int | None, first: int = 0
    ) -> None:
        """Add sums of channels from ``first`` on to ``totals``, in multiples of 2⁻²².

        ``totals``: (rows, columns, outputs).

        Raises
        ------
        OutOfRange
            A sum might not fit in 32 bits.
        """
        for part, bits in ((source.fine, 0), (source.coarse, source.bits)):
            if (part.high - part.low)[first : first + self.inputs].any():
                self._check(part.low, part.high, first)
                _accumulate(*self._prepared(part, 1, turn, first), bits, totals)


class WideField:
    """Wider integers as two fields: value = 2ⁿ·coarse + fine, where n is ``bits``."""

    def __init__(self, height: int, width: int, channels: int, bits: int = 16) -> None:
        self.bits = bits
        self.fine, self.coarse = (Field(height, width, channels) for _ in range(2))
