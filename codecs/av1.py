"""AV1 still pictures by SVT-AV1, libaom or rav1e."""

from __future__ import annotations

from typing import Literal, get_args

from bench.codec import Channels, Samples
from bench.errors import ConfigError
from bench_codecs._common.options import (
    check_choice,
    check_integer,
    check_side,
    check_threads,
    check_whole_quality,
)
from bench_codecs._common.ycbcr import Subsampling
from bench_codecs._video.ffmpeg import Ffmpeg
from bench_codecs._video.stills import Coder, Stills

Encoder = Literal["svt", "aom", "rav1e"]
Bits = Literal[8, 10]
_LIBRARIES = {"svt": "libsvtav1", "aom": "libaom", "rav1e": "librav1e"}
_FASTEST = {"svt": 13, "aom": 8, "rav1e": 10}
_DECODER = "libdav1d"


class Av1:
    """AV1 still pictures without a file around them (``avif`` has one), BT.709 at full range.

    Quality is minus the encoder's quantiser, a whole number: −63 to 0 for SVT-AV1 and libaom, −255 to 0 for
    rav1e. All three are tuned for PSNR and code the whole picture with that quantiser: no adaptation, no film
    grain.

    In 4:2:0 chroma is halved by the mean of 2×2 samples and interpolated by cubic convolution, which ends
    between 44 and 49 dB on photographs, however high the quality. A bitstream is the encoder's, in the low-
    overhead format: temporal delimiter (two bytes), sequence header and one frame. Before it stands a byte
    that tells grey and depth, or three where SVT-AV1 codes a side of one pixel, or rav1e an odd one in 4:2:0.
    All of it counts.

    The encoders, and dav1d, which decodes, are those of ffmpeg in the wheel imageio-ffmpeg.

    Parameters
    ----------
    encoder : ``svt`` for SVT-AV1, which has 4:2:0 alone, ``aom`` for libaom, or ``rav1e``
    speed : the encoder's own, from 0 (slow) to 13 (SVT-AV1's preset), 8 (libaom's cpu-used) or 10 (rav1e)
    subsampling : of chroma
    bits : of what is coded; pictures of 8 bits are coded with 10 too, which rounds less
    threads : of encoder and decoder
    """

    name = "av1"
    lossless = False
    channels: tuple[Channels, ...] = ("rgb", "grey")

    def __init__(
        self,
        *,
        encoder: Encoder = "svt",
        speed: int = 4,
        subsampling: Subsampling = "420",
        bits: Bits = 10,
        threads: int = 1,
    ) -> None:
        check_choice(self.name, "encoder", encoder, get_args(Encoder))
        check_choice(self.name, "subsampling", subsampling, get_args(Subsampling))
        check_choice(self.name, "bits", bits, get_args(Bits))
        check_integer(self.name, "speed", speed, 0, _FASTEST[encoder])
        if encoder == "svt" and subsampling != "420":
            raise ConfigError(f"av1: SVT-AV1 has no subsampling={subsampling}; encoder=aom or rav1e has")
        self._encoder = encoder
        self._speed = str(speed)
        self._threads = check_threads(self.name, threads)
        self.depths: tuple[int, ...] = (8, 10) if bits == 10 else (8,)
        scale = 4 if encoder == "rav1e" else 1
        self.qualities: tuple[float, ...] = tuple(-scale * it for it in (62, 55, 48, 40, 32, 24, 16, 8))
        self.quality_range: tuple[float, float] = (-255 if encoder == "rav1e" else -63, 0)
        ffmpeg = Ffmpeg(self.name, _LIBRARIES[encoder], _DECODER)
        self.version = f"1+{ffmpeg.version}"
        known_as = "libaom-av1" if encoder == "aom" else _LIBRARIES[encoder]
        smallest = 2 if encoder == "svt" else 1
        # ffmpeg hands rav1e no last row of halved chroma where there is an odd number of rows of luma.
        even, grey = encoder == "rav1e", encoder == "aom"
        coder = Coder(known_as, _DECODER, "obu", smallest=smallest, even=even, grey=grey)
        self._stills = Stills(
            self.name, ffmpeg, coder, subsampling=subsampling, bits=bits, threads=self._threads
        )

    def encode(self, image: Samples, quality: float | None, *, depth: int = 8) -> bytes:
        """Compress to a stream of OBUs."""
        check_side(self.name, image.shape, 16384)
        quantiser = -check_whole_quality(self.name, quality, self.quality_range)
        return self._stills.encode(image, depth, self._options(quantiser))

    def _options(self, quantiser: int) -> tuple[str, ...]:
        if self._encoder == "svt":
            told = f"avif=1:rc=0:qp={quantiser}:aq-mode=0:tune=1:film-grain=0:lp={self._threads}"
            return "-preset", self._speed, "-svtav1-params", told
        if self._encoder == "aom":
            still = ("-usage", "allintra", "-still-picture", "1", "-cpu-used", self._speed)
            steady = ("-crf", str(quantiser), "-b:v", "0", "-aq-mode", "0", "-tune", "psnr")
            return *still, *steady, "-aom-params", "deltaq-mode=0"
        told = f"tune=Psnr:still_picture=true:threads={self._threads}"
        return "-speed", self._speed, "-qp", str(quantiser), "-rav1e-params", told

    def decode(self, bitstream: bytes) -> Samples:
        """Reconstruct the image."""
        return self._stills.decode(bitstream)
