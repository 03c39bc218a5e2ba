"""JPEG 2000 (ITU-T T.800) by OpenJPEG."""

from __future__ import annotations

import io

from bench.codec import Image
from bench.errors import BadBitstream
from bench_codecs._common.claims import check_claim, check_end
from bench_codecs._common.library import as_image, damage, load_imagecodecs, load_pillow
from bench_codecs._common.options import check_quality, check_threads


class Jpeg2000:
    """JPEG 2000 codestreams with one tile, one quality layer and the colour transform.

    Quality is the target rate in bits per pixel including headers, 0.01 to 20. OpenJPEG reaches it or stays
    slightly below. It cannot go below the size of its headers, about 140 bytes, which matters for tiny
    images. Lossy coding uses the irreversible 9-7 wavelet and colour transform.

    Parameters
    ----------
    lossless : use the reversible 5-3 wavelet and colour transform, without a rate target
    threads : of the decoder; the encoder has one
    """

    name = "jpeg2000"
    added_options = ("threads",)
    qualities: tuple[float, ...]
    quality_range: tuple[float, float] | None

    def __init__(self, *, lossless: bool = False, threads: int = 1) -> None:
        # imagecodecs decodes faster, but only Pillow can ask OpenJPEG for a target rate.
        self._pillow, library = load_pillow(self.name, "jpg_2000")
        self._imagecodecs, decoder = load_imagecodecs(self.name, "jpeg2k")
        self.version = f"1+openjpeg {library} (Pillow {self._pillow.__version__})+decoder {decoder}"
        self.lossless = lossless
        self._threads = check_threads(self.name, threads)
        self.qualities = () if lossless else (0.1, 0.18, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0)
        self.quality_range = None if lossless else (0.01, 20.0)

    def encode(self, image: Image, quality: float | None) -> bytes:
        """Compress to a raw codestream (J2K, without the JP2 boxes)."""
        options: dict[str, object] = {"irreversible": False}
        if self.quality_range is not None:
            rate = check_quality(self.name, quality, self.quality_range)
            options = {
                "irreversible": True,
                "quality_mode": "rates",
                "quality_layers": [24 / rate],
            }
        buffer = io.BytesIO()
        self._pillow.fromarray(image).save(buffer, "JPEG2000", no_jp2=True, mct=1, **options)
        return buffer.getvalue()

    def decode(self, bitstream: bytes) -> Image:
        """Reconstruct the image."""
        check_end(self.name, bitstream)
        # Size and number of components are in the SIZ segment, which comes first.
        if bitstream[:4] != b"\xff\x4f\xff\x51" or bitstream[40:42] != b"\x00\x03":
            raise BadBitstream("jpeg2000: no codestream of three components")
        size = (int.from_bytes(bitstream[8:12], "big"), int.from_bytes(bitstream[12:16], "big"))
        check_claim(self.name, size, len(bitstream))
        with damage(self.name):
            return as_image(self.name, self._imagecodecs.jpeg2k_decode(bitstream, numthreads=self._threads))
