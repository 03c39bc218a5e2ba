"""JPEG (ITU-T T.81) by libjpeg-turbo."""

from __future__ import annotations

import io
from typing import Any, Literal, get_args

from bench.codec import Channels, Image, Samples
from bench.explanation import Explanation
from bench_codecs._common.claims import check_claim, check_end, jpeg_frame_size
from bench_codecs._common.library import as_image, damage, load_imagecodecs, load_pillow
from bench_codecs._common.options import check_choice, check_side, check_whole_quality

Subsampling = Literal["420", "422", "444"]


class Jpeg:
    """Lossy JPEG, 8 bits, YCbCr or grey, with the quantisation tables of the Independent JPEG Group.

    Quality is IJG quality, a whole number from 1 to 100. With default options the bitstream is byte for byte
    what Pillow writes with its defaults (4:2:0, standard Huffman tables). The decoder interpolates chroma
    ("fancy upsampling").

    Parameters
    ----------
    subsampling : chroma subsampling
    optimize : compute Huffman tables for each image, instead of using those of Annex K
    progressive : progressive scans, which always have optimised tables
    """

    name = "jpeg"
    lossless = False
    qualities: tuple[float, ...] = (10, 20, 30, 40, 50, 60, 70, 80, 90, 95)
    quality_range: tuple[float, float] = (1, 100)
    channels: tuple[Channels, ...] = ("rgb", "grey")

    def __init__(
        self, *, subsampling: Subsampling = "420", optimize: bool = False, progressive: bool = False
    ) -> None:
        check_choice(self.name, "subsampling", subsampling, get_args(Subsampling))
        self._imagecodecs, library = load_imagecodecs(self.name, "jpeg8")
        self._subsampling = subsampling
        self._optimize = optimize
        self._pillow = None
        self.version = f"1+{library}"
        if progressive:
            # imagecodecs cannot write progressive JPEG.
            self._pillow, pillow_library = load_pillow(self.name, "libjpeg_turbo")
            self.version += f"+encoder libjpeg-turbo {pillow_library} (Pillow)"

    def encode(self, image: Samples, quality: float | None) -> bytes:
        """Compress to a JFIF file."""
        level = check_whole_quality(self.name, quality, self.quality_range)
        check_side(self.name, image.shape, 65500)
        if self._pillow is not None:
            return self._progressive(self._pillow.fromarray(image), level)
        return bytes(
            self._imagecodecs.jpeg8_encode(
                image, level=level, subsampling=self._subsampling, optimize=self._optimize
            )
        )

    def _progressive(self, image: Any, level: int) -> bytes:
        from PIL import ImageFile

        subsampling = f"{self._subsampling[0]}:{self._subsampling[1]}:{self._subsampling[2]}"
        buffer = io.BytesIO()
        # Pillow needs a buffer for the whole file, and would assume that a byte per pixel is enough.
        usual = ImageFile.MAXBLOCK
        ImageFile.MAXBLOCK = max(usual, 6 * image.width * image.height + 65536)
        try:
            image.save(buffer, "JPEG", quality=level, subsampling=subsampling, progressive=True)
        finally:
            ImageFile.MAXBLOCK = usual
        return buffer.getvalue()

    def decode(self, bitstream: bytes) -> Samples:
        """Reconstruct the image."""
        check_end(self.name, bitstream)
        # 16x16 pixels in 4:2:0 are six blocks, and each takes at least one bit.
        check_claim(self.name, jpeg_frame_size(self.name, bitstream), len(bitstream), 512)
        with damage(self.name):
            return as_image(self.name, self._imagecodecs.jpeg8_decode(bitstream), self.channels)

    def explain(self, image: Image, quality: float | None, bitstream: bytes) -> Explanation:
        """The Huffman codes of every block. Progressive bitstreams are not supported."""
        from bench_codecs._jpeg_stream.bits import explain

        return explain(bitstream)
