"""JPEG (ITU-T T.81) by jpegli, the encoder and decoder that came with libjxl."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np

from bench.codec import Channels, Samples
from bench.errors import CodecUnavailable
from bench_codecs._common.claims import MAX_PIXELS, check_claim, check_end, jpeg_frame_size
from bench_codecs._common.library import as_image, damage
from bench_codecs._common.options import check_side, check_whole_quality


class Jpegli:
    """Lossy JPEG, 8 bits, with jpegli's quantisation tables and its adaptive quantisation.

    Quality is jpegli's, a whole number from 1 to 100, on the scale of the Independent JPEG Group. Chroma is
    4:2:0, and the scan is baseline with Huffman tables for each image: pyjpegli leaves nothing to choose. The
    decoder is jpegli's too.
    """

    name = "jpegli"
    lossless = False
    qualities: tuple[float, ...] = (10, 20, 30, 40, 50, 60, 70, 80, 90, 95)
    quality_range: tuple[float, float] = (1, 100)
    channels: tuple[Channels, ...] = ("rgb",)

    def __init__(self) -> None:
        try:
            import pyjpegli
        except ImportError as error:
            raise CodecUnavailable(
                f"jpegli needs pyjpegli ({error}): pip install 'rdbench[jpegli]'"
            ) from error
        self._pyjpegli = pyjpegli
        self.version = f"1+pyjpegli {version('pyjpegli')}"

    def encode(self, image: Samples, quality: float | None) -> bytes:
        """Compress to a JPEG file."""
        level = check_whole_quality(self.name, quality, self.quality_range)
        check_side(self.name, image.shape, 65500)
        height, width = image.shape[:2]
        return bytes(self._pyjpegli.encode(image.tobytes(), width, height, level))

    def decode(self, bitstream: bytes) -> Samples:
        """Reconstruct the image."""
        check_end(self.name, bitstream)
        check_claim(self.name, jpeg_frame_size(self.name, bitstream), len(bitstream), 512)
        with damage(self.name):
            samples, width, height = self._pyjpegli.decode(bitstream, max_pixels=MAX_PIXELS)
            return as_image(self.name, np.frombuffer(samples, np.uint8).reshape(height, width, 3))
