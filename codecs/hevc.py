"""HEVC (ITU-T H.265) still pictures by x265."""

from __future__ import annotations

from typing import Literal, get_args

from bench.codec import Channels, Samples
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

Preset = Literal[
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo"
]
Bits = Literal[8, 10]


class Hevc:
    """HEVC intra pictures by x265, BT.709 at full range.

    Quality is minus the quantisation parameter, −51 to 0: ``hevc@-37,-32``. It holds for the whole picture:
    x265 is tuned for PSNR (``tune=psnr psy-rd=0 psy-rdoq=0 aq-mode=0``), and intra pictures get no lower
    parameter than they are told (``ipratio=1``).

    In 4:2:0 chroma is halved by the mean of 2×2 samples and interpolated by cubic convolution, which ends
    between 44 and 49 dB on photographs, however high the quality. A bitstream is x265's, parameter sets and
    one picture. Before it stands a byte that tells grey and depth, or three where a side is odd (in 4:2:0) or
    below 16. All of it counts.

    x265 and the decoder are those of ffmpeg in the wheel imageio-ffmpeg.

    Parameters
    ----------
    preset : x265's
    subsampling : of chroma
    bits : of what is coded; pictures of 8 bits are coded with 10 too, which rounds less
    chroma_qp_offset : what the parameter of halved chroma has over luma's, −12 to 12, as for ``vvc``; in
        4:4:4 there is none
    threads : of encoder and decoder; more than one code rows in parallel (``wpp``), which takes bits
    """

    name = "hevc"
    lossless = False
    qualities: tuple[float, ...] = (-47, -42, -37, -32, -27, -22, -17)
    quality_range: tuple[float, float] = (-51, 0)
    channels: tuple[Channels, ...] = ("rgb", "grey")

    def __init__(
        self,
        *,
        preset: Preset = "slow",
        subsampling: Subsampling = "420",
        bits: Bits = 10,
        chroma_qp_offset: int = -3,
        threads: int = 1,
    ) -> None:
        check_choice(self.name, "preset", preset, get_args(Preset))
        check_choice(self.name, "subsampling", subsampling, get_args(Subsampling))
        check_choice(self.name, "bits", bits, get_args(Bits))
        check_integer(self.name, "chroma_qp_offset", chroma_qp_offset, -12, 12)
        self._preset = preset
        self._chroma = chroma_qp_offset if subsampling == "420" else 0
        self._threads = check_threads(self.name, threads)
        self.depths: tuple[int, ...] = (8, 10) if bits == 10 else (8,)
        ffmpeg = Ffmpeg(self.name, "libx265")
        self.version = f"1+{ffmpeg.version}"
        coder = Coder("libx265", "hevc", "hevc", smallest=16, even=True, grey=True)
        self._stills = Stills(
            self.name, ffmpeg, coder, subsampling=subsampling, bits=bits, threads=self._threads
        )

    def encode(self, image: Samples, quality: float | None, *, depth: int = 8) -> bytes:
        """Compress to a byte stream of H.265."""
        check_side(self.name, image.shape, 16384)
        qp = -check_whole_quality(self.name, quality, self.quality_range)
        pool = f"pools={self._threads}" if self._threads > 1 else "pools=none:wpp=0"
        chroma = f"cbqpoffs={self._chroma}:crqpoffs={self._chroma}"
        told = f"qp={qp}:ipratio=1:psy-rd=0:psy-rdoq=0:aq-mode=0:{chroma}:info=0:frame-threads=1:{pool}"
        return self._stills.encode(
            image, depth, ("-preset", self._preset, "-tune", "psnr", "-x265-params", told)
        )

    def decode(self, bitstream: bytes) -> Samples:
        """Reconstruct the image."""
        return self._stills.decode(bitstream)
