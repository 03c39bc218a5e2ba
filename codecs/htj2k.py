"""High-throughput JPEG 2000 (ITU-T T.814) by OpenJPH."""

from __future__ import annotations

from bench.codec import DEPTHS, Channels, Samples
from bench.errors import BadBitstream
from bench_codecs._common.claims import check_claim, check_end
from bench_codecs._common.library import as_image, damage, load_imagecodecs
from bench_codecs._common.options import check_quality

_START_OF_TILE, _QCD, _QCC = 0x90, 0x5C, 0x5D
_MOST_BITS = 30
"""Of a coefficient's magnitude."""


class Htj2k:
    """HTJ2K codestreams with one tile, five decompositions and the colour transform.

    Lossy coding uses the irreversible 9-7 wavelet; there is no rate control, and quality is the logarithm of
    the quantisation step: the base step is 2^−quality of the range of the samples. Lossless coding uses the
    reversible 5-3 wavelet; samples of 9 to 15 bits are then declared to have 16, which imagecodecs can't
    change. What is lossy is decoded by OpenJPEG: of OpenJPH, samples that leave their range come out at its
    other end, through imagecodecs.

    Parameters
    ----------
    lossless : code losslessly; quality is then ignored
    """

    name = "htj2k"
    qualities: tuple[float, ...]
    quality_range: tuple[float, float] | None
    channels: tuple[Channels, ...] = ("rgb", "grey", "rgba")

    def __init__(self, *, lossless: bool = False) -> None:
        self._imagecodecs, library = load_imagecodecs(self.name, "htj2k")
        _, decoder = load_imagecodecs(self.name, "jpeg2k")
        self.version = f"1+{library}" if lossless else f"2+{library}, decoder {decoder}"
        self.lossless = lossless
        self.qualities = () if lossless else (3, 4, 5, 6, 7, 8, 9)
        self.quality_range = None if lossless else (1.0, 14.0)
        self.depths: tuple[int, ...] = tuple(DEPTHS) if lossless else (8, 16)

    def encode(self, image: Samples, quality: float | None, *, depth: int = 8) -> bytes:
        """Compress to a raw codestream; ``depth`` is that of the array's type."""
        step = None
        if self.quality_range is not None:
            step = 2 ** -check_quality(self.name, quality, self.quality_range)
        return bytes(
            self._imagecodecs.htj2k_encode(image, level=step, resolutions=5, reversible=self.lossless)
        )

    def decode(self, bitstream: bytes) -> Samples:
        """Reconstruct the image."""
        check_end(self.name, bitstream)
        # The segments SIZ and CAP come first, and the second tells it from JPEG 2000.
        length = 4 + int.from_bytes(bitstream[4:6], "big")
        if bitstream[:4] != b"\xff\x4f\xff\x51" or bitstream[length : length + 2] != b"\xff\x50":
            raise BadBitstream("htj2k: no codestream with high-throughput blocks")
        # One tile, where the picture is: OpenJPH may not end where a damaged header says otherwise.
        if any(bitstream[16:24] + bitstream[32:40]) or bitstream[24:32] != bitstream[8:16]:
            raise BadBitstream("htj2k: not one tile of the whole picture")
        components = int.from_bytes(bitstream[40:42], "big")
        formats = bitstream[42:length]
        if components not in (1, 3, 4) or formats not in (b"\7\1\1" * components, b"\x0f\1\1" * components):
            raise BadBitstream("htj2k: not one, three or four components of 8 or 16 bits")
        size = (int.from_bytes(bitstream[8:12], "big"), int.from_bytes(bitstream[12:16], "big"))
        check_claim(self.name, size, len(bitstream))
        reversible = _is_reversible(bitstream, length, components)
        with damage(self.name):
            if reversible:
                decoded = self._imagecodecs.htj2k_decode(bitstream)
            else:
                decoded = self._imagecodecs.jpeg2k_decode(bitstream, numthreads=1)
            return as_image(self.name, decoded, self.channels, deep=True)


def _is_reversible(bitstream: bytes, start: int, components: int) -> bool:
    """Whether all components have the reversible wavelet.

    Refuses coefficients of more bits than OpenJPH's blocks hold, on which it ends the process.

    Parameters
    ----------
    start : of the first segment after SIZ
    components : of the picture

    Raises
    ------
    BadBitstream
        A sub-band has more of them, by the guard bits and exponents of QCD and QCC (T.800, A.6.4, A.6.5).
    """
    at, all_reversible = start, True
    while at + 4 <= len(bitstream) and bitstream[at] == 0xFF and bitstream[at + 1] != _START_OF_TILE:
        marker, length = bitstream[at + 1], int.from_bytes(bitstream[at + 2 : at + 4], "big")
        body = bitstream[at + 4 : at + 2 + length]
        if marker == _QCC:
            body = body[1 if components < 257 else 2 :]
        if marker in (_QCD, _QCC) and body:
            guard, reversible = body[0] >> 5, body[0] & 31 == 0
            all_reversible &= reversible
            exponents = [it >> 3 for it in body[1 :: 1 if reversible else 2]]
            if guard + max(exponents, default=0) - 1 > _MOST_BITS:
                raise BadBitstream("htj2k: coefficients of more bits than its blocks hold")
        at += 2 + length
    return all_reversible
