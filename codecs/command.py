"""Any external encoder and decoder, described by two command lines."""

from __future__ import annotations

import math
import shlex
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import get_args

from bench.codec import DEPTHS, Channels, Samples
from bench.errors import BadBitstream, BenchError, CodecUnavailable, ConfigError, Unsupported
from bench.image import Accepted, Conversions
from bench.program import fingerprint, run_program
from bench_codecs._common.options import check_choice, check_quality, check_threads
from bench_codecs._common.rasters import (
    HOLDS,
    RASTER_FORMATS,
    RAW,
    RasterFormat,
    read_raster,
    write_raster,
)

_SIZE_BYTES = 8
_LAST_LINES = 5
_UNLIMITED = 1e9
"""Largest quality where the options name none, since the contract requires a finite range."""


class Command:
    """An encoder and a decoder that are run as programs, without a shell, each time in a folder of their own.

    The placeholders ``{input}``, ``{output}``, ``{quality}``, ``{width}``, ``{height}``, ``{threads}`` and,
    for the encoder, ``{depth}`` in the command lines are replaced, for example in
    ``encode="cjpeg -quality {quality} -outfile {output} {input}"`` and
    ``decode="djpeg -ppm -outfile {output} {input}"``. The bitstream is the file that the encoder writes. If
    the decoder writes raw planes, which have no header, width and height are put in front of the bitstream in
    8 bytes, which count.

    Parameters
    ----------
    encode, decode : command lines; both need ``{input}`` and ``{output}``. One of them suffices where a
        suite's ``decoder`` takes encoder and decoder from two codecs
    qualities : default operating points, separated by commas; their range is the codec's range. Empty for a
        lossless codec, or if a suite's ``quality`` or ``@`` gives the operating points, which may then be any
        numbers
    lower_is_better : the programs' setting, such as a quantiser parameter, falls as quality rises. Quality is
        then minus the setting: ``qualities="37,32,27,22"`` are the qualities −37 to −22
    lossless : the decoder returns the same pixels, and there is no ``{quality}``
    input_format, output_format : what the encoder reads and the decoder writes. ``yuv444`` is raw planar
        8-bit full-range BT.709; ``yuv444p10`` and ``yuv420p10`` are so with 10 bits in two bytes, the lower
        one first, of pictures of 8. An image file that the decoder writes is read like an original: grey,
        palette, opaque alpha and EXIF orientation are converted, and :attr:`treatment` names the conversions
    depths, channels : what the programs take besides 8-bit RGB, separated by commas: ``depths="8,10,16"``,
        ``channels="rgb,grey,rgba"``. Grey is written as PGM where RGB is PPM; 9 to 15 bits are the maximum of
        a PPM, or sBIT in a PNG of 16; ``ppm`` holds no alpha, ``tiff`` 8 and 16 bits. The decoder writes the
        same form; where one depth above 8 is declared, a file of more bits is scaled to it
    bitstream_suffix : file name extension of the bitstream
    threads : what stands for ``{threads}``; more than 1 only where the encoder or the decoder is told it
    version_command : command whose first line of output becomes part of ``version``, beside a hash of every
        file that the command lines name
    """

    name = "command"
    trusted_options = ("encode", "decode", "version_command")
    added_options = ("depths", "channels", "threads")

    def __init__(
        self,
        *,
        encode: str = "",
        decode: str = "",
        qualities: str = "",
        lower_is_better: bool = False,
        lossless: bool = False,
        input_format: RasterFormat = "ppm",
        output_format: RasterFormat = "ppm",
        depths: str = "8",
        channels: str = "rgb",
        bitstream_suffix: str = ".bin",
        version_command: str = "",
        threads: int = 1,
    ) -> None:
        check_choice(self.name, "input_format", input_format, RASTER_FORMATS)
        check_choice(self.name, "output_format", output_format, RASTER_FORMATS)
        files = "{input}", "{output}"
        self._encode = _template("encode", encode, files) if encode or not decode else ()
        self._decode = _template("decode", decode, files) if decode or not encode else ()
        if encode and (lossless == ("{quality}" in encode) or (lossless and qualities.strip())):
            raise ConfigError("command: lossy takes {quality} in encode, lossless neither it nor qualities")
        if check_threads(self.name, threads) > 1 and "{threads}" not in encode + decode:
            raise ConfigError(f"command: threads={threads}, and neither command line has {{threads}}")
        self._threads = str(threads)
        self._sign = -1.0 if lower_is_better else 1.0
        self.lossless = lossless
        self.qualities = tuple(sorted(self._sign * setting for setting in _settings(qualities)))
        limits = (self.qualities[0], self.qualities[-1]) if self.qualities else (-_UNLIMITED, _UNLIMITED)
        self.quality_range = None if lossless else limits
        self.depths = _depths(depths)
        self.channels = _channels(channels)
        for form in (input_format, output_format):
            self._require_holds(form)
        deep = [it for it in self.depths if it > 8]
        convert = Conversions(depth=deep[0]) if len(deep) == 1 else Conversions()
        self._accepted = Accepted(self.depths, self.channels, convert)
        self._input_format = input_format
        self._output_format = output_format
        self._suffix = bitstream_suffix
        self.treatment = ""
        """The conversions of the image that was decoded last."""
        self.version = f"1+{fingerprint((*self._encode, *self._decode))}"
        if version_command:
            self.version += f" ({_first_line(_template('version_command', version_command, ()))})"

    def _require_holds(self, form: str) -> None:
        """Refuse a format that can't hold what is declared."""
        channels, depths = HOLDS[form]
        if lacking := [*({*self.channels} - {*channels}), *(str(it) for it in {*self.depths} - {*depths})]:
            raise ConfigError(f"command: {form} files hold no pictures of {', '.join(sorted(lacking))}")

    def encode(self, image: Samples, quality: float | None, *, depth: int = 8) -> bytes:
        """Write the image to a file, run the encoder, and read the bitstream that it wrote.

        Raises
        ------
        Unsupported
            There is no encoder.
        BenchError
            The program failed; the message has the last lines of its output.
        ValueError
            The quality is missing or out of range.
        """
        if not self._encode:
            raise Unsupported("command: there is no encoder; name one, encode=…")
        height, width = image.shape[:2]
        values = {
            "{width}": str(width),
            "{height}": str(height),
            "{depth}": str(depth),
            "{threads}": self._threads,
        }
        if self.quality_range is not None:
            setting = self._sign * check_quality(self.name, quality, self.quality_range)
            values["{quality}"] = str(int(setting)) if setting.is_integer() else repr(setting)
        with tempfile.TemporaryDirectory(prefix="rdbench-") as folder:
            source = Path(folder, f"input.{self._input_format}")
            target = Path(folder, f"bitstream{self._suffix}")
            write_raster(source, image, self._input_format, depth)
            failure = _run(self._encode, {**values, "{input}": str(source), "{output}": str(target)}, target)
            if failure or not target.is_file():
                raise BenchError(f"command: encoder {self._encode[0]} {failure or 'wrote no output'}")
            bitstream = target.read_bytes()
        if self._output_format in RAW:
            return width.to_bytes(4, "little") + height.to_bytes(4, "little") + bitstream
        return bitstream

    def decode(self, bitstream: bytes) -> Samples:
        """Write the bitstream to a file, run the decoder, and read the image that it wrote.

        Raises
        ------
        BadBitstream
            The program failed, or did not write a valid image.
        Unsupported
            The image has more bits a sample than are declared, or transparent pixels; or there is no decoder.
        """
        if not self._decode:
            raise Unsupported("command: there is no decoder; name one, decode=…, or another codec's")
        size = (0, 0)
        if self._output_format in RAW:
            size = (int.from_bytes(bitstream[:4], "little"), int.from_bytes(bitstream[4:8], "little"))
            bitstream = bitstream[_SIZE_BYTES:]
        with tempfile.TemporaryDirectory(prefix="rdbench-") as folder:
            source = Path(folder, f"bitstream{self._suffix}")
            target = Path(folder, f"output.{self._output_format}")
            source.write_bytes(bitstream)
            values = {"{width}": str(size[0]), "{height}": str(size[1]), "{threads}": self._threads}
            failure = _run(self._decode, {**values, "{input}": str(source), "{output}": str(target)}, target)
            if failure or not target.is_file():
                raise BadBitstream(f"command: decoder {self._decode[0]} {failure or 'wrote no output'}")
            decoded = read_raster(target, self._output_format, size, self._accepted)
        self.treatment = decoded.treatment
        return decoded.pixels


