"""JPEG 2000 (ITU-T T.800) by OpenJPEG."""

from __future__ import annotations

import io

from bench.codec import DEPTHS, Channels, Samples
from bench.errors import BadBitstream
from bench_codecs._common.claims import check_claim, check_end
from bench_codecs._common.library import as_image, damage, load_imagecodecs, load_pillow
from bench_codecs._common.options import check_quality, check_threads

_HIGHEST_PSNR = 129
"""dB, beyond that of the last bit of 16."""


class Jpeg2000:
    """JPEG 2000 codestreams with one tile, one quality layer and the colour transform.

    Quality is the target rate in bits per pixel including headers, 0.01 to 20. OpenJPEG reaches it or stays
    slightly below. It cannot go below the size of its headers, about 140 bytes, which matters for tiny
    images. Lossy coding uses the irreversible 9-7 wavelet and colour transform.

    Samples of more than 8 bits are coded by imagecodecs, at their own precision. It can ask OpenJPEG for a
    whole PSNR alone, so the highest one that stays below the target rate is searched for, which takes seven
    encodings: such encode times tell nothing of the format.

    Parameters
    ----------
    lossless : use the reversible 5-3 wavelet and colour transform, without a rate target
    threads : of the decoder; the encoder has one
    """

    name = "jpeg2000"
    added_options = ("threads",)
    qualities: tuple[float, ...]
    quality_range: tuple[float, float] | None
    depths = tuple(DEPTHS)
    channels: tuple[Channels, ...] = ("rgb", "grey", "rgba")

    def __init__(self, *, lossless: bool = False, threads: int = 1) -> None:
        # imagecodecs decodes faster, but only Pillow can ask OpenJPEG for a target rate.
        self._pillow, library = load_pillow(self.name, "jpg_2000")
        self._imagecodecs, decoder = load_imagecodecs(self.name, "jpeg2k")
        self.version = f"1+openjpeg {library} (Pillow {self._pillow.__version__})+decoder {decoder}"
        self.lossless = lossless
        self._threads = check_threads(self.name, threads)
        self.qualities = () if lossless else (0.1, 0.18, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0)
        self.quality_range = None if lossless else (0.01, 20.0)

    def encode(self, image: Samples, quality: float | None, *, depth: int = 8) -> bytes:
        """Compress to a raw codestream (J2K, without the JP2 boxes)."""
        samples = image.shape[2] if image.ndim == 3 else 1
        options: dict[str, object] = {"irreversible": False}
        rate = None
        if self.quality_range is not None:
            rate = check_quality(self.name, quality, self.quality_range)
            options = {
                "irreversible": True,
                "quality_mode": "rates",
                "quality_layers": [8 * samples / rate],
            }
        if depth > 8:
            return self._deep(image, depth, rate)
        buffer = io.BytesIO()
        self._pillow.fromarray(image).save(buffer, "JPEG2000", no_jp2=True, mct=int(samples > 1), **options)
        return buffer.getvalue()

    def _deep(self, image: Samples, depth: int, rate: float | None) -> bytes:
        """Samples of more than 8 bits, without loss or at most ``rate`` bits a pixel."""
        if rate is None:
            return self._at(image, depth, None)
        room = rate * image.shape[0] * image.shape[1] / 8
        kept = self._at(image, depth, 1)
        low, high = 1, _HIGHEST_PSNR
        while high - low > 1:
            middle = (low + high) // 2
            tried = self._at(image, depth, middle)
            if len(tried) <= room:
                low, kept = middle, tried
            else:
                high = middle
        return kept

    def _at(self, image: Samples, depth: int, psnr: int | None) -> bytes:
        return bytes(
            self._imagecodecs.jpeg2k_encode(
                image,
                level=psnr,
                codecformat="j2k",
                bitspersample=depth,
                reversible=psnr is None,
                numthreads=1,
                out=2 * image.nbytes + 4096,
            )
        )

    def decode(self, bitstream: bytes) -> Samples:
        """Reconstruct the image."""
        check_end(self.name, bitstream)
        # Size and number of components are in the SIZ segment, which comes first.
        components = bitstream[40:42]
        if bitstream[:4] != b"\xff\x4f\xff\x51" or components not in (b"\0\1", b"\0\3", b"\0\4"):
            raise BadBitstream("jpeg2000: no codestream of one, three or four components")
        size = (int.from_bytes(bitstream[8:12], "big"), int.from_bytes(bitstream[12:16], "big"))
        check_claim(self.name, size, len(bitstream))
        with damage(self.name):
            decoded = self._imagecodecs.jpeg2k_decode(bitstream, numthreads=self._threads)
            return as_image(self.name, decoded, self.channels, deep=True)
