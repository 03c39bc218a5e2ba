"""``rdbench encode`` and ``rdbench decode``: one file through one codec."""

from __future__ import annotations

from pathlib import Path

from bench import registry
from bench.cli import console
from bench.codec import Codec
from bench.engines.options import complete_config
from bench.errors import BadBitstream, BadImage, ConfigError
from bench.image import read_image
from bench.safe_files import write_atomically
from bench.suite import CodecEntry, parse_codec


def encode(spec: str, image: Path, output: Path) -> None:
    """Encode one image file."""
    entry = parse_codec(spec)
    codec = _construct(entry)
    quality = _quality(spec, entry, codec)
    picture = read_image(image)
    bitstream = codec.encode(picture.pixels, quality)
    write_atomically(output, bitstream)
    height, width = picture.pixels.shape[:2]
    console.note(
        f"{output}: {len(bitstream)} bytes, {8 * len(bitstream) / (width * height):.4f} bpp"
        + (f" ({picture.treatment})" if picture.treatment else "")
    )


def decode(spec: str, bitstream: Path, output: Path) -> None:
    """Decode one bitstream file to PNG."""
    import io

    from PIL import Image

    if output.suffix.lower() != ".png":
        raise ConfigError(f"{output}: decoded pictures are written as PNG; end the name in .png")
    codec = _construct(parse_codec(spec))
    try:
        data = bitstream.read_bytes()
    except OSError as error:
        raise BadImage(f"{bitstream}: cannot be read ({error.strerror})") from error
    try:
        pixels = codec.decode(data)
    except BadBitstream as error:
        raise BadBitstream(f"{bitstream}: {error}") from error
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    write_atomically(output, buffer.getvalue())
    console.note(f"{output}: {pixels.shape[1]}x{pixels.shape[0]}")


def _construct(entry: CodecEntry) -> Codec:
    is_file = registry.is_file_target(entry.codec)
    constructor = registry.load(entry.codec if is_file else registry.find(registry.CODECS, entry.codec))
    codec: Codec = constructor(**complete_config(constructor, dict(entry.config)))
    return codec


def _quality(spec: str, entry: CodecEntry, codec: Codec) -> float | None:
    if codec.lossless:
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
