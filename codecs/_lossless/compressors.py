"""The dictionary coders behind ``lz``, with one interface from bytes to bytes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from bench.errors import BadBitstream
from bench_codecs._common.library import load_imagecodecs

LEVELS: dict[str, tuple[int, int, int]] = {
    "deflate": (0, 12, 6),
    "lzw": (9, 16, 12),
    "lz4": (1, 12, 1),
    "zstd": (1, 22, 3),
    "lzma": (0, 9, 6),
    # brotli's own default is 11, which takes two seconds for a 768x512 image.
    "brotli": (0, 11, 9),
}
"""Lowest, highest and default level of each method."""


class Compressor(ABC):
    """A method at some level."""

    version: str
    """Name and version of the library behind it."""

    @abstractmethod
    def compress(self, data: bytes) -> bytes:
        """Compress ``data``."""

    @abstractmethod
    def expand(self, data: bytes, size: int) -> bytes:
        """Undo :meth:`compress`, without ever allocating more than ``size`` bytes for the result."""


class Lzw(Compressor):
    """LZW by :mod:`.lzw_kernels`; the level is the widest code in bits."""

    version = "own LZW"

    def __init__(self, max_bits: int) -> None:
        from bench_codecs._lossless import lzw_kernels

        self._kernels = lzw_kernels
        self._max_bits = max_bits

    def compress(self, data: bytes) -> bytes:
        stream: NDArray[np.uint8] = self._kernels.lzw_encode(np.frombuffer(data, np.uint8), self._max_bits)
        return bytes((self._max_bits,)) + stream.tobytes()

    def expand(self, data: bytes, size: int) -> bytes:
        if not data or not 9 <= data[0] <= 16:
            raise BadBitstream("lz: no LZW code width")
        expanded = self._kernels.lzw_decode(np.frombuffer(data, np.uint8, offset=1), data[0], size)
        return bytes(expanded.tobytes())


class Library(Compressor):
    """A method of imagecodecs with as little framing as possible: raw DEFLATE, LZ4 block, no checksums."""

    def __init__(self, method: str, level: int) -> None:
        self._imagecodecs, self.version = load_imagecodecs("lz", method)
        self._encode = getattr(self._imagecodecs, f"{method}_encode")
        self._decode = getattr(self._imagecodecs, f"{method}_decode")
        self._decode_options = {"raw": True} if method == "deflate" else {}
        self._encode_options = {"level": level, **_framing(self._imagecodecs, method, level)}

    def compress(self, data: bytes) -> bytes:
        return bytes(self._encode(data, **self._encode_options))

    def expand(self, data: bytes, size: int) -> bytes:
        return bytes(self._decode(data, out=size, **self._decode_options))


def _framing(imagecodecs: ModuleType, method: str, level: int) -> dict[str, object]:
    match method:
        case "deflate":
            return {"raw": True}
        case "lz4":
            # As in the lz4 program, the high-compression search begins at level 3.
            return {"hc": level >= 3}
        case "lzma":
            return {"check": imagecodecs.LZMA.CHECK.NONE}
    return {}


def compressor(method: str, level: int) -> Compressor:
    """The compressor of a method at a level that ``LEVELS`` allows."""
    return Lzw(level) if method == "lzw" else Library(method, level)
