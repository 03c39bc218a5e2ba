"""``rdbench encode`` and ``rdbench decode``: one file through one codec, in a worker process as in a run."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import registry
from bench.cli import console
from bench.engines.messages import Decode, Decoded, Describe, Encode, Encoded, Failed, Repeat
from bench.engines.worker_handle import Died, Limits, Worker, share_of_memory
from bench.engines.zygote import Zygote
from bench.errors import BadBitstream, BenchError, ConfigError
from bench.files.access import write_atomically
from bench.inputs.suite import CodecEntry, parse_codec
from bench.trials.codec_ref import CodecRef, Description


def encode(spec: str, image: Path, output: Path, timeout: float) -> bool:
    """Encode one image file; whether the codec failed, in which case nothing is written.

    Raises
    ------
    BenchError
        The usage, the image or the output file is at fault, not the codec.
    """
    entry = parse_codec(spec)
    with _worker(timeout) as worker:
        codec = _ref(entry)
        quality = _quality(spec, entry, _described(worker, spec, codec))
        answer = worker.ask(Encode(image.absolute(), codec, quality, Repeat()))
        if not isinstance(answer, Encoded):
            if answer.status in ("bad_input", "unsupported"):
                raise BenchError(answer.message)
            return _tell_failure(f"{spec} on {image}", answer, worker)
    write_atomically(output, answer.bitstream)
    size = len(answer.bitstream)
    console.note(
        f"{output}: {size} bytes, {8 * size / (answer.width * answer.height):.4f} bpp"
        + (f" ({answer.treatment})" if answer.treatment else "")
    )
    return False


def decode(spec: str, bitstream: Path, output: Path, timeout: float) -> bool:
    """Decode one bitstream file to PNG; whether the codec failed, in which case nothing is written.

    Raises
    ------
    BenchError
        The usage, the bitstream or the output file is at fault, not the codec.
    """
    from PIL import Image

    if output.suffix.lower() != ".png":
        raise ConfigError(f"{output}: decoded pictures are written as PNG; end the name in .png")
    try:
        data = bitstream.read_bytes()
    except OSError as error:
        raise BadBitstream(f"{bitstream}: cannot be read ({error.strerror})") from error
    with _worker(timeout) as worker:
        codec = _ref(parse_codec(spec))
        _described(worker, spec, codec)
        answer = worker.ask(Decode(codec, data, Repeat()))
        if not isinstance(answer, Decoded):
            if isinstance(answer, Failed) and not answer.exception and answer.status == "codec_error":
                raise BadBitstream(f"{bitstream}: {answer.message}")
            return _tell_failure(f"{spec} on {bitstream}", answer, worker)
        if len(answer.shape) != 3 or answer.shape[2] != 3 or 0 in answer.shape:
            shape = f"decode returned samples of shape {answer.shape}, not (height, width, 3)"
            return _tell_failure(f"{spec} on {bitstream}", Failed("mismatch", "decode", "", shape), worker)
        pixels = worker.samples(answer.shape)
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, "PNG")
    write_atomically(output, png.getvalue())
    treatment = f" ({answer.treatment})" if answer.treatment else ""
    console.note(f"{output}: {pixels.shape[1]}x{pixels.shape[0]}{treatment}")
    return False


@contextmanager
def _worker(timeout: float) -> Iterator[Worker]:
    with Zygote() as zygote:
        worker = Worker(zygote, Limits(timeout, share_of_memory()))
        try:
            yield worker
        finally:
            worker.close()


def _ref(entry: CodecEntry) -> CodecRef:
    is_file = registry.is_file_target(entry.codec)
    target = entry.codec if is_file else registry.find(registry.CODECS, entry.codec)
    return CodecRef(target, tuple(sorted(entry.config.items())), trusted=True)


def _described(worker: Worker, spec: str, codec: CodecRef) -> Description:
    answer = worker.ask(Describe(codec))
    if isinstance(answer, Description):
        return answer
    if isinstance(answer, Failed) and not answer.exception:
        raise ConfigError(answer.message)
    raise ConfigError(f"codec {spec} cannot be constructed: {_reason(answer)}")


def _quality(spec: str, entry: CodecEntry, codec: Description) -> float | None:
    if codec.lossless:
        return None
    if entry.quality is not None and not codec.takes_quality:
        raise ConfigError(f"codec {spec!r} encodes without a quality; leave out @…")
    if entry.quality is None and None in codec.qualities:
        return None
    if entry.quality is None or len(entry.quality) != 1:
        example = f"{codec.qualities[len(codec.qualities) // 2]:g}" if codec.qualities else "50"
        raise ConfigError(f"codec {spec!r} is lossy: give one quality, as in {entry.codec}@{example}")
    low, high = codec.quality_range or (entry.quality[0],) * 2
    if not low <= entry.quality[0] <= high:
        raise ConfigError(
            f"codec {entry.codec!r}: quality {entry.quality[0]:g} is outside its range {low:g} to {high:g}"
        )
    return entry.quality[0]


def _tell_failure(what: str, answer: Failed | Died, worker: Worker) -> bool:
    """Say in one line how a codec failed, with the last line that it printed; always True."""
    printed = (answer.stderr if isinstance(answer, Died) else worker.stderr()).splitlines()
    console.note(
        f"{what}: {answer.status}, {_reason(answer)}" + (f"; it printed: {printed[-1]}" if printed else "")
    )
    return True


def _reason(answer: Failed | Died) -> str:
    name = f"{answer.exception}: " if isinstance(answer, Failed) and answer.exception else ""
    return f"{name}{answer.message}".splitlines()[0]
