"""JPEG XL (ISO/IEC 18181) by libjxl."""

from __future__ import annotations

from bench.codec import DEPTHS, Channels, Samples
from bench_codecs._common.claims import check_claim
from bench_codecs._common.library import as_image, damage, load_imagecodecs
from bench_codecs._common.options import check_integer, check_quality, check_threads
from bench_codecs._common.sizes import jpegxl_size


def distance(quality: float) -> float:
    """The Butteraugli distance that libjxl uses for a quality from 0 to below 100.

    This is ``JxlEncoderDistanceFromQuality`` of libjxl 0.11: quality 90 is distance 1 ("visually lossless"),
    0 is 25.
    """
    if quality >= 30:
        return 0.1 + (100 - quality) * 0.09
    return 53 / 3000 * quality**2 - 23 / 20 * quality + 25


class JpegXl:
    """JPEG XL, lossy (VarDCT, by Butteraugli distance) or lossless (modular).

    Quality is that of ``cjxl -q``, 0 to 99, and may be a fraction; :func:`distance` translates it. 100 would
    mean lossless, which is an option here. No photon noise is added; libjxl's other switches are out of
    imagecodecs' reach.

    Parameters
    ----------
    lossless : code losslessly; quality is then ignored
    effort : libjxl's effort, 1 (fast) to 10 (slow)
    decoding_speed : what libjxl gives up for a decoder that is faster, 0 (nothing) to 4
    threads : of encoder and decoder
    """

    name = "jpegxl"
    added_options = ("threads", "decoding_speed")
    qualities: tuple[float, ...]
    quality_range: tuple[float, float] | None
    depths = tuple(DEPTHS)
    channels: tuple[Channels, ...] = ("rgb", "grey", "rgba")

    def __init__(
        self, *, lossless: bool = False, effort: int = 7, decoding_speed: int = 0, threads: int = 1
    ) -> None:
        check_integer(self.name, "effort", effort, 1, 10)
        check_integer(self.name, "decoding_speed", decoding_speed, 0, 4)
        self._imagecodecs, library = load_imagecodecs(self.name, "jpegxl")
        self.version = f"1+{library}"
        self.lossless = lossless
        self.qualities = () if lossless else (10, 20, 30, 50, 65, 80, 90, 95)
        self.quality_range = None if lossless else (0.0, 99.0)
        self._effort = effort
        self._decoding_speed = decoding_speed
        self._threads = check_threads(self.name, threads)

    def encode(self, image: Samples, quality: float | None, *, depth: int = 8) -> bytes:
        """Compress to a raw codestream; 16 bits with alpha need level 10, and so a container."""
        target: dict[str, object] = {"lossless": True}
        if self.quality_range is not None:
            target = {
                "lossless": False,
                "distance": distance(check_quality(self.name, quality, self.quality_range)),
            }
        if depth != 8:
            target["bitspersample"] = depth
        return bytes(
            self._imagecodecs.jpegxl_encode(
                image,
                effort=self._effort,
                decodingspeed=self._decoding_speed,
                usecontainer=False,
                numthreads=self._threads,
                **target,
            )
        )

    def decode(self, bitstream: bytes) -> Samples:
        """Reconstruct the image."""
        check_claim(self.name, jpegxl_size(bitstream), len(bitstream))
        with damage(self.name):
            decoded = self._imagecodecs.jpegxl_decode(bitstream, numthreads=self._threads)
            return as_image(self.name, decoded, self.channels, deep=True)
