"""Reconstructions as lossless picture files, decoded from kept bitstreams in worker processes.

What is not 8-bit RGB is stored as it is shown. Files are named by the SHA-256 of the measured pixels: equal
pictures are stored once, and a second report of the same run decodes nothing.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.codec import Image
from bench.engines import open_engine
from bench.engines.engine import Slot, Task
from bench.engines.kept import KeptBitstream, Undecodable, decoded
from bench.files.access import write_atomically
from bench.files.stored_pictures import picture_name, stored_picture
from bench.inputs.pixels import displayed

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

_WEBP_SIDE = 16383


@dataclass(frozen=True)
class Stored:
    """A picture file, or why there is none."""

    file: Path | None
    problem: str = ""


def store_picture(folder: Path, pixels: Image) -> Path:
    """Write pixels (height, width, 3) losslessly under the hash of their samples."""
    return _store(folder, hashlib.sha256(pixels.tobytes()).hexdigest(), *lossless_bytes(pixels))


def _store(folder: Path, pixels_sha256: str, data: bytes, suffix: str) -> Path:
    path = folder / (picture_name(pixels_sha256) + suffix)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path, data)
    return path


def lossless_bytes(pixels: Image, effort: int = 0) -> tuple[bytes, str]:
    """A lossless WebP (effort 0 to 6), or a PNG where a side is too long for it, and the file's ending."""
    import PIL.Image as pillow

    image: PillowImage = pillow.fromarray(pixels)
    buffer = io.BytesIO()
    if max(image.size) > _WEBP_SIDE:
        image.save(buffer, "PNG", compress_level=3)
        return buffer.getvalue(), ".png"
    image.save(buffer, "WEBP", lossless=True, method=effort, quality=15 * effort)
    return buffer.getvalue(), ".webp"


def decode_all(bitstreams: Sequence[KeptBitstream], folder: Path) -> list[Stored]:
    """Decode and store the picture of each; what fails has its reason in place of a file."""
    results: dict[str, Stored] = {}
    todo: dict[str, KeptBitstream] = {}
    for kept in bitstreams:
        path = stored_picture(folder, kept.pixels_sha256)
        if path is not None:
            results[kept.pixels_sha256] = Stored(path)
        else:
            todo.setdefault(kept.pixels_sha256, kept)
    if todo:
        with open_engine() as engine:
            for pixels_sha256, found in engine.run(_Compress(), list(todo.values())):
                results[pixels_sha256] = _stored(folder, pixels_sha256, found)
    return [results[it.pixels_sha256] for it in bitstreams]


@dataclass(frozen=True)
class _Compress(Task[KeptBitstream, "tuple[str, tuple[bytes, str] | str]"]):
    """The hash of a picture, and the picture as a lossless file and its ending, or why there is none."""

    def __call__(self, work: KeptBitstream, slot: Slot) -> tuple[str, tuple[bytes, str] | str]:
        try:
            return work.pixels_sha256, lossless_bytes(displayed(decoded(work, slot), work.depth))
        except Undecodable as error:
            return work.pixels_sha256, str(error)
        except (OSError, ValueError) as error:
            return work.pixels_sha256, f"the picture can't be stored: {error}"


def _stored(folder: Path, pixels_sha256: str, found: tuple[bytes, str] | str) -> Stored:
    if isinstance(found, str):
        return Stored(None, found)
    try:
        return Stored(_store(folder, pixels_sha256, *found))
    except (OSError, ValueError) as error:
        return Stored(None, f"the picture can't be stored: {error}")
