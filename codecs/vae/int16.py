"""Convolutions of 16-bit integers with sums in 32 bits: the same results on every processor.

Activations are multiples of 2⁻⁸ and weights of 2⁻¹⁴ (:mod:`~.fixed`), here as integers of 16 bits. Sums of
32 bits wrap around, so that a sum is right in any order of summation if the sum itself fits, whatever it went
through. That is made sure of before each layer, from the smallest and largest value of each input channel;
what does not fit raises :class:`OutOfRange`, and is left to the arithmetic in float64.

Fields are of shape (rows, columns, channels), with a border of zeros that spares the kernel all tests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numba
import numpy as np
import torch
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray
from torch import Tensor

from bench_codecs.vae.fixed import ACTIVATION_SCALE, WEIGHT_SCALE

BORDER = 2
"""Zeros around a field that kernels of 3 or 5 rows read."""
PLAIN, RECTIFIED, ROUNDED_FIRST = 0, 1, 2
"""What becomes of a sum: the nearest activation, to which a residual can be added; the nearest activation of
the leaky rectifier; the leaky rectifier of what PLAIN gives, rounded again."""
_WIDE = llvm.get_host_cpu_features().get("avx512bw", False)
_LANES, _POSITIONS = (16, 8) if _WIDE else (8, 6)
"""Vectors of 32-bit sums, two of them for each position: as many as the processor has registers for."""
_GROUP = 2 * _LANES
_SLACK = 2 * _POSITIONS
_MOST = 2.0**31 - 2.0**17
"""What a sum may reach, so that rounding does not take it beyond 32 bits."""


class OutOfRange(Exception):
    """Integers of these widths cannot hold what the networks compute of this picture."""


def _dot_pairs(builder: Any, sums: Any, values: Any, weights: Any) -> Any:
    """``sums`` plus the products of 16-bit pairs; LLVM finds the one instruction of x86 for it, VPDPWSSD."""
    wide = ir.VectorType(ir.IntType(32), _GROUP)
    products = builder.mul(builder.sext(values, wide), builder.sext(weights, wide))
    halves = (
        builder.shuffle_vector(
            products,
            ir.Constant(wide, ir.Undefined),
            ir.Constant(ir.VectorType(ir.IntType(32), _LANES), list(range(first, _GROUP, 2))),
        )
        for first in (0, 1)
    )
    return builder.add(sums, builder.add(*halves))


@intrinsic  # type: ignore[untyped-decorator]
def _multiply(
    typing_context: Any,
    x: Any,
    taps: Any,
    tap_count: Any,
    weights: Any,
    pitch: Any,
    pairs: Any,
    step: Any,
    sums: Any,
) -> tuple[Any, Callable[..., Any]]:
    """Add products for one group of outputs at some neighbouring positions.

    All arguments are integers: the address of the first position; of the taps' distances in bytes, and how
    many; of the group's weights, and bytes from tap to tap; pairs of channels; bytes from position to
    position; the address of the sums, (positions, group) int32.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x, taps, tap_count, weights, pitch, pairs, step, sums = arguments
        word, long = ir.IntType(32), ir.IntType(64)
        vector, operand = ir.VectorType(word, _LANES), ir.VectorType(ir.IntType(16), _GROUP)
        anything, first = (
            ir.Constant(vector, ir.Undefined),
            ir.Constant(ir.VectorType(word, _LANES), [0] * _LANES),
        )

        def pointer(address: Any, to: Any, offset: int = 0) -> Any:
            return builder.inttoptr(builder.add(address, ir.Constant(long, offset)), to.as_pointer())

        places = [
            (p, n, pointer(sums, vector, 4 * _LANES * (2 * p + n))) for p in range(_POSITIONS) for n in (0, 1)
        ]
        held = {(p, n): cgutils.alloca_once_value(builder, builder.load(at, align=4)) for p, n, at in places}
        with cgutils.for_range(builder, tap_count) as tap:
            distance = builder.load(builder.gep(pointer(taps, long), [tap.index]))
            begin, column = builder.add(x, distance), builder.add(weights, builder.mul(pitch, tap.index))
            with cgutils.for_range(builder, pairs) as pair:
                source = builder.add(begin, builder.shl(pair.index, ir.Constant(long, 2)))
                at = builder.add(column, builder.mul(pair.index, ir.Constant(long, 8 * _LANES)))
                factors = [builder.load(pointer(at, operand, 4 * _LANES * n), align=4) for n in (0, 1)]
                for p in range(_POSITIONS):
                    address = builder.add(source, builder.mul(step, ir.Constant(long, p)))
                    both = builder.load(pointer(address, word), align=2)
                    single = builder.insert_element(anything, both, ir.Constant(word, 0))
                    values = builder.bitcast(builder.shuffle_vector(single, anything, first), operand)
                    for n in (0, 1):
                        total = _dot_pairs(builder, builder.load(held[p, n]), values, factors[n])
                        builder.store(total, held[p, n])
        for p, n, at in places:
            builder.store(builder.load(held[p, n]), at, align=4)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 8), generate


