"""AVIF (AV1 Image File Format) by libavif, with libaom's encoder."""

from __future__ import annotations

from typing import Literal, get_args

from bench.codec import Channels, Samples
from bench_codecs._common.claims import check_claim
from bench_codecs._common.library import as_image, damage, load_imagecodecs
from bench_codecs._common.options import (
    check_choice,
    check_integer,
    check_side,
    check_threads,
    check_whole_quality,
)
from bench_codecs._common.sizes import avif_size

Subsampling = Literal["420", "422", "444"]


class Avif:
    """Lossy AVIF, 8, 10 or 12 bits, full-range YCbCr, one tile. Alpha is coded without loss.

    Quality is libavif's, a whole number from 0 to 99. Its 100 is not an operating point here, because it
    selects a separate lossless mode that ignores the subsampling.

    Parameters
    ----------
    speed : libaom's speed, 0 (slow) to 10 (fast)
    subsampling : chroma subsampling
    threads : of libaom's encoder and of the decoder
    """

    name = "avif"
    added_options = ("threads",)
    lossless = False
    qualities: tuple[float, ...] = (8, 20, 35, 50, 62, 74, 84, 91)
    quality_range: tuple[float, float] = (0, 99)
    depths = (8, 10, 12)
    # imagecodecs codes grey without loss, whatever the quality.
    channels: tuple[Channels, ...] = ("rgb", "rgba")

    def __init__(self, *, speed: int = 8, subsampling: Subsampling = "420", threads: int = 1) -> None:
        check_integer(self.name, "speed", speed, 0, 10)
        check_choice(self.name, "subsampling", subsampling, get_args(Subsampling))
        self._imagecodecs, library = load_imagecodecs(self.name, "avif")
        self.version = f"1+{library}"
        self._speed = speed
        self._threads = check_threads(self.name, threads)
        self._pixel_format = f"yuv{subsampling}"

    def encode(self, image: Samples, quality: float | None, *, depth: int = 8) -> bytes:
        """Compress to an AVIF file."""
        check_side(self.name, image.shape, 32768)
        return bytes(
            self._imagecodecs.avif_encode(
                image,
                level=check_whole_quality(self.name, quality, self.quality_range),
                speed=self._speed,
                pixelformat=self._pixel_format,
                codec="aom",
                numthreads=self._threads,
                bitspersample=None if depth == 8 else depth,
            )
        )

    def decode(self, bitstream: bytes) -> Samples:
        """Reconstruct the image."""
        check_claim(self.name, avif_size(bitstream), len(bitstream))
        with damage(self.name):
            decoded = self._imagecodecs.avif_decode(bitstream, numthreads=self._threads)
            return as_image(self.name, decoded, self.channels, deep=True)
