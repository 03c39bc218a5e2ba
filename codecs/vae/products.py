"""Sums of products of 16-bit integers in 32 bits, by the widest instructions that the processor has.

Two kernels give the same sums, since 32 bits wrap around in both: one multiplies vectors of pairs, the other
tiles of bytes (AMX), where integers of 16 bits are 256·upper + lower and a product is four products of bytes.
Both add up the products of some neighbouring positions with the weights of a group of outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import llvmlite.binding as llvm
import numpy as np
import torch
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

_FEATURES = llvm.get_host_cpu_features()
_LANES, _ROWS = (16, 8) if _FEATURES.get("avx512bw", False) else (8, 6)
"""Vectors of 32-bit sums, two of them for each position: as many as the processor has registers for."""
VECTORS = _ROWS, 2 * _LANES
"""Positions and outputs of a group."""
TILES = 16, 16
CHUNK = 64
"""Bytes that a tile holds of a position."""
_TILE = 1024
_HAS_TILES = bool(_FEATURES.get("amx-int8", False))

_byte, _word, _long = ir.IntType(8), ir.IntType(32), ir.IntType(64)


@cache
def has_tiles() -> bool:
    """Whether the processor multiplies tiles, and the system lets this process."""
    return _HAS_TILES and bool(getattr(torch.cpu, "_init_amx", bool)())


def pack_pairs(weights: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Weights for vectors, from (outputs, taps, channels)."""
    outputs, taps, channels = weights.shape
    padded = np.zeros((-(-outputs // VECTORS[1]) * VECTORS[1], taps, -(-channels // 2) * 2), np.int16)
    padded[:outputs, :, :channels] = weights
    return _aligned(padded.reshape(-1, VECTORS[1], taps, padded.shape[2] // 2, 2).transpose(0, 2, 3, 1, 4))


def pack_bytes(weights: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Weights for tiles, from (outputs, taps, channels): of each tile the lower, then the upper bytes."""
    outputs, taps, channels = weights.shape
    padded = np.zeros((-(-outputs // TILES[1]) * TILES[1], taps, -(-channels // CHUNK) * CHUNK), np.int16)
    padded[:outputs, :, :channels] = weights
    halves = padded.view(np.uint8).reshape(-1, TILES[1], taps, padded.shape[2] // CHUNK, CHUNK // 4, 4, 2)
    return _aligned(halves.transpose(0, 2, 3, 6, 4, 1, 5))


def _aligned(weights: NDArray[Any]) -> NDArray[np.uint8]:
    flat = np.ascontiguousarray(weights).reshape(-1).view(np.uint8)
    packed: NDArray[np.uint8] = torch.tensor(flat).numpy()  # torch aligns to lines of the cache
    return packed


def _pointer(builder: Any, address: Any, to: Any, offset: int = 0) -> Any:
    return builder.inttoptr(builder.add(address, ir.Constant(_long, offset)), to.as_pointer())


def _dot_pairs(builder: Any, sums: Any, values: Any, weights: Any) -> Any:
    """``sums`` plus the products of 16-bit pairs; LLVM finds the one instruction of x86 for it, VPDPWSSD."""
    wide = ir.VectorType(_word, 2 * _LANES)
    products = builder.mul(builder.sext(values, wide), builder.sext(weights, wide))
    halves = (
        builder.shuffle_vector(
            products,
            ir.Constant(wide, ir.Undefined),
            ir.Constant(ir.VectorType(_word, _LANES), list(range(first, 2 * _LANES, 2))),
        )
        for first in (0, 1)
    )
    return builder.add(sums, builder.add(*halves))


@intrinsic  # type: ignore[untyped-decorator]
def multiply_pairs(
    typing_context: Any,
    x: Any,
    taps: Any,
    tap_count: Any,
    weights: Any,
    pairs: Any,
    step: Any,
    sums: Any,
    pitch: Any,
) -> tuple[Any, Callable[..., Any]]:
    """Sums of one group of outputs at some neighbouring positions.

    All arguments are integers: the address of the first position; of the taps' distances in bytes, and how
    many; of the group's weights; pairs of channels; bytes from position to position; the address of the sums,
    int32, and bytes from those of a position to the next.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x, taps, tap_count, weights, pairs, step, sums, pitch = arguments
        vector, operand = ir.VectorType(_word, _LANES), ir.VectorType(ir.IntType(16), 2 * _LANES)
        anything, zeros = ir.Constant(vector, ir.Undefined), ir.Constant(vector, [0] * _LANES)
        places = [(p, n) for p in range(_ROWS) for n in (0, 1)]
        held = {it: cgutils.alloca_once_value(builder, zeros) for it in places}
        size = builder.mul(pairs, ir.Constant(_long, 8 * _LANES))
        with cgutils.for_range(builder, tap_count) as tap:
            distance = builder.load(builder.gep(_pointer(builder, taps, _long), [tap.index]))
            begin, column = builder.add(x, distance), builder.add(weights, builder.mul(size, tap.index))
            with cgutils.for_range(builder, pairs) as pair:
                source = builder.add(begin, builder.shl(pair.index, ir.Constant(_long, 2)))
                at = builder.add(column, builder.mul(pair.index, ir.Constant(_long, 8 * _LANES)))
                factors = [
                    builder.load(_pointer(builder, at, operand, 4 * _LANES * n), align=4) for n in (0, 1)
                ]
                for p in range(_ROWS):
                    address = builder.add(source, builder.mul(step, ir.Constant(_long, p)))
                    both = builder.load(_pointer(builder, address, _word), align=2)
                    single = builder.insert_element(anything, both, ir.Constant(_word, 0))
                    values = builder.bitcast(builder.shuffle_vector(single, anything, zeros), operand)
                    for n in (0, 1):
                        total = _dot_pairs(builder, builder.load(held[p, n]), values, factors[n])
                        builder.store(total, held[p, n])
        for p, n in places:
            line = builder.add(sums, builder.mul(pitch, ir.Constant(_long, p)))
            builder.store(builder.load(held[p, n]), _pointer(builder, line, vector, 4 * _LANES * n), align=4)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 8), generate


def _tile_instruction(builder: Any, name: str, *arguments: Any) -> None:
    """Tiles are numbers, everything else is a value."""
    values = [ir.Constant(_byte, it) if isinstance(it, int) else it for it in arguments]
    kind = ir.FunctionType(ir.VoidType(), [it.type for it in values])
    builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.x86.{name}"), values)


@intrinsic  # type: ignore[untyped-decorator]
def begin_tiles(typing_context: Any) -> tuple[Any, Callable[..., Any]]:
    """Give every tile 16 rows of 64 bytes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if _HAS_TILES:
            shape = bytes([1, *[0] * 15]) + bytes([CHUNK, 0]) * 8 + bytes(16) + bytes([16]) * 8 + bytes(8)
            stored = cgutils.global_constant(builder, "tiles", cgutils.make_bytearray(shape))
            _tile_instruction(builder, "ldtilecfg", builder.bitcast(stored, _byte.as_pointer()))
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic  # type: ignore[untyped-decorator]
def end_tiles(typing_context: Any) -> tuple[Any, Callable[..., Any]]:
    """Let the tiles go, for them not to be saved when the process is interrupted."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if _HAS_TILES:
            _tile_instruction(builder, "tilerelease")
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic  # type: ignore[untyped-decorator]
def multiply_bytes(
    typing_context: Any,
    x: Any,
    plane: Any,
    taps: Any,
    tap_count: Any,
    weights: Any,
    chunks: Any,
    step: Any,
    sums: Any,
    pitch: Any,
    part: Any,
) -> tuple[Any, Callable[..., Any]]:
    """The same as :func:`multiply_pairs` between :func:`begin_tiles` and :func:`end_tiles`.

    There are ``plane`` bytes from a lower to its upper byte, ``chunks`` of 64 channels, and three sums,
    ``part`` bytes apart: products of lower bytes, of a lower and an upper one, and of upper ones.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if not _HAS_TILES:
            return context.get_dummy_value()
        x, plane, taps, tap_count, weights, chunks, step, sums, pitch, part = arguments
        low, mixed, high, x_low, x_high, low_weights, high_weights = range(7)

        def move(name: str, tile: int, address: Any, distance: Any) -> None:
            _tile_instruction(builder, name, tile, _pointer(builder, address, _byte), distance)

        for total in (low, mixed, high):
            _tile_instruction(builder, "tilezero", total)
        row = ir.Constant(_long, CHUNK)
        with cgutils.for_range(builder, tap_count) as tap:
            distance = builder.load(builder.gep(_pointer(builder, taps, _long), [tap.index]))
            begin, first = builder.add(x, distance), builder.mul(chunks, tap.index)
            with cgutils.for_range(builder, chunks) as chunk:
                source = builder.add(begin, builder.mul(chunk.index, row))
                number = builder.add(first, chunk.index)
                factors = builder.add(weights, builder.mul(number, ir.Constant(_long, 2 * _TILE)))
                move("tileloadd64", low_weights, factors, row)
                move("tileloadd64", x_low, source, step)
                _tile_instruction(builder, "tdpbuud", low, x_low, low_weights)
                move("tileloadd64", x_high, builder.add(source, plane), step)
                _tile_instruction(builder, "tdpbsud", mixed, x_high, low_weights)
                move("tileloadd64", high_weights, builder.add(factors, ir.Constant(_long, _TILE)), row)
                _tile_instruction(builder, "tdpbssd", high, x_high, high_weights)
                _tile_instruction(builder, "tdpbusd", mixed, x_low, high_weights)
        for number, total in enumerate((low, mixed, high)):
            address = builder.add(sums, builder.mul(part, ir.Constant(_long, number)))
            move("tilestored64", total, address, pitch)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 10), generate
