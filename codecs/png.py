"""PNG (ISO/IEC 15948) by libpng."""

from __future__ import annotations

import zlib
from typing import Literal, get_args

from bench.codec import DEPTHS, Channels, Image, Samples
from bench.explanation import Explanation
from bench_codecs._common.claims import check_claim
from bench_codecs._common.library import as_image, damage, load_imagecodecs
from bench_codecs._common.options import check_choice, check_integer, check_side
from bench_codecs._common.sizes import png_size

Filter = Literal["adaptive", "none", "sub", "up", "average", "paeth"]

_HEADER_END = 33
"""Where the chunk IHDR ends, which is the first one."""
_SAMPLES = {2: 3, 4: 2, 6: 4}
"""Samples of a pixel by colour type; one for the others."""
_LIBPNG_NAMES = {"adaptive": "ALL", "average": "AVG"}


class Png:
    """Lossless PNG, not interlaced.

    Samples of 9 to 15 bits are scaled up to 16 by repeating their leading bits, and an sBIT chunk says how
    many of them are significant (W3C PNG, 12.4), which counts.

    Parameters
    ----------
    level : zlib level, 0 (stored) to 9
    filter : scanline filter; ``adaptive`` chooses one for each line by libpng's heuristic
    """

    name = "png"
    lossless = True
    qualities: tuple[float, ...] = ()
    quality_range: tuple[float, float] | None = None
    depths = tuple(DEPTHS)
    channels: tuple[Channels, ...] = ("rgb", "grey", "rgba")

    def __init__(self, *, level: int = 6, filter: Filter = "adaptive") -> None:
        check_integer(self.name, "level", level, 0, 9)
        check_choice(self.name, "filter", filter, get_args(Filter))
        self._imagecodecs, library = load_imagecodecs(self.name, "png")
        self._level = level
        self._filter = getattr(self._imagecodecs.PNG.FILTER, _LIBPNG_NAMES.get(filter, filter.upper()))
        self.version = f"1+{library}"

    def encode(self, image: Samples, quality: float | None = None, *, depth: int = 8) -> bytes:
        """Compress to a PNG file; ``quality`` is ignored."""
        check_side(self.name, image.shape, 1_000_000)
        stored = image if depth in (8, 16) else image << (16 - depth) | image >> (2 * depth - 16)
        bitstream = bytes(
            self._imagecodecs.png_encode(
                stored,
                level=self._level,
                strategy=self._imagecodecs.PNG.STRATEGY.DEFAULT,
                filter=self._filter,
                # imagecodecs' own estimate forgets the filter byte of each row.
                out=image.nbytes + image.nbytes // 8 + 2 * image.shape[0] + 4096,
            )
        )
        if depth in (8, 16):
            return bitstream
        significant = b"sBIT" + bytes([depth]) * (image.shape[2] if image.ndim == 3 else 1)
        length, checksum = len(significant) - 4, zlib.crc32(significant)
        chunk = length.to_bytes(4, "big") + significant + checksum.to_bytes(4, "big")
        return bitstream[:_HEADER_END] + chunk + bitstream[_HEADER_END:]

    def decode(self, bitstream: bytes) -> Samples:
        """Reconstruct the image."""
        size = png_size(bitstream)
        bits, colour = bitstream[24:26].ljust(2, b"\0")
        # DEFLATE expands a byte to at most 1032, and a pixel takes one for each sample, or two.
        sample_bytes = (2 if bits == 16 else 1) * _SAMPLES.get(colour, 1)
        check_claim(self.name, size, len(bitstream), 1032 // sample_bytes)
        with damage(self.name):
            stored = as_image(self.name, self._imagecodecs.png_decode(bitstream), self.channels, deep=True)
        if bits == 16 and bitstream[_HEADER_END + 4 : _HEADER_END + 8] == b"sBIT":
            stored >>= max(0, 16 - bitstream[_HEADER_END + 8])
        return stored

    def explain(self, image: Image, quality: float | None, bitstream: bytes) -> Explanation:
        """The DEFLATE codes of every sample."""
        from bench_codecs._lossless.bits import explain_png

        return explain_png(image, bitstream)
