"""AVIF (AV1 Image File Format) by libavif, with libaom's encoder."""

from __future__ import annotations

import io
from typing import Literal, get_args

import numpy as np

from bench.codec import Channels, Samples
from bench.errors import ConfigError
from bench_codecs._common.claims import check_claim
from bench_codecs._common.library import as_image, damage, load_imagecodecs, load_pillow
from bench_codecs._common.options import (
    check_choice,
    check_integer,
    check_side,
    check_threads,
    check_whole_quality,
)
from bench_codecs._common.sizes import heif_size

Subsampling = Literal["420", "422", "444"]
Bits = Literal[0, 10, 12]
Tune = Literal["default", "psnr", "ssim", "iq", "ssimulacra2"]


class Avif:
    """Lossy AVIF, 8, 10 or 12 bits, full-range YCbCr, one tile. Alpha is coded without loss.

    Quality is libavif's, a whole number from 0 to 99. Its 100 is not an operating point here, because it
    selects a separate lossless mode that ignores the subsampling.

    Parameters
    ----------
    speed : libaom's speed, 0 (slow) to 10 (fast)
    subsampling : chroma subsampling
    bits : of what is coded, where pictures of 8 bits are to be coded with more of them; 0 for those of the
        picture
    tune : what libaom tunes for. ``default`` is the choice of imagecodecs' libavif, ``ssim`` where this was
        written; the others are encoded by Pillow's, RGB of 8 bits alone
    threads : of libaom's encoder and of the decoder
    """

    name = "avif"
    added_options = ("threads", "bits", "tune")
    lossless = False
    qualities: tuple[float, ...] = (8, 20, 35, 50, 62, 74, 84, 91)
    quality_range: tuple[float, float] = (0, 99)

    def __init__(
        self,
        *,
        speed: int = 8,
        subsampling: Subsampling = "420",
        bits: Bits = 0,
        tune: Tune = "default",
        threads: int = 1,
    ) -> None:
        check_integer(self.name, "speed", speed, 0, 10)
        check_choice(self.name, "subsampling", subsampling, get_args(Subsampling))
        check_choice(self.name, "bits", bits, get_args(Bits))
        check_choice(self.name, "tune", tune, get_args(Tune))
        self._imagecodecs, library = load_imagecodecs(self.name, "avif")
        self.version = f"1+{library}"
        self._speed = speed
        self._bits = bits
        self._threads = check_threads(self.name, threads)
        self._subsampling = subsampling
        self._tune = tune
        self.depths: tuple[int, ...] = (8, 10, 12) if not bits and tune == "default" else (8,)
        # imagecodecs codes grey without loss, whatever the quality.
        self.channels: tuple[Channels, ...] = ("rgb", "rgba") if tune == "default" else ("rgb",)
        if tune != "default":
            if bits:
                raise ConfigError(f"avif: tune={tune} goes by Pillow, which has no bits={bits}")
            self._pillow, pillow_library = load_pillow(self.name, "avif")
            self.version += f"+encoder libavif {pillow_library} (Pillow {self._pillow.__version__})"

    def encode(self, image: Samples, quality: float | None, *, depth: int = 8) -> bytes:
        """Compress to an AVIF file."""
        check_side(self.name, image.shape, 32768)
        level = check_whole_quality(self.name, quality, self.quality_range)
        if self._tune != "default":
            return self._tuned(image, level)
        if self._bits:
            depth = self._bits
            image = _rescaled(image, 8, depth)
        return bytes(
            self._imagecodecs.avif_encode(
                image,
                level=level,
                speed=self._speed,
                pixelformat=f"yuv{self._subsampling}",
                codec="aom",
                numthreads=self._threads,
                bitspersample=None if depth == 8 else depth,
            )
        )

    def _tuned(self, image: Samples, level: int) -> bytes:
        buffer = io.BytesIO()
        self._pillow.fromarray(image).save(
            buffer,
            "AVIF",
            quality=level,
            speed=self._speed,
            subsampling=":".join(self._subsampling),
            codec="aom",
            max_threads=self._threads,
            autotiling=False,
            advanced={"tune": self._tune},
        )
        return buffer.getvalue()

    def decode(self, bitstream: bytes) -> Samples:
        """Reconstruct the image."""
        check_claim(self.name, heif_size(self.name, bitstream), len(bitstream))
        with damage(self.name):
            decoded = self._imagecodecs.avif_decode(bitstream, numthreads=self._threads)
            picture = as_image(self.name, decoded, self.channels, deep=True)
        return _rescaled(picture, self._bits, 8) if self._bits and picture.dtype == np.uint16 else picture


def _rescaled(image: Samples, depth: int, to: int) -> Samples:
    """A picture with samples of another depth, each the nearest one."""
    scaled: Samples = np.rint(image * (((1 << to) - 1) / ((1 << depth) - 1))).clip(0, (1 << to) - 1)
    return scaled.astype(np.uint8 if to == 8 else np.uint16)