_flat = types.Array(types.int16, 1, "C")
_packed = types.Array(types.int16, 5, "C")
_wide = types.Array(types.int32, 1, "C")
_offsets = types.Array(types.int64, 1, "C")
_source = types.UniTuple(types.int64, 7)
_target = types.UniTuple(types.int64, 4)


@numba.njit(
    [
        (
            _flat,
            _source,
            _offsets,
            _packed,
            _wide,
            types.int64,
            _flat,
            types.boolean,
            _flat,
            _target,
            _wide,
            _wide,
        )
    ],
    cache=True,
    nogil=True,
)
def _convolve(x, source, taps, weights, bias, mode, residual, add, out, target, low, high):  # type: ignore[no-untyped-def]
    """Sums as activations.

    ``source`` and ``target`` say where positions lie, as :meth:`Field.source` and :meth:`Field.target` do;
    ``low`` and ``high``, by output, are lowered and raised to the range of the results.
    """
    rows, count, begin, row_step, turn, shift, step = source
    out_begin, out_row, out_step, outputs = target
    sums = np.empty((_POSITIONS, _GROUP), np.int32)
    pitch = 4 * weights.shape[2] * _GROUP
    for row in range(rows):
        start = begin + row * row_step + ((row + turn) & 1) * shift
        for group in range(weights.shape[0]):
            first = group * _GROUP
            most = min(_GROUP, outputs - first)
            factors = weights.ctypes.data + group * weights.shape[1] * pitch
            for column in range(0, count, _POSITIONS):
                for p in range(_POSITIONS):
                    for o in range(_GROUP):
                        sums[p, o] = bias[first + o]
                at = x.ctypes.data + 2 * (start + column * step)
                _multiply(
                    at,
                    taps.ctypes.data,
                    len(taps),
                    factors,
                    pitch,
                    weights.shape[2],
                    2 * step,
                    sums.ctypes.data,
                )
                for p in range(min(_POSITIONS, count - column)):
                    to = out_begin + row * out_row + (column + p) * out_step + first
                    if mode == RECTIFIED:
                        for o in range(most):
                            total = sums[p, o]
                            sums[p, o] = (total + 8192) >> 14 if total > 0 else (total + 65536) >> 17
                    else:
                        for o in range(most):
                            sums[p, o] = (sums[p, o] + 8192) >> 14
                    if add:
                        for o in range(most):
                            sums[p, o] += residual[to + o]
                    if mode == ROUNDED_FIRST:
                        for o in range(most):
                            value = sums[p, o]
                            sums[p, o] = value if value > 0 else (value + 4) >> 3
                    for o in range(most):
                        value = sums[p, o]
                        out[to + o] = value
                        low[first + o] = min(low[first + o], value)
                        high[first + o] = max(high[first + o], value)


@numba.njit(
    [(_flat, _source, _offsets, _packed, types.int64, types.int64, types.Array(types.int64, 2, "C"))],
    cache=True,
    nogil=True,
)
def _accumulate(x, source, taps, weights, pairs, bits, totals):  # type: ignore[no-untyped-def]
    """Add sums over the first ``pairs`` of channels, times 2 to the power ``bits``, to (n, outputs)."""
    rows, count, begin, row_step, turn, shift, step = source
    sums = np.empty((_POSITIONS, _GROUP), np.int32)
    pitch = 4 * weights.shape[2] * _GROUP
    for row in range(rows):
        start = begin + row * row_step + ((row + turn) & 1) * shift
        for group in range(weights.shape[0]):
            first = group * _GROUP
            factors = weights.ctypes.data + group * weights.shape[1] * pitch
            for column in range(0, count, _POSITIONS):
                sums[:] = 0
                at = x.ctypes.data + 2 * (start + column * step)
                _multiply(at, taps.ctypes.data, len(taps), factors, pitch, pairs, 2 * step, sums.ctypes.data)
                for p in range(min(_POSITIONS, count - column)):
                    for o in range(min(_GROUP, totals.shape[1] - first)):
                        totals[row * count + column + p, first + o] += np.int64(sums[p, o]) << bits