def _template(option: str, line: str, required: tuple[str, ...]) -> tuple[str, ...]:
    """The words of a command line, checked for the ``required`` placeholders and an existing program."""
    try:
        words = tuple(shlex.split(line))
    except ValueError as error:
        raise ConfigError(f"command: {option}: {error}: {line!r}") from error
    missing = [placeholder for placeholder in required if placeholder not in line]
    if not words or missing:
        raise ConfigError(f"command: {option}={line!r} has no {', '.join(missing) or 'program'}")
    if shutil.which(words[0]) is None:
        raise CodecUnavailable(f"command: no program {words[0]!r} on PATH: install it, or give its path")
    return words


def _depths(listed: str) -> tuple[int, ...]:
    try:
        depths = sorted({int(it) for it in listed.split(",")})
    except ValueError:
        depths = []
    if not depths or not {*depths} <= {*DEPTHS}:
        raise ConfigError(
            f"command: depths={listed!r} is not a list of numbers from {DEPTHS[0]} to {DEPTHS[-1]}"
        )
    return tuple(depths)


def _channels(listed: str) -> tuple[Channels, ...]:
    named = [it.strip() for it in listed.split(",")]
    known: tuple[Channels, ...] = get_args(Channels)
    if not {*named} <= {*known}:
        raise ConfigError(f"command: channels={listed!r} is not a list of {', '.join(known)}")
    return tuple(it for it in known if it in named)


def _settings(qualities: str) -> list[float]:
    try:
        settings = [float(value) for value in qualities.split(",") if value.strip()]
    except ValueError as error:
        raise ConfigError(f"command: qualities={qualities!r} is not a list of numbers") from error
    if not all(map(math.isfinite, settings)):
        raise ConfigError(f"command: qualities={qualities!r} holds what is no finite number")
    return settings


def _run(template: tuple[str, ...], values: dict[str, str], writes: Path) -> str:
    """Run a program with the placeholders replaced; returns what went wrong, or ``""``."""
    words = []
    for word in template:
        for placeholder, value in values.items():
            word = word.replace(placeholder, value)
        words.append(word)
    done = run_program(words, writes)
    if done.returncode == 0:
        return ""
    lines = done.stdout.decode(errors="replace").strip().splitlines()[-_LAST_LINES:]
    ended = f"exit status {done.returncode}"
    if done.returncode < 0:
        ended = f"signal {signal.Signals(-done.returncode).name}"
    return f"ended with {ended}: " + (" | ".join(lines) or "no output")


def _first_line(words: tuple[str, ...]) -> str:
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    lines = done.stdout.decode(errors="replace").split("\n")
    return next((line.strip() for line in lines if line.strip()), "no version")
