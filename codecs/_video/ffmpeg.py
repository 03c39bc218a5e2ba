"""The ffmpeg of the wheel imageio-ffmpeg: planes of a picture to an elementary stream, and back.

It runs as a program, so that what starting it takes is told from what coding takes (:mod:`bench.program`).
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from bench.codec import Samples
from bench.errors import BadBitstream, BenchError, CodecUnavailable
from bench.program import run_program
from bench_codecs._common.claims import check_claim, most_pixels
from bench_codecs._common.ycbcr import Subsampling, from_raw, to_raw

Stream = Literal["vvc", "hevc", "obu"]
"""ffmpeg's names: byte streams of H.266 and H.265 (Annex B), the low-overhead format of AV1 (section 5)."""
INSTALL = "pip install 'rdbench[video]'"
_QUIET = ("-nostdin", "-hide_banner", "-loglevel", "error", "-y")
_STRICT = ("-xerror", "-err_detect", "explode")
_FIRST_LINES = 3
"""Of what ffmpeg says: the others tell what followed from it."""
_FRAME = b"\nFRAME\n"
_Y4M: dict[str, tuple[Subsampling | None, int]] = {
    "mono": (None, 8),
    "mono10": (None, 10),
    "420jpeg": ("420", 8),
    "420mpeg2": ("420", 8),
    "420paldv": ("420", 8),
    "420p10": ("420", 10),
    "444": ("444", 8),
    "444p10": ("444", 10),
}
"""What Y4M calls the forms that these codecs have: chroma, and bits a sample."""


class Ffmpeg:
    """The program, for one codec.

    Parameters
    ----------
    codec : name in messages
    libraries : of those that ffmpeg may be built with, the ones that it needs, ``libx265`` for example
    """

    def __init__(self, codec: str, *libraries: str) -> None:
        self._codec = codec
        self._program = _program(codec)
        build, configuration = _build(self._program)
        for it in libraries:
            if f"--enable-{it}" not in configuration:
                raise CodecUnavailable(
                    f"{codec}: {self._program.name} has no {it}: {INSTALL} on x86-64 Linux"
                )
        self.version = f"ffmpeg {build} (imageio-ffmpeg {version('imageio-ffmpeg')})"

    def encode(
        self,
        planes: Sequence[Samples],
        subsampling: Subsampling,
        bits: int,
        *,
        stream: Stream,
        options: Sequence[str],
        threads: int,
    ) -> bytes:
        """An elementary stream of one picture.

        Parameters
        ----------
        planes : Y, Cb and Cr, or Y alone
        subsampling, bits : of the planes; 8 or 10 bits a sample
        options : encoder and its settings, ``["-c:v", "libx265", ...]``

        Raises
        ------
        BenchError
            The encoder failed; the message has the first lines of what it said.
        """
        height, width = planes[0].shape
        with tempfile.TemporaryDirectory(prefix="rdbench-") as folder:
            source, target = Path(folder, "planes.yuv"), Path(folder, f"bitstream.{stream}")
            source.write_bytes(to_raw(planes, bits))
            chroma = "gray" if len(planes) == 1 else f"yuv{subsampling}p"
            pixels = chroma + ("10le" if bits == 10 else "")
            # One frame a second: a rate would not matter, but has to be told.
            form = ("-f", "rawvideo", "-pix_fmt", pixels, "-s", f"{width}x{height}", "-r", "1")
            limits = ("-frames:v", "1", "-threads", str(threads))
            words = (*form, "-i", str(source), *limits, *options, "-f", stream, str(target))
            failure = self._run(words, target)
            if failure or not target.stat().st_size:
                raise BenchError(f"{self._codec}: the encoder {failure or 'wrote nothing'}")
            return target.read_bytes()

    def decode(
        self, bitstream: bytes, stream: Stream, decoder: str, threads: int
    ) -> tuple[list[Samples], int]:
        """The planes of the first picture of an elementary stream, and their bits a sample.

        Parameters
        ----------
        decoder : ffmpeg's name of it

        Raises
        ------
        BadBitstream
            The decoder failed, found an error, or a picture larger than so many bytes may hold.
        """
        with tempfile.TemporaryDirectory(prefix="rdbench-") as folder:
            source, target = Path(folder, f"bitstream.{stream}"), Path(folder, "planes.y4m")
            source.write_bytes(bitstream)
            limits = ("-max_pixels", str(most_pixels(len(bitstream))), "-threads", str(threads))
            reading = (*_STRICT, *limits, "-f", stream, "-c:v", decoder, "-i", str(source))
            # Y4M has a header with size and format; more than 8 bits in it are called not strict.
            words = (*reading, "-frames:v", "1", "-strict", "-1", "-f", "yuv4mpegpipe", str(target))
            failure = self._run(words, target)
            if failure or not target.stat().st_size:
                raise BadBitstream(f"{self._codec}: the decoder {failure or 'found no picture'}")
            return self._planes(target.read_bytes(), len(bitstream))

    def _planes(self, file: bytes, n_bytes: int) -> tuple[list[Samples], int]:
        """What a Y4M file holds that was made of so many bytes."""
        head, _, samples = file.partition(_FRAME)
        fields = {it[:1]: it[1:] for it in head.split()[1:]}
        width, height = int(fields[b"W"]), int(fields[b"H"])
        colours = fields[b"C"].decode()
        check_claim(self._codec, (width, height), n_bytes)
        if colours in _Y4M:
            subsampling, bits = _Y4M[colours]
            planes = from_raw(samples, (width, height), bits, subsampling)
            if planes is not None:
                return planes, bits
        raise BadBitstream(f"{self._codec}: the decoder returned {len(samples)} bytes of {colours}")

    def _run(self, words: Sequence[str], writes: Path) -> str:
        """Run ffmpeg; returns what went wrong, or ``""``."""
        done = run_program((str(self._program), *_QUIET, *words), writes)
        if done.returncode == 0 and writes.is_file():
            return ""
        # Addresses in memory and the temporary folder differ from trial to trial.
        said = re.sub(r" @ 0x[0-9a-f]+", "", done.stdout.decode(errors="replace"))
        lines = [it for it in said.replace(f"{writes.parent}/", "").splitlines() if it.strip()][:_FIRST_LINES]
        return f"ended with exit status {done.returncode}: {' | '.join(lines) or 'no output'}"


def _program(codec: str) -> Path:
    """The binary in the wheel, and no other ffmpeg, so that its version says which one it is."""
    try:
        import imageio_ffmpeg
    except ImportError as error:
        raise CodecUnavailable(f"{codec} needs imageio-ffmpeg ({error}): {INSTALL}") from error
    found = sorted(Path(imageio_ffmpeg.__file__).with_name("binaries").glob("ffmpeg-*"))
    if not found:
        raise CodecUnavailable(
            f"{codec}: this imageio-ffmpeg came without a program, as its wheels have: {INSTALL}"
        )
    return found[0]


@cache
def _build(program: Path) -> tuple[str, str]:
    """The version of a build of ffmpeg, and how it was configured."""
    done = subprocess.run([program, "-version"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    said = done.stdout.decode(errors="replace")
    words = said.split()
    return (words[2] if len(words) > 2 else "of no version"), said
