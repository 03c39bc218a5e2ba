"""JPEG XR (ITU-T T.832) by jxrlib."""

from __future__ import annotations

import numpy as np

from bench.codec import Channels, Samples
from bench.errors import Unsupported
from bench_codecs._common.claims import check_claim
from bench_codecs._common.library import as_image, damage, load_imagecodecs
from bench_codecs._common.options import check_quality
from bench_codecs._common.sizes import jpegxr_size

_FULL_CHROMA = 0.5
"""The level from which colour is 4:4:4."""
_BLOCK = 16
"""Pixels a side of a macroblock."""


class JpegXr:
    """JPEG XR files of one tile as jxrlib's program writes them, lossy or without loss.

    Quality is that of ``JxrEncApp -q`` in hundredths, 1 to 99, and may be a fraction. As that program does,
    below 50 it codes 8-bit colour in 4:2:0 with two levels of overlap between blocks, for which a picture has
    to be wider than 16 pixels; from 50 in 4:4:4 with one level. The file's directory, some 150 bytes, counts.

    Parameters
    ----------
    lossless : code losslessly; quality is then ignored
    """

    name = "jpegxr"
    qualities: tuple[float, ...]
    quality_range: tuple[float, float] | None
    depths = (8, 16)
    channels: tuple[Channels, ...] = ("rgb", "grey", "rgba")

    def __init__(self, *, lossless: bool = False) -> None:
        self._imagecodecs, library = load_imagecodecs(self.name, "jpegxr")
        self.version = f"1+{library}"
        self.lossless = lossless
        self.qualities = () if lossless else (5, 15, 30, 45, 60, 75, 85, 95)
        self.quality_range = None if lossless else (1.0, 99.0)

    def encode(self, image: Samples, quality: float | None) -> bytes:
        """Compress to a JXR file."""
        level = 1.0
        if self.quality_range is not None:
            level = check_quality(self.name, quality, self.quality_range) / 100
            halved = level < _FULL_CHROMA and image.dtype == np.uint8 and image.ndim == 3
            if halved and image.shape[1] <= _BLOCK:
                raise Unsupported(f"jpegxr: {image.shape[1]} pixels wide; 4:2:0 begins at {_BLOCK + 1}")
        return bytes(self._imagecodecs.jpegxr_encode(image, level=level))

    def decode(self, bitstream: bytes) -> Samples:
        """Reconstruct the image."""
        check_claim(self.name, jpegxr_size(bitstream), len(bitstream))
        with damage(self.name):
            return as_image(self.name, self._imagecodecs.jpegxr_decode(bitstream), self.channels, deep=True)
