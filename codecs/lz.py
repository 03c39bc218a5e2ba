"""Lossless coding by reversible transforms and a Lempel-Ziv dictionary coder."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from bench.codec import DEPTHS, Channels, Image, Samples
from bench.errors import BadBitstream
from bench.explanation import Explanation
from bench_codecs._common.library import damage
from bench_codecs._common.options import check_choice, check_integer
from bench_codecs._lossless.compressors import LEVELS, compressor
from bench_codecs._lossless.container import Container, pack, unpack, version_of
from bench_codecs._lossless.parts import FORMAT, is_plain, pack_parts, unpack_parts
from bench_codecs._lossless.transforms import (
    COLORS,
    PREDICTORS,
    Color,
    Predictor,
    forward,
    inverse,
    load_kernels,
    pack_options,
    unpack_options,
    warm_up,
)

Method = Literal["deflate", "lzw", "lz4", "zstd", "lzma", "brotli"]

_MAGIC, _FORMAT = b"LZ", 1
_METHODS: tuple[str, ...] = get_args(Method)


class Lz:
    """The residual planes of the transforms of ``huffman``, packed by a general-purpose compressor.

    Of samples of more than 8 bits the two bytes are planes of their own.

    Parameters
    ----------
    method : the compressor; ``lzw`` is that of GIF, ``deflate`` that of PNG and zip (libdeflate)
    level : effort; −1 is the default, in brackets: deflate 0 to 12 (6), lz4 1 to 12 (1; from 3 on the
        high-compression variant), zstd 1 to 22 (3), lzma 0 to 9 (6), brotli 0 to 11 (9); for lzw the widest
        code in bits, 9 to 16 (12)
    color, predictor : reversible transforms, as in ``huffman``; with ``none`` the compressor gets the
        samples, plane by plane
    """

    name = "lz"
    lossless = True
    qualities: tuple[float, ...] = ()
    quality_range: tuple[float, float] | None = None
    depths = tuple(DEPTHS)
    channels: tuple[Channels, ...] = ("rgb", "grey", "rgba")

    def __init__(
        self,
        *,
        method: Method = "deflate",
        level: int = -1,
        color: Color = "subtract_green",
        predictor: Predictor = "paeth",
    ) -> None:
        check_choice(self.name, "method", method, _METHODS)
        check_choice(self.name, "color", color, COLORS)
        check_choice(self.name, "predictor", predictor, PREDICTORS)
        lowest, highest, default = LEVELS[method]
        if level == -1:
            level = default
        check_integer(f"lz:method={method}", "level", level, lowest, highest)
        kernels = load_kernels(self.name)
        self._method = method
        self._color = COLORS.index(color)
        self._predictor = PREDICTORS.index(predictor)
        self._compressor = compressor(method, level)
        self.version = f"1+{self._compressor.version}+{kernels}"
        warm_up(self)

    def encode(self, image: Samples, quality: float | None = None, *, depth: int = 8) -> bytes:
        """Compress; ``quality`` is ignored, and ``depth`` need not be known."""
        height, width = image.shape[:2]
        options = pack_options(self._color, self._predictor) | _METHODS.index(self._method) << 3
        if is_plain(image):
            return pack(_MAGIC, _FORMAT, Container(width, height, options, self._payload(image)))
        return pack(_MAGIC, FORMAT, Container(width, height, options, pack_parts(image, self._payload)))

    def _payload(self, image: Image) -> bytes:
        return self._compressor.compress(forward(image, self._color, self._predictor).tobytes())

    def decode(self, bitstream: bytes) -> Samples:
        """Reconstruct the image, whatever method and level it was coded with."""
        if version_of(bitstream) != FORMAT:
            container = unpack(_MAGIC, _FORMAT, bitstream)
            return self._image(container, container.payload)
        container = unpack(_MAGIC, FORMAT, bitstream)
        return unpack_parts(container.payload, lambda payload: self._image(container, payload))

    def _image(self, container: Container, payload: bytes) -> Image:
        method = container.options >> 3
        if method >= len(_METHODS):
            raise BadBitstream(f"lz: unknown method {method}")
        expander = self._compressor
        if _METHODS[method] != self._method:
            expander = compressor(_METHODS[method], LEVELS[_METHODS[method]][2])
        size = 3 * container.width * container.height
        with damage(self.name):
            data = expander.expand(payload, size)
        if len(data) != size:
            raise BadBitstream(f"lz: {len(data)} bytes where the picture has {size}")
        residual = np.frombuffer(data, np.uint8).reshape(3, container.height, container.width)
        return inverse(residual, *unpack_options(container.options))

    def explain(self, image: Image, quality: float | None, bitstream: bytes) -> Explanation:
        """The codes of every sample, for the methods ``lzw`` and ``deflate``."""
        from bench_codecs._lossless.bits import explain_lz

        return explain_lz(image, unpack(_MAGIC, _FORMAT, bitstream), len(bitstream), self._method)
