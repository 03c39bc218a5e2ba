"""WebP (RFC 9649) by libwebp."""

from __future__ import annotations

from bench.codec import Channels, Samples
from bench_codecs._common.claims import check_claim
from bench_codecs._common.library import as_image, damage, load_imagecodecs
from bench_codecs._common.options import check_integer, check_quality, check_side
from bench_codecs._common.sizes import webp_size


class WebP:
    """WebP, lossy (VP8, always 4:2:0) or lossless (VP8L).

    Quality is libwebp's, 0 to 100, and may be a fraction. Alpha is coded without loss.

    Parameters
    ----------
    lossless : code losslessly; quality is then ignored
    effort : libwebp's ``method``, 0 (fast) to 6 (slow)
    threads : of the encoder, 1 or 2; the decoder has one
    """

    name = "webp"
    added_options = ("threads",)
    qualities: tuple[float, ...]
    quality_range: tuple[float, float] | None
    channels: tuple[Channels, ...] = ("rgb", "rgba")

    def __init__(self, *, lossless: bool = False, effort: int = 4, threads: int = 1) -> None:
        check_integer(self.name, "effort", effort, 0, 6)
        check_integer(self.name, "threads", threads, 1, 2)
        self._imagecodecs, library = load_imagecodecs(self.name, "webp")
        self.version = f"1+{library}"
        self.lossless = lossless
        self.qualities = () if lossless else (1, 10, 25, 50, 75, 85, 92, 97)
        self.quality_range = None if lossless else (0.0, 100.0)
        self._effort = effort
        self._threads = threads

    def encode(self, image: Samples, quality: float | None) -> bytes:
        """Compress to a WebP file."""
        # The format allows 16383, but imagecodecs refuses that.
        check_side(self.name, image.shape, 16382)
        # For VP8L this number is an effort, and 75 is cwebp's default.
        level = 75.0
        if self.quality_range is not None:
            level = check_quality(self.name, quality, self.quality_range)
        return bytes(
            self._imagecodecs.webp_encode(
                image, level=level, lossless=self.lossless, method=self._effort, numthreads=self._threads
            )
        )

    def decode(self, bitstream: bytes) -> Samples:
        """Reconstruct the image."""
        check_claim(self.name, webp_size(bitstream), len(bitstream))
        with damage(self.name):
            return as_image(self.name, self._imagecodecs.webp_decode(bitstream), self.channels)
