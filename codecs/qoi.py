"""QOI (the Quite OK Image format, https://qoiformat.org) by its reference implementation."""

from __future__ import annotations

from bench.codec import Channels, Image, Samples
from bench.errors import BadBitstream
from bench.explanation import Explanation
from bench_codecs._common.claims import check_claim
from bench_codecs._common.library import as_image, damage, load_imagecodecs

_LONGEST_RUN = 62
_END = bytes(7) + b"\x01"


class Qoi:
    """Lossless QOI, which makes one pass over the pixels and has no entropy coding."""

    name = "qoi"
    lossless = True
    qualities: tuple[float, ...] = ()
    quality_range: tuple[float, float] | None = None
    channels: tuple[Channels, ...] = ("rgb", "rgba")

    def __init__(self) -> None:
        self._imagecodecs, library = load_imagecodecs(self.name, "qoi")
        self.version = f"1+{library}"

    def encode(self, image: Samples, quality: float | None = None) -> bytes:
        """Compress to a QOI file; ``quality`` is ignored."""
        return bytes(self._imagecodecs.qoi_encode(image))

    def decode(self, bitstream: bytes) -> Samples:
        """Reconstruct the image."""
        # The reference decoder repeats the last pixel if the data end early.
        if not bitstream.endswith(_END):
            raise BadBitstream("qoi: truncated, there is no end marker")
        size = (int.from_bytes(bitstream[4:8], "big"), int.from_bytes(bitstream[8:12], "big"))
        check_claim(self.name, size, len(bitstream), _LONGEST_RUN)
        with damage(self.name):
            return as_image(self.name, self._imagecodecs.qoi_decode(bitstream), self.channels)

    def explain(self, image: Image, quality: float | None, bitstream: bytes) -> Explanation:
        """The chunks of every pixel."""
        from bench_codecs._lossless.bits import explain_qoi

        return explain_qoi(image, bitstream)
