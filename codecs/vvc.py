"""VVC (ITU-T H.266) still pictures by vvenc."""

from __future__ import annotations

from typing import Literal, get_args

from bench.codec import Channels, Samples
from bench.errors import BenchError, Unsupported
from bench_codecs._common.options import (
    check_choice,
    check_integer,
    check_side,
    check_threads,
    check_whole_quality,
)
from bench_codecs._video.ffmpeg import Ffmpeg
from bench_codecs._video.stills import Coder, Stills

Preset = Literal["faster", "fast", "medium", "slow", "slower"]
_NO_ROOM = "Error submitting video frame to the encoder"
"""What ffmpeg says where vvenc's picture exceeds the byte that it sets aside for each pixel."""

_TREES = ("", "DualTree")
"""Blocks of chroma in intra pictures are divided apart from those of luma: the second is theirs."""


class Vvc:
    """VVC intra pictures, 4:2:0 and 10 bits, which is all that vvenc codes; BT.709 at full range.

    Quality is minus the quantisation parameter, −63 to 0: ``vvc@-37,-32``. It holds for the whole picture, as
    it does for VTM's intra pictures: vvenc's perceptual adaptation is off (``qpa=0``), and intra pictures get
    no lower parameter than they are told (``IntraQPOffset=0``; its default is −3). Pictures of 8 bits are
    coded with 10 as well.

    Chroma is halved by the mean of 2×2 samples and interpolated by cubic convolution, which ends between 44
    and 49 dB on photographs, however high the quality. A bitstream is vvenc's, parameter sets and one
    picture. Before it stands a byte that tells grey and depth, or three where a side is odd or below 32. All
    of it counts. More than 8 bits a pixel, as noise at the highest qualities takes, is unsupported: ffmpeg
    has no room for it.

    vvenc and the decoder are those of ffmpeg in the wheel imageio-ffmpeg.

    Parameters
    ----------
    preset : vvenc's; ``slower`` takes several times as long as ``medium``
    chroma_qp_offset : what chroma's parameter has over luma's, −12 to 12. Each sample of halved chroma stands
        for four pixels, so that RGB gains by a finer step: on Kodak −3 is 0.1 dB (at 0.12 bits per pixel) to
        0.4 dB (at 0.49) better than 0, which is vvenc's own and the better one for luma alone
    threads : of encoder and decoder
    """

    name = "vvc"
    lossless = False
    qualities: tuple[float, ...] = (-47, -42, -37, -32, -27, -22)
    quality_range: tuple[float, float] = (-63, 0)
    depths = (8, 10)
    channels: tuple[Channels, ...] = ("rgb", "grey")

    def __init__(self, *, preset: Preset = "medium", chroma_qp_offset: int = -3, threads: int = 1) -> None:
        check_choice(self.name, "preset", preset, get_args(Preset))
        check_integer(self.name, "chroma_qp_offset", chroma_qp_offset, -12, 12)
        self._preset = preset
        offsets = (f"{chroma}QpOffset{tree}={chroma_qp_offset}" for chroma in ("Cb", "Cr") for tree in _TREES)
        self._fixed = ":".join(("IntraQPOffset=0", "AccessUnitDelimiter=0", *offsets))
        ffmpeg = Ffmpeg(self.name, "libvvenc")
        self.version = f"1+{ffmpeg.version}"
        coder = Coder("libvvenc", "vvc", "vvc", smallest=32, even=True, grey=False)
        threads = check_threads(self.name, threads)
        self._stills = Stills(self.name, ffmpeg, coder, subsampling="420", bits=10, threads=threads)

    def encode(self, image: Samples, quality: float | None, *, depth: int = 8) -> bytes:
        """Compress to a byte stream of H.266."""
        check_side(self.name, image.shape, 16384)
        qp = -check_whole_quality(self.name, quality, self.quality_range)
        steady = ("-qp", str(qp), "-qpa", "0", "-period", "1")
        told = ("-preset", self._preset, *steady, "-vvenc-params", self._fixed)
        try:
            return self._stills.encode(image, depth, told)
        except BenchError as error:
            if _NO_ROOM in str(error):
                raise Unsupported(
                    "vvc: it takes more than 8 bits a pixel, for which ffmpeg has no room"
                ) from error
            raise

    def decode(self, bitstream: bytes) -> Samples:
        """Reconstruct the image."""
        return self._stills.decode(bitstream)
