"""``rdbench encode`` and ``rdbench decode``: one file through one codec, in a worker process as in a run."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from bench.cli import console
from bench.codec import Samples
from bench.engines import open_engine
from bench.engines.describing import codec_target, describe_codec, named
from bench.engines.encoding import encoded
from bench.engines.engine import Engine, EngineOptions, Slot, Task
from bench.engines.messages import Decode, Decoded, Failed
from bench.errors import BadBitstream, BenchError, ConfigError
from bench.files.access import MAX_BITSTREAM, read_regular, write_atomically
from bench.inputs.suite import CodecEntry, parse_codec
from bench.trials.codec_ref import Description
from bench.trials.plan import CodecPlan, TrustedCodec


@dataclass(frozen=True)
class _File:
    """A file, and the codec that it is for."""

    image: Path
    """Of a picture to encode, or a bitstream to decode."""
    codec: CodecPlan
    quality: float | None = None

    @property
    def path(self) -> Path:
        """The file."""
        return self.image


def encode(spec: str, image: Path, output: Path, timeout: float) -> bool:
    """Encode one image file; whether the codec failed, in which case nothing is written.

    Raises
    ------
    BenchError
        The usage, the image or the output file is at fault, not the codec.
    """
    entry = parse_codec(spec)
    with open_engine(options=EngineOptions(timeout=timeout)) as engine:
        codec, found = _described(engine, spec, entry)
        file = _File(image.absolute(), codec, _quality(spec, entry, found))
        (answer,) = engine.run(_EncodeFile(), [file])
    if isinstance(answer, Failed):
        if answer.status in ("bad_input", "unsupported"):
            raise BenchError(answer.message)
        return _tell_failure(f"{spec} on {image}", answer)
    write_atomically(output, answer.data)
    size, (height, width, *_) = len(answer.data), answer.shape
    treatment = f" ({answer.treatment})" if answer.treatment else ""
    console.note(f"{output}: {size} bytes, {8 * size / (width * height):.4f} bpp{treatment}")
    return False


@dataclass(frozen=True)
class _Bitstream:
    data: bytes
    shape: tuple[int, ...]
    treatment: str


class _EncodeFile(Task[_File, _Bitstream | Failed]):
    def __call__(self, work: _File, slot: Slot) -> _Bitstream | Failed:
        original = slot.original(work.image, None, work.codec.accepted)
        if isinstance(original, Failed):
            return original
        made = encoded(slot, work.image, work.codec, work.quality)
        if isinstance(made, Failed):
            return made
        return _Bitstream(made.bitstream, original.shape, original.treatment)


def decode(spec: str, bitstream: Path, output: Path, timeout: float) -> bool:
    """Decode one bitstream file to PNG; whether the codec failed, in which case nothing is written.

    Raises
    ------
    BenchError
        The usage, the bitstream or the output file is at fault, not the codec.
    """
    import imagecodecs
    import numpy as np
    import PIL.Image

    if output.suffix.lower() != ".png":
        raise ConfigError(f"{output}: decoded pictures are written as PNG; end the name in .png")
    try:
        data = read_regular(bitstream, MAX_BITSTREAM, links=True)
    except OSError as error:
        raise BadBitstream(f"{bitstream}: cannot be read ({error.strerror})") from error
    with open_engine(options=EngineOptions(timeout=timeout)) as engine:
        codec, _ = _described(engine, spec, parse_codec(spec))
        (answer,) = engine.run(_DecodeFile(data), [_File(bitstream, codec)])
    if isinstance(answer, Failed):
        if answer.deliberate and answer.status == "codec_error":
            raise BadBitstream(f"{bitstream}: {answer.message}")
        return _tell_failure(f"{spec} on {bitstream}", answer)
    deep = answer.pixels.dtype == np.uint16
    if deep:  # which Pillow can't write
        data = bytes(imagecodecs.png_encode(answer.pixels))
    else:
        picture = io.BytesIO()
        PIL.Image.fromarray(answer.pixels).save(picture, "PNG")
        data = picture.getvalue()
    write_atomically(output, data)
    treatment = f" ({answer.treatment})" if answer.treatment else ""
    treatment += ", samples of 16 bits as the codec returned them" if deep else ""
    console.note(f"{output}: {answer.pixels.shape[1]}x{answer.pixels.shape[0]}{treatment}")
    return False


@dataclass(frozen=True)
class _Picture:
    pixels: Samples
    treatment: str


@dataclass(frozen=True)
class _DecodeFile(Task[_File, _Picture | Failed]):
    bitstream: bytes

    def __call__(self, work: _File, slot: Slot) -> _Picture | Failed:
        answer = slot.decoder.ask(Decode(work.codec.ref, self.bitstream))
        if not isinstance(answer, Decoded):
            return answer
        if answer.shape[2:] not in ((), (3,), (4,)) or len(answer.shape) < 2 or 0 in answer.shape:
            shape = f"decode returned samples of shape {answer.shape}, not (height, width, 3)"
            return Failed("mismatch", "decode", "", shape, stderr=slot.decoder.stderr())
        return _Picture(slot.decoder.samples(answer.shape, answer.dtype), answer.treatment)


def _described(engine: Engine, spec: str, entry: CodecEntry) -> tuple[CodecPlan, Description]:
    """A codec as it is to be constructed, and what it says of itself."""
    target = codec_target(entry.codec)
    found = describe_codec(engine, named(target, entry))
    if isinstance(found, str):
        raise ConfigError(found)
    codec = TrustedCodec(
        label=spec,
        codec=found.name,
        target=target,
        version=found.version,
        lossless=found.lossless,
        config=found.config,
        qualities=entry.settings or (None,),
        accepted=found.accepted,
        needs=found.needs,
    )
    return codec, found


def _quality(spec: str, entry: CodecEntry, codec: Description) -> float | None:
    if codec.lossless:
        return None
    points = entry.settings
    if points is not None and not codec.takes_quality:
        raise ConfigError(f"codec {spec!r} encodes without a quality; leave out @…")
    if points is None and None in codec.qualities:
        return None
    if points is None or len(points) != 1:
        example = f"{codec.qualities[len(codec.qualities) // 2]:g}" if codec.qualities else "50"
        raise ConfigError(f"codec {spec!r} is lossy: give one quality, as in {entry.codec}@{example}")
    low, high = codec.quality_range or (points[0],) * 2
    if not low <= points[0] <= high:
        raise ConfigError(
            f"codec {entry.codec!r}: quality {points[0]:g} is outside its range {low:g} to {high:g}"
        )
    return points[0]


def _tell_failure(what: str, answer: Failed) -> bool:
    """Say in one line how a codec failed, with the last line that it printed; always True."""
    printed = answer.stderr.splitlines()
    console.note(
        f"{what}: {answer.status}, {answer.reason.splitlines()[0]}"
        + (f"; it printed: {printed[-1]}" if printed else "")
    )
    return True
