"""The networks in fixed point as integers of 16 bits, on a CPU: what the modules compute, much faster.

What decides on symbols is the same to the last bit. Where integers of 16 and 32 bits are too narrow for a
picture, :class:`~.int16.OutOfRange` is raised, and the modules themselves compute in float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numba
import numpy as np
import torch
from numba import types
from numpy.typing import NDArray
from torch import Tensor

from bench_codecs.vae.fixed import ACTIVATION_LIMIT, ACTIVATION_SCALE, WEIGHT_SCALE, snap_weight
from bench_codecs.vae.int16 import PLAIN, RECTIFIED, ROUNDED_FIRST, Field, Layer, OutOfRange, WideField
from bench_codecs.vae.lapped import filter_blocks, filter_pixels
from bench_codecs.vae.levels import STEPS_PER_LEVEL
from bench_codecs.vae.rate import LOG_SCALE_MIN, LOG_SCALE_STEPS, SCALES
from bench_codecs.vae.transform import BLOCK

if TYPE_CHECKING:
    from bench_codecs.vae.context import ContextModel, SliceModel
    from bench_codecs.vae.networks import AnalysisBranch
    from bench_codecs.vae.prior import HyperAnalysis
    from bench_codecs.vae.transform import FineTransform

Integers: TypeAlias = NDArray[np.int64]
Symbols: TypeAlias = NDArray[np.int32]
_LIMIT = int(ACTIVATION_LIMIT * ACTIVATION_SCALE)
_COLUMNS = 16
"""Positions that loops visit before the next channel, for what they read to stay in the cache."""
_LOG_MIN = int(LOG_SCALE_MIN * WEIGHT_SCALE)


def _layer(module: Any, order: Integers | None = None, *, alternate: bool = False) -> Layer:
    return Layer(module.weight, module.bias, order, alternate=alternate)


def _field(values: NDArray[np.float64], factors: NDArray[np.float64], *, divide: bool = False) -> Field:
    """(height, width, channels) times or divided by a factor by channel, on the grid of activations."""
    field = Field(*values.shape)
    ranges = np.zeros((2, values.shape[2]), np.int32)
    if not _round(values, factors, divide, field.values, ranges):
        raise OutOfRange
    field.note(*ranges)
    return field


def by_channel(values: Tensor) -> NDArray[np.float64]:
    """(1, channels, height, width) -> (height, width, channels), in one piece."""
    return np.ascontiguousarray(values[0].permute(1, 2, 0).double().numpy())


def _table(table: Tensor, code: int) -> Integers:
    """:func:`~.fixed.at_level` in multiples of 2⁻¹⁴, (channels,)."""
    rows = table.numpy()
    row = min(code // STEPS_PER_LEVEL, len(rows) - 2)
    weight = (code - row * STEPS_PER_LEVEL) / STEPS_PER_LEVEL
    value = rows[row] * (1 - weight) + rows[row + 1] * weight
    integers: Integers = np.floor(value * WEIGHT_SCALE + 0.5).astype(np.int64)
    return integers


def _level_bias(table: Tensor, code: int) -> NDArray[np.int32]:
    return (_table(table, code) * int(ACTIVATION_SCALE)).astype(np.int32)


def _by_sample(basis: Tensor) -> Tensor:
    """A basis of blocks, (coefficients, 192, 1, 1), with colours last."""
    return basis.reshape(len(basis), 3, -1).transpose(1, 2).reshape(basis.shape)


class IntegerAnalysis:
    """:class:`~.transform.FineTransform` and :class:`~.networks.AnalysisBranch`."""

    def __init__(self, transform: FineTransform, branch: AnalysisBranch | None) -> None:
        self._boundary = (snap_weight(transform.boundary) * WEIGHT_SCALE).int().numpy()
        self._transform = Layer(_by_sample(snap_weight(transform.analysis)), None)
        self._branch = branch
        if branch is not None:
            self._first, self._second, self._last = map(_layer, (branch.first, branch.second, branch.last))
            self._blocks = [tuple(map(_layer, block.children())) for block in branch.blocks]

    def __call__(self, pixels: NDArray[np.uint8], code: int) -> NDArray[np.float64]:
        """A picture, (height, width, 3) in multiples of 64 -> coefficients, (h, w, channels)."""
        height, width = (side // BLOCK for side in pixels.shape[:2])
        blocks = WideField(height, width, 3 * BLOCK * BLOCK, 8)
        samples = pixels.reshape(len(pixels), -1)
        filter_pixels(samples, self._boundary, blocks.fine.values, blocks.coarse.values)
        blocks.fine.high[:] = 255
        blocks.coarse.low[:], blocks.coarse.high[:] = -1025, 1025
        totals = np.zeros((height, width, self._transform.outputs), np.int64)
        self._transform.accumulate(blocks, totals, None)
        y: NDArray[np.float64] = _rounded(totals)
        if self._branch is None:
            return y
        x = _field(y, self._branch.spread().numpy(), divide=True)

        def like(layer: Layer) -> Field:
            return Field(height, width, layer.outputs)

        bias = _level_bias(self._branch.level_bias, code)
        x = self._first(x, like(self._first), RECTIFIED, bias=bias)
        x = self._second(x, like(self._second), RECTIFIED)
        for first, second in self._blocks:
            x = second(first(x, like(first), RECTIFIED), like(second), PLAIN, residual=x)
        _correct(y, self._last(x, like(self._last), PLAIN).values)
        return y


class IntegerHyperAnalysis:
    """:class:`~.prior.HyperAnalysis`."""

    def __init__(self, analysis: HyperAnalysis) -> None:
        self._layers = [_layer(it) for it in (analysis.first, *analysis.down)]

    def __call__(self, latents: NDArray[np.float64], norm: Integers) -> NDArray[np.float64]:
        """Latents, (h, w, channels), and what normalises them -> hyper-latents, (channels, rows, columns)."""
        field = _field(latents, norm / WEIGHT_SCALE)
        stride = 1
        for layer in self._layers:
            out = Field(-(-field.height // stride), -(-field.width // stride), layer.outputs)
            field = layer(field, out, PLAIN if layer is self._layers[-1] else ROUNDED_FIRST, stride=stride)
            stride = 2
        hyper: NDArray[np.float64] = field.values.transpose(2, 0, 1) / ACTIVATION_SCALE
        return hyper


class IntegerSlice:
    """:class:`~.context.SliceModel`."""

    def __init__(self, part: SliceModel) -> None:
        self.part = part
        self.mix, self.body, self.head = map(_layer, (part.mix, part.body, part.head))
        self.linear = [_layer(it) for it in part.linear]
        # from the second pass, the latents of the first are an odd number of steps away
        two = part.passes == 2
        self.anchors = _layer(part.anchors, alternate=True) if two else None
        self.linear_anchors = _layer(part.linear_anchors, alternate=True) if two else None

    def outputs(self, mixed: Field, bias: NDArray[np.int32], turn: int, anchors: int) -> Field:
        """Residuals of the means and factors of the scales, at the positions of pass ``turn`` alone.

        ``anchors``: the first channel of ``mixed`` that belongs to this slice.
        """
        half = turn if self.anchors is not None else None
        width = mixed.width if half is None else mixed.width // 2

        def run(layer: Layer, x: Field, mode: int, **options: Any) -> Field:
            return layer(x, Field(mixed.height, width, layer.outputs), mode, **options)

        if self.anchors is not None and turn:
            base = run(self.mix, mixed, PLAIN, bias=bias, turn=half)
            x = run(self.anchors, mixed, ROUNDED_FIRST, residual=base, turn=half, first=anchors)
        else:
            x = run(self.mix, mixed, ROUNDED_FIRST, bias=bias, turn=half)
        return run(self.head, run(self.body, x, ROUNDED_FIRST), PLAIN)

    def linear_means(self, decoded: WideField, turn: int) -> Integers:
        """Linear predictions, (positions, channels), in multiples of 2⁻²²."""
        half = turn if self.anchors is not None else None
        width = decoded.fine.width if half is None else decoded.fine.width // 2
        totals = np.zeros((decoded.fine.height, width, self.part.size), np.int64)
        if self.linear:
            self.linear[turn].accumulate(decoded, totals, half)
        if self.linear_anchors is not None and turn:
            self.linear_anchors.accumulate(decoded, totals, half, self.part.start)
        return totals


class IntegerContext:
    """:class:`~.context.ContextModel`."""

    def __init__(self, context: ContextModel) -> None:
        self._context = context
        self._slices = [IntegerSlice(it) for it in context.parts()]
        self._hyper = []
        for layer in context.hyper.children():
            order = np.arange(4 * context.spec.features).reshape(-1, 4).T.ravel()  # pixels before channels
            self._hyper.append(_layer(layer, order))

    def features(self, hyper: Symbols) -> Field:
        """Features of hyper-latents, (channels, h, w), in a field that has room for the latents as well."""
        x = _field(hyper.transpose(1, 2, 0).astype(np.float64, order="C"), np.ones(len(hyper)))
        for layer in self._hyper:
            shuffled = layer(x, Field(x.height, x.width, layer.outputs), ROUNDED_FIRST)
            channels = layer.outputs // 4
            room = self._context.spec.channels if layer is self._hyper[-1] else 0
            x = Field(2 * x.height, 2 * x.width, channels + room)
            pixels = shuffled.values.reshape(shuffled.height, shuffled.width, 2, 2, channels)
            for row in (0, 1):
                for column in (0, 1):
                    x.values[row::2, column::2, :channels] = pixels[:, :, row, column]
            x.note(shuffled.low.reshape(4, -1).min(0), shuffled.high.reshape(4, -1).max(0))
        return x

    def walk(
        self, mixed: Field, code: int, coder: IntegerCoder, given: Tensor | None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """:meth:`~.context.ContextModel.walk` of one picture; (height, width, channels).

        ``mixed``: the features, to which the decoded latents are added.
        """
        context, spec = self._context, self._context.spec
        latents = _Latents(mixed, spec.features, _table(context.norm, code))
        known = 0
        if given is not None:
            known = given.shape[1]
            means = (given[0] * ACTIVATION_SCALE).flatten(1).to(torch.int32).numpy()
            latents.put(0, 0, False, means, np.zeros_like(means))
        log_scales = np.empty((mixed.height, mixed.width, spec.channels - known), np.float32)
        for it in self._slices:
            start, stop = it.part.start, it.part.start + it.part.size
            bias = _level_bias(it.part.level_bias, code)
            two = it.part.passes == 2
            for turn in range(it.part.passes):
                found = it.outputs(mixed, bias, turn, spec.features + start)
                gain = _table(context.mean_gain[turn][:, start:stop], code)
                energy = _table(context.log_energy[turn][:, start:stop], code)
                linear = it.linear_means(latents.wide, turn)
                means = np.empty((linear.shape[2], linear.shape[0] * linear.shape[1]), np.int32)
                scales = np.empty(means.shape, np.uint8)
                _distribution(
                    found.values, linear, gain, energy, turn, two, start - known, means, scales, log_scales
                )
                latents.put(start, turn, two, means, coder(start, turn, two, means, scales))
        return latents.decoded, log_scales


class IntegerCoder(Protocol):
    """What a walk does with each group of latents."""

    def __call__(
        self, start: int, turn: int, two: bool, means: NDArray[np.int32], scales: NDArray[np.uint8]
    ) -> Symbols:
        """Symbols of the channels from ``start`` on, of shape (channels, positions).

        Parameters
        ----------
        turn, two : the pass, and whether there are two, each over half of a checkerboard
        means : in multiples of 2⁻⁸, of the shape of the symbols
        scales : indices, of the same shape
        """
        ...


class _Latents:
    """Latents that are known so far, as the layers and the synthesis want them."""

    def __init__(self, mixed: Field, features: int, norm: Integers) -> None:
        self._mixed, self._features, self._norm = mixed, features, norm
        shape = mixed.height, mixed.width, len(norm)
        self.wide = WideField(*shape)
        self.decoded = np.empty(shape, np.float32)

    def put(self, start: int, turn: int, two: bool, means: NDArray[np.int32], symbols: Symbols) -> None:
        """Add the latents of some channels."""
        fields = (self.wide.fine, 0), (self.wide.coarse, 0), (self._mixed, self._features)
        ranges = np.zeros((3, 2, len(means)), np.int32)
        norm = self._norm[start : start + len(means)]
        insides = (field.values[..., first:] for field, first in fields)
        if not _put(means, symbols, norm, start, turn, two, *insides, self.decoded, ranges):
            raise OutOfRange
        for (field, first), (low, high) in zip(fields, ranges, strict=True):
            field.note(low, high, first + start)


def _three(kind: types.Type, layout: str = "C") -> types.Type:
    return types.Array(kind, 3, layout)


_flat_wide = types.Array(types.int64, 1, "C")
_means = types.Array(types.int32, 2, "C")


@numba.njit(
    [
        (
            _three(types.int16, "A"),
            _three(types.int64),
            *(_flat_wide, _flat_wide, types.int64, types.boolean, types.int64),
            *(_means, types.Array(types.uint8, 2, "C"), _three(types.float32)),
        )
    ],
    cache=True,
    nogil=True,
)
def _distribution(found, linear, gain, energy, turn, two, first, means, scales, log_scales):  # type: ignore[no-untyped-def]
    """Means and indices of scales of one group; log scales go to their places, from channel ``first`` on."""
    size = len(means)
    columns = found.shape[1]
    for row, first_column, c in np.ndindex(found.shape[0], -(-columns // _COLUMNS), size):
        for column in range(first_column * _COLUMNS, min((first_column + 1) * _COLUMNS, columns)):
            n = row * columns + column
            x = 2 * column + ((row + turn) & 1) if two else column
            mean = (linear[row, column, c] + found[row, column, c] * gain[c] + 8192) >> 14
            means[c, n] = min(max(mean, -_LIMIT), _LIMIT)
            factor = np.int64(min(max(found[row, column, size + c], -6 * 256), 4 * 256))
            log_scale = 64 * factor + energy[c]
            index = ((log_scale - _LOG_MIN) * LOG_SCALE_STEPS + 8192) >> 14
            scales[c, n] = min(max(index, 0), SCALES - 1)
            log_scales[row, x, first + c] = log_scale / 16384.0


@numba.njit(
    [
        (
            *(_means, _means, _flat_wide, types.int64, types.int64, types.boolean),
            *(_three(types.int16, "A"),) * 3,
            _three(types.float32),
            _three(types.int32),
        )
    ],
    cache=True,
    nogil=True,
)
def _put(means, symbols, norm, start, turn, two, fine, coarse, mixed, decoded, ranges):  # type: ignore[no-untyped-def]
    """Write means plus symbols of one group; whether they fit."""
    columns = fine.shape[1] // 2 if two else fine.shape[1]
    fits = True
    for row, first_column, c in np.ndindex(fine.shape[0], -(-columns // _COLUMNS), len(means)):
        for column in range(first_column * _COLUMNS, min((first_column + 1) * _COLUMNS, columns)):
            n = row * columns + column
            x = 2 * column + ((row + turn) & 1) if two else column
            value = means[c, n] + (np.int64(symbols[c, n]) << 8)
            upper = (value + 32768) >> 16
            normal = (value * norm[c] + 8192) >> 14
            fits &= -32768 <= upper <= 32767 and -32768 <= normal <= 32767
            lower = value - (upper << 16)
            fine[row, x, start + c] = lower
            coarse[row, x, start + c] = upper
            mixed[row, x, start + c] = normal
            decoded[row, x, start + c] = value / 256.0
            for place, it in enumerate((lower, upper, normal)):
                ranges[place, 0, c] = min(ranges[place, 0, c], it)
                ranges[place, 1, c] = max(ranges[place, 1, c], it)
    return fits


@numba.njit(
    [(_three(types.float64), types.int64, _means, types.int64, types.boolean)],
    cache=True,
    nogil=True,
)
def residuals_of(wanted, start, means, turn, two):  # type: ignore[no-untyped-def]
    """Latents, (height, width, channels) in steps, minus the means of one group, in multiples of 2⁻⁸."""
    columns = wanted.shape[1] // 2 if two else wanted.shape[1]
    residuals = np.empty(means.shape)
    for row, first_column, c in np.ndindex(wanted.shape[0], -(-columns // _COLUMNS), len(means)):
        for column in range(first_column * _COLUMNS, min((first_column + 1) * _COLUMNS, columns)):
            n = row * columns + column
            x = 2 * column + ((row + turn) & 1) if two else column
            residuals[c, n] = wanted[row, x, start + c] - means[c, n] / 256.0
    return residuals


_ranges = types.Array(types.int32, 2, "C")


@numba.njit(
    [
        (
            _three(types.float64),
            types.Array(types.float64, 1, "C"),
            types.boolean,
            _three(types.int16, "A"),
            _ranges,
        )
    ],
    cache=True,
    nogil=True,
)
def _round(values, factors, divide, inside, ranges):  # type: ignore[no-untyped-def]
    """Values times or divided by factors as activations; whether they fit."""
    size = values.shape[2]
    rounded = np.empty(size, np.int32)
    fits = True
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            for c in range(size):
                value = values[row, column, c]
                value = value / factors[c] if divide else value * factors[c]
                value = np.floor(value * 256.0 + 0.5)
                fits &= -32768.0 <= value <= 32767.0
                rounded[c] = np.int32(min(max(value, -32768.0), 32767.0))
                ranges[0, c] = min(ranges[0, c], rounded[c])
                ranges[1, c] = max(ranges[1, c], rounded[c])
            for c in range(size):
                inside[row, column, c] = rounded[c]
    return fits


@numba.njit([(_three(types.int64),)], cache=True, nogil=True)
def _rounded(totals):  # type: ignore[no-untyped-def]
    """Sums in multiples of 2⁻²² on the grid of activations, as numbers."""
    values = np.empty(totals.shape)
    for row in range(totals.shape[0]):
        for column in range(totals.shape[1]):
            for c in range(totals.shape[2]):
                value = (totals[row, column, c] + 8192) >> 14
                values[row, column, c] = min(max(value, -_LIMIT), _LIMIT) / 256.0
    return values


@numba.njit([(_three(types.float64), _three(types.int16, "A"))], cache=True, nogil=True)
def _correct(y, correction):  # type: ignore[no-untyped-def]
    """Add 20 times the correction, in multiples of 2⁻⁸."""
    for row in range(y.shape[0]):
        for column in range(y.shape[1]):
            for c in range(y.shape[2]):
                y[row, column, c] += (20.0 / 256.0) * correction[row, column, c]


def _stacked(pictures: list[Tensor]) -> Tensor:
    """One tensor of all pictures, without a copy of a single one."""
    return torch.stack(pictures) if len(pictures) > 1 else pictures[0][None]


class IntegerNetworks:
    """All networks that decide on symbols, made of modules in fixed point, and the inverse transform.

    Parameters
    ----------
    transform, branch : of the analysis; None for no branch
    grids : hyper-analysis and context model of the coarse and of the fine latents

    Raises
    ------
    OutOfRange
        The weights need more than 16 bits.
    """

    def __init__(
        self,
        transform: FineTransform,
        branch: AnalysisBranch | None,
        grids: Sequence[tuple[HyperAnalysis, ContextModel]],
    ) -> None:
        self._analysis = IntegerAnalysis(transform, branch)
        self._synthesis = _by_sample(transform.synthesis).flatten(1).contiguous()
        self._inverse_boundary = transform.boundary.T.contiguous().numpy()
        self._hyper = [IntegerHyperAnalysis(analysis) for analysis, _ in grids]
        self._norms = [context.norm for _, context in grids]
        self.contexts = [IntegerContext(context) for _, context in grids]

    def coefficients(self, pixels: NDArray[np.uint8], code: int) -> Tensor:
        """:meth:`~.model.VaeModel.coefficients` of pictures (batch, height, width, 3).

        Raises
        ------
        OutOfRange
            The integers are too narrow.
        """
        found = [torch.from_numpy(self._analysis(it, code)) for it in pixels]
        return _stacked(found).permute(0, 3, 1, 2)

    def hyper(self, grid: int, latents: NDArray[np.float64], code: int) -> NDArray[np.float64]:
        """Hyper-latents of the coarse (0) or fine (1) latents; see :class:`IntegerHyperAnalysis`."""
        return self._hyper[grid](latents, _table(self._norms[grid], code))

    def inverse(self, y: Tensor) -> Tensor:
        """:meth:`~.transform.FineTransform.inverse`, in float32."""
        batch, channels, height, width = y.shape
        flat = y.permute(0, 2, 3, 1).reshape(-1, channels)
        blocks = torch.mm(flat, self._synthesis).reshape(batch, height, width, -1).numpy()
        samples = [torch.from_numpy(filter_blocks(it, self._inverse_boundary)) for it in blocks]
        return _stacked(samples).reshape(batch, BLOCK * height, BLOCK * width, 3).permute(0, 3, 1, 2)
