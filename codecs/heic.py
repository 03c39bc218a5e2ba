"""HEIC (HEVC in HEIF, ISO/IEC 23008-12) by libheif, with x265's encoder and libde265's decoder."""

from __future__ import annotations

import io
from importlib.metadata import version
from typing import Literal, get_args

import numpy as np

from bench.codec import Channels, Samples
from bench.errors import CodecUnavailable
from bench_codecs._common.claims import check_claim
from bench_codecs._common.library import as_image, damage
from bench_codecs._common.options import check_choice, check_side, check_threads, check_whole_quality
from bench_codecs._common.sizes import heif_size

Subsampling = Literal["420", "422", "444"]
Preset = Literal[
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo"
]
Tune = Literal["psnr", "ssim"]


class Heic:
    """Lossy HEIC files of 8 bits, as telephones write them; ``hevc`` is the format without a file around it.

    Quality is libheif's, a whole number from 0 to 100. Boxes of the file, some 400 bytes, count. Colour is
    converted by libheif. All of it runs in this process, so that speeds compare with those of libraries.

    Parameters
    ----------
    preset : x265's
    subsampling : of chroma
    tune : what x265 tunes for; ``ssim``, libheif's default, adapts the quantiser to the place
    threads : of encoder and decoder
    """

    name = "heic"
    lossless = False
    qualities: tuple[float, ...] = (5, 15, 25, 35, 45, 55, 65, 80)
    quality_range: tuple[float, float] = (0, 100)
    channels: tuple[Channels, ...] = ("rgb", "grey")

    def __init__(
        self,
        *,
        preset: Preset = "slow",
        subsampling: Subsampling = "420",
        tune: Tune = "ssim",
        threads: int = 1,
    ) -> None:
        check_choice(self.name, "preset", preset, get_args(Preset))
        check_choice(self.name, "subsampling", subsampling, get_args(Subsampling))
        check_choice(self.name, "tune", tune, get_args(Tune))
        try:
            import pillow_heif
        except ImportError as error:
            raise CodecUnavailable(
                f"heic needs pillow-heif ({error}): pip install 'rdbench[heic]'"
            ) from error
        self._heif = pillow_heif
        self._threads = check_threads(self.name, threads)
        self._subsampling = int(subsampling)
        pool = {"x265:pools": str(threads)} if threads > 1 else {"x265:pools": "none", "x265:wpp": "0"}
        self._told = {"preset": preset, "tune": tune, "x265:frame-threads": "1", **pool}
        found = pillow_heif.libheif_info()
        self.version = f"1+libheif {found['libheif']} {found['HEIF']} (pillow-heif {version('pillow-heif')})"

    def encode(self, image: Samples, quality: float | None) -> bytes:
        """Compress to a HEIC file."""
        level = check_whole_quality(self.name, quality, self.quality_range)
        check_side(self.name, image.shape, 16384)
        buffer = io.BytesIO()
        self._heif.encode(
            "RGB" if image.ndim == 3 else "L",
            (image.shape[1], image.shape[0]),
            image.tobytes(),
            buffer,
            quality=level,
            chroma=self._subsampling,
            enc_params=self._told,
        )
        return buffer.getvalue()

    def decode(self, bitstream: bytes) -> Samples:
        """Reconstruct the image."""
        check_claim(self.name, heif_size(self.name, bitstream), len(bitstream))
        self._heif.options.DECODE_THREADS = self._threads
        with damage(self.name):
            decoded = np.asarray(self._heif.open_heif(io.BytesIO(bitstream), convert_hdr_to_8bit=False))
            return as_image(self.name, decoded, self.channels)
