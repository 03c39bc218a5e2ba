"""JPEG-LS (ITU-T T.87) by CharLS."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from bench.codec import Channels, Samples
from bench_codecs._common.claims import check_claim, check_end, jpeg_frame_size
from bench_codecs._common.library import as_image, damage, load_imagecodecs
from bench_codecs._common.options import check_choice, check_side, check_whole_quality

Color = Literal["hp1", "none"]

_START_OF_IMAGE = b"\xff\xd8"
_HP1_SEGMENT = b"\xff\xe8\x00\x07mrfx\x01"


class JpegLs:
    """JPEG-LS, lossless or near-lossless.

    With ``lossless=False``, quality is 100 − NEAR, a whole number from 1 to 100: at quality 97 no sample is
    off by more than 3, and at 100 none is off at all.

    Parameters
    ----------
    lossless : code losslessly; quality is then ignored
    color : of RGB, ``hp1`` codes (R − G + 128, G, B − G + 128) modulo 256, of 16 bits with 32768 and modulo
        65536, the first of Hewlett-Packard's transforms,
        and declares it in an application segment that CharLS and HP's decoder respect. ``none`` is plain
        T.87, which has no colour transform and needs half as many bits again. Near-lossless coding always
        uses ``none``, because an error across the modulus would be a large one.
    """

    name = "jpegls"
    qualities: tuple[float, ...]
    quality_range: tuple[float, float] | None
    # Of samples of other depths imagecodecs would tell CharLS that they have 16 bits.
    depths = (8, 16)
    channels: tuple[Channels, ...] = ("rgb", "grey", "rgba")

    def __init__(self, *, lossless: bool = True, color: Color = "hp1") -> None:
        check_choice(self.name, "color", color, get_args(Color))
        self._imagecodecs, library = load_imagecodecs(self.name, "jpegls")
        self.version = f"1+{library}"
        self.lossless = lossless
        self.qualities = () if lossless else (40, 60, 75, 85, 92, 95, 97, 99)
        self.quality_range = None if lossless else (1, 100)
        self._hp1 = lossless and color == "hp1"

    def encode(self, image: Samples, quality: float | None) -> bytes:
        """Compress to a JPEG-LS file."""
        check_side(self.name, image.shape, 65535)
        near = 0
        if self.quality_range is not None:
            near = 100 - check_whole_quality(self.name, quality, self.quality_range)
        if not self._hp1 or image.shape[2:] != (3,):
            return self._coded(image, near)
        green = image[..., 1:2]
        middle = 1 << (8 * image.itemsize - 1)
        offset = np.array([middle, 0, middle], image.dtype)
        differences = image - green + offset
        differences[..., 1:2] = green
        stream = self._coded(differences, 0)
        return _START_OF_IMAGE + _HP1_SEGMENT + stream[len(_START_OF_IMAGE) :]

    def _coded(self, samples: Samples, near: int) -> bytes:
        # Noise takes more bytes than its samples, and imagecodecs' own buffer is too small for it.
        room = 2 * samples.nbytes + 4096
        return bytes(self._imagecodecs.jpegls_encode(samples, level=near, out=room))

    def decode(self, bitstream: bytes) -> Samples:
        """Reconstruct the image."""
        check_end(self.name, bitstream)
        size = jpeg_frame_size(self.name, bitstream)
        # A line takes at least one bit.
        check_claim(self.name, size, len(bitstream), 8 * size[0])
        with damage(self.name):
            return as_image(self.name, self._imagecodecs.jpegls_decode(bitstream), self.channels, deep=True)
