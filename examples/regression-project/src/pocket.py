"""A small transform codec: YCoCg-R, 8x8 Walsh-Hadamard blocks, a quantisation table, bzip2.

All arithmetic is in whole numbers, so that a bitstream is the same on every machine.
"""

from __future__ import annotations

import bz2
import math
import struct

import numpy as np

_MAGIC = b"PKT1"
_HEADER = struct.Struct(">4sHHB")


def _sequency_ordered_hadamard() -> np.ndarray:
    matrix = np.array([[1]], np.int64)
    for _ in range(3):
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    changes = (np.diff(matrix, axis=1) != 0).sum(axis=1)
    return matrix[np.argsort(changes)]


HADAMARD = _sequency_ordered_hadamard()
FREQUENCY = np.add.outer(np.arange(8), np.arange(8))
LUMA_TABLE = 6 + 4 * FREQUENCY
CHROMA_TABLE = 9 + 9 * FREQUENCY
"""Quantisation steps at quality 50, by vertical and horizontal sequency."""


class Pocket:
    """The codec as rdbench's contract has it."""

    name = "pocket"
    version = "1"
    lossless = False
    qualities = (10.0, 30.0, 50.0, 70.0, 90.0)
    quality_range = (1.0, 100.0)

    def encode(self, image: np.ndarray, quality: float) -> bytes:
        """Compress 8-bit RGB of shape (height, width, 3)."""
        return encode(image, quality)

    def decode(self, bitstream: bytes) -> np.ndarray:
        """The picture of a bitstream."""
        return decode(bitstream)


def encode(image: np.ndarray, quality: float) -> bytes:
    """Compress 8-bit RGB of shape (height, width, 3) at a quality from 1 to 100."""
    if not (math.isfinite(quality) and 1 <= quality <= 100):
        raise ValueError(f"quality {quality} is outside 1 to 100")
    level = round(quality)
    height, width = image.shape[:2]
    padded = np.pad(image, ((0, -height % 8), (0, -width % 8), (0, 0)), mode="edge").astype(np.int64)
    levels = [
        _quantised(plane, table) for plane, table in zip(_to_ycocg(padded), _tables(level), strict=True)
    ]
    # All coefficients of one sequency together: most are zero, in long runs.
    stream = np.stack(levels).transpose(0, 2, 4, 1, 3).astype("<i2").tobytes()
    planes = stream[0::2] + stream[1::2]
    return _HEADER.pack(_MAGIC, height, width, level) + bz2.compress(planes, 9)


def decode(bitstream: bytes) -> np.ndarray:
    """The picture of a bitstream; ``ValueError`` where it is damaged."""
    if len(bitstream) < _HEADER.size:
        raise ValueError("truncated bitstream")
    magic, height, width, level = _HEADER.unpack_from(bitstream)
    if magic != _MAGIC or not (height and width and 1 <= level <= 100):
        raise ValueError("not a bitstream of pocket")
    rows, columns = -(-height // 8), -(-width // 8)
    planes = _unpacked(bitstream[_HEADER.size :], 3 * 64 * rows * columns * 2)
    half = len(planes) // 2
    low, high = (np.frombuffer(part, np.uint8) for part in (planes[:half], planes[half:]))
    stream = (low | (high.astype(np.uint16) << 8)).astype(np.uint16).view(np.int16).astype(np.int64)
    levels = stream.reshape(3, 8, 8, rows, columns).transpose(0, 3, 1, 4, 2)
    restored = [_restored(it, table) for it, table in zip(levels, _tables(level), strict=True)]
    return np.ascontiguousarray(_to_rgb(*restored)[:height, :width])


def _tables(level: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    scale = 5000 // level if level < 50 else 200 - 2 * level
    luma, chroma = (np.maximum(1, (table * scale + 50) // 100) for table in (LUMA_TABLE, CHROMA_TABLE))
    return luma, chroma, chroma


def _quantised(plane: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Levels of shape (block rows, 8, block columns, 8)."""
    rows, columns = plane.shape[0] // 8, plane.shape[1] // 8
    blocks = plane.reshape(rows, 8, columns, 8).transpose(0, 2, 1, 3)
    coefficients = HADAMARD @ blocks @ HADAMARD.T
    step = 8 * table
    levels = np.sign(coefficients) * ((np.abs(coefficients) + step // 2) // step)
    return levels.transpose(0, 2, 1, 3)


def _restored(levels: np.ndarray, table: np.ndarray) -> np.ndarray:
    rows, _, columns, _ = levels.shape
    coefficients = levels.transpose(0, 2, 1, 3) * (8 * table)
    blocks = (HADAMARD.T @ coefficients @ HADAMARD + 32) >> 6
    return blocks.transpose(0, 2, 1, 3).reshape(8 * rows, 8 * columns)


def _to_ycocg(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Luma around zero, and chroma (Malvar and Sullivan, 2003)."""
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    orange = red - blue
    rest = blue + (orange >> 1)
    chroma = green - rest
    return rest + (chroma >> 1) - 128, orange, chroma


def _to_rgb(luma: np.ndarray, orange: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    rest = luma + 128 - (chroma >> 1)
    green = chroma + rest
    blue = rest - (orange >> 1)
    return np.clip(np.stack([blue + orange, green, blue], axis=-1), 0, 255).astype(np.uint8)


def _unpacked(data: bytes, size: int) -> bytes:
    """Exactly ``size`` bytes; a damaged stream can't make more than that."""
    try:
        planes = bz2.BZ2Decompressor().decompress(data, size + 1)
    except (OSError, EOFError) as error:
        raise ValueError(f"damaged bitstream: {error}") from error
    if len(planes) != size:
        raise ValueError(f"damaged bitstream: {len(planes)} bytes of coefficients, {size} are needed")
    return planes