class Field:
    """Integers of 16 bits by row, column and channel, zero at first, with a border of zeros."""

    def __init__(self, height: int, width: int, channels: int, border: int = BORDER) -> None:
        self.height, self.width, self.channels = height, width, channels
        self._pitch = (width + 2 * border) * channels
        self._begin = border * (self._pitch + channels)
        tall = height + 2 * border
        # the kernel reads whole groups of positions and pairs of channels, also beyond the last
        self.flat = np.zeros(tall * self._pitch + (_SLACK + 1) * channels, np.int16)
        whole = self.flat[: tall * self._pitch].reshape(tall, width + 2 * border, channels)
        self.inside = whole[border : border + height, border : border + width]
        """The integers without the border, of shape (height, width, channels)."""
        self.low, self.high = np.zeros((2, channels), np.int32)
        """The range of each channel, 0 included."""

    def source(self, stride: int, turn: int | None, first: int) -> tuple[int, ...]:
        """Where a layer reads from channel ``first`` on: everywhere, or on half of the checkerboard."""
        rows, count = -(-self.height // stride), -(-self.width // stride)
        step, shift = stride * self.channels, 0
        if turn is not None:
            count, step, shift = self.width // 2, 2 * self.channels, self.channels
        return rows, count, self._begin + first, stride * self._pitch, turn or 0, shift, step

    def distances(self, taps: NDArray[np.int64]) -> NDArray[np.int64]:
        """Bytes from a position to those of ``taps``, (n, 2) rows and columns."""
        distances: NDArray[np.int64] = 2 * (taps @ np.array([self._pitch, self.channels]))
        return distances

    def target(self, outputs: int) -> tuple[int, int, int, int]:
        """Where a layer of ``outputs`` channels writes."""
        return self._begin, self._pitch, self.channels, outputs

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
        places = np.array([(y, x) for y in range(kernel) for x in range(kernel)]) - kernel // 2
        taken = places.sum(1) % 2 == 1 if alternate else np.ones(len(places), bool)
        self._taps = places[taken]
        self.outputs = outputs
        taps = whole.reshape(outputs, inputs, -1)[:, :, taken]
        self._upper, self._lower = taps.clip(0).sum(2), taps.clip(max=0).sum(2)
        groups, pairs = -(-outputs // _GROUP), -(-inputs // 2)
        padded = np.zeros((groups * _GROUP, 2 * pairs, len(self._taps)))
        padded[:outputs, :inputs] = taps
        packed = padded.reshape(groups, _GROUP, pairs, 2, -1).transpose(0, 4, 2, 1, 3)
        self._weights = torch.tensor(
            np.ascontiguousarray(packed), dtype=torch.int16
        ).numpy()  # torch aligns to lines of the cache
        self._bias = np.zeros(groups * _GROUP, np.int32)
        self._bias[:outputs] = offsets * ACTIVATION_SCALE

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
        total = self._bias
        if bias is not None:
            total = total.copy()
            total[: self.outputs] += bias
        self._check(source.low, source.high, first, total[: self.outputs])
        low, high = np.zeros((2, len(total)), np.int32)
        _convolve(
            source.flat,
            source.source(stride, turn, first),
            source.distances(self._taps),
            self._weights,
            total,
            mode,
            out.flat if residual is None else residual.flat,
            residual is not None,
            out.flat,
            out.target(self.outputs),
            low,
            high,
        )
        out.note(low[: self.outputs], high[: self.outputs])
        return out

    def _check(
        self, low: NDArray[Any], high: NDArray[Any], first: int, offset: NDArray[Any] | int = 0
    ) -> None:
        channels = slice(first, first + self._upper.shape[1])
        low, high = low[channels], high[channels]
        upper = self._upper @ high + self._lower @ low + offset
        lower = self._upper @ low + self._lower @ high + offset
        if upper.max() >= _MOST or lower.min() <= -_MOST:
            raise OutOfRange

    def accumulate(
        self, source: WideField, totals: NDArray[np.int64], turn: int | None, first: int = 0
    ) -> None:
        """Add sums of channels from ``first`` on to ``totals``, (positions, outputs), in multiples of 2⁻²².

        Raises
        ------
        OutOfRange
            A sum might not fit in 32 bits.
        """
        for part, bits in ((source.fine, 0), (source.coarse, source.bits)):
            used = np.flatnonzero((part.high - part.low)[first : first + self._upper.shape[1]])
            if not len(used):
                continue
            self._check(part.low, part.high, first)
            place = part.source(1, turn, first)
            pairs = int(used[-1]) // 2 + 1
            _accumulate(part.flat, place, part.distances(self._taps), self._weights, pairs, bits, totals)


class WideField:
    """Wider integers as two fields: value = 2ⁿ·coarse + fine, where n is ``bits``."""

    def __init__(self, height: int, width: int, channels: int, bits: int = 16) -> None:
        self.bits = bits
        self.fine, self.coarse = (Field(height, width, channels) for _ in range(2))
