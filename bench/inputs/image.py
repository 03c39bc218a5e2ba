"""Reading an image file as uint8 (height, width, 3), with every conversion defined and recorded.

Nothing is reinterpreted silently. A file is either read with the conversions of the list below, which are
recorded by name, or refused:

- 8-bit RGB: used as stored;
- grey: replicated to three channels;
- palette: expanded;
- samples of fewer than 8 bits: scaled;
- an alpha channel or a transparent colour that leaves every pixel opaque: dropped;
- an EXIF orientation: applied, whatever else is wrong with the EXIF block;
- an ICC profile or another description of the colour space: not applied, the samples are used as stored;
- further images in a camera's file, reduced copies in a TIFF: left out;
- lossy compression of the file itself: noted, because it favours codecs of the same kind.

More than 8 bits a sample, signed samples, PQ and HLG, real transparency, channels of unknown meaning, CMYK,
animations and other colour spaces are refused. :mod:`bench.inputs.containers` finds out what a file contains;
Pillow decodes the pixels.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.codec import Image
from bench.errors import BadImage, UnsupportedImage
from bench.inputs.containers import examine
from bench.inputs.containers.contents import Contents, exif_orientation, require_one
from bench.text.plain import is_one_line

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

SUFFIXES = frozenset(
    (
        *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".avif", ".bmp", ".dib"),
        *(".ppm", ".pgm", ".pbm", ".pnm", ".tif", ".tiff", ".gif"),
    )
)
"""Suffixes of the files in a folder that count as images."""

LOSSY = "lossy original"
"""How the conversions of a file with lossy compression begin."""


@dataclass(frozen=True)
class Picture:
    """A decoded image file."""

    pixels: Image
    """Uint8, shape (height, width, 3), C-contiguous."""
    treatment: str
    """The conversions that were applied and what was ignored, joined by ``"; "``; empty for 8-bit RGB as
    stored."""


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a regular file's bytes.

    Raises
    ------
    BadImage
        As for :func:`file_bytes`.
    """
    with _opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_bytes(path: Path) -> bytes:
    """All bytes of a regular file.

    Raises
    ------
    BadImage
        It is missing, not a regular file, or cannot be read.
    """
    with _opened(path) as file:
        return file.read()


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    """Open a file, unless it is a pipe or a device, on which a reader could wait for ever."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise BadImage(f"{shown(str(path))}: cannot be read (not a regular file)")
            yield file
    except OSError as error:
        raise BadImage(f"{shown(str(path))}: cannot be read ({error.strerror})") from error


def shown(name: str) -> str:
    """A file's name on one line, with control characters and bytes that are not UTF-8 escaped."""
    return "".join(it if is_one_line(it) else _escaped(it) for it in name)


def _escaped(character: str) -> str:
    byte = ord(character) - 0xDC00  # Python's surrogate for a byte that is not UTF-8
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else character.encode("unicode_escape").decode()


def read_image(path: Path, sha256: str | None = None) -> Picture:
    """Read and decode one image file.

    Parameters
    ----------
    path : the file, which is read once
    sha256 : the hex SHA-256 that its bytes must have; None accepts any

    Raises
    ------
    BadImage
        The file is missing, not a regular file, corrupt or truncated, or has another hash.
    UnsupportedImage
        The file is sound, but there is no defined conversion of its contents.
    """
    data = file_bytes(path)
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise BadImage(
            f"{shown(str(path))}: is another file than when the run was planned (SHA-256); run again"
        )
    return decode_image(data, str(path))


def decode_image(data: bytes, name: str) -> Picture:
    """Decode the bytes of one image file.

    Parameters
    ----------
    data : the whole file
    name : name of the file in messages

    Raises
    ------
    BadImage
        The file is corrupt or truncated.
    UnsupportedImage
        The file is sound, but there is no defined conversion of its contents.
    """
    try:
        contents = examine(data)
        stored = _decoded(contents)
        notes = [f"{LOSSY} ({contents.lossy})"] if contents.lossy else []
        rgb = _to_rgb(stored, contents, notes)
    except (BadImage, UnsupportedImage) as error:
        raise type(error)(f"{shown(name)}: {error}") from error
    return Picture(np.ascontiguousarray(np.asarray(rgb)), "; ".join(notes))


def is_lossy(path: Path) -> bool:
    """Whether an image file is compressed with loss; False for a file that cannot be read."""
    if path.suffix.lower() == ".png":  # never lossy: no need to read it
        return False
    try:
        return bool(examine(file_bytes(path)).lossy)
    except (BadImage, UnsupportedImage):
        return False


def lossy_warning(lossy: int, images: int, dataset: str) -> str:
    """The warning about a data set in which ``lossy`` of ``images`` originals are lossy files."""
    return (
        f"{lossy} of {images} originals of {dataset} are lossy files (JPEG or the like): codecs of the same"
        " kind reproduce artefacts that are there already, and score too high; prefer originals that were"
        " never compressed with loss"
    )


def _decoded(contents: Contents) -> PillowImage:
    """The stored samples; any exception of Pillow means a damaged or unsupported file."""
    from PIL import Image as pillow
    from PIL import UnidentifiedImageError, features

    if contents.format == "AVIF" and not features.check("avif"):
        raise UnsupportedImage("this Pillow was built without AVIF; pip install --upgrade pillow")
    try:
        # Pillow warns about faults on which it then fails.
        with warnings.catch_warnings(action="ignore"):
            image = pillow.open(io.BytesIO(contents.data), formats=(contents.format,))
            frames = getattr(image, "n_frames", 1)
            tiles = getattr(image, "tile", ())
            partial = contents.format == "GIF" and any(it[1] != (0, 0, *image.size) for it in tiles)
            if frames == 1 and not partial:
                image.load()
    except MemoryError:
        raise
    except pillow.DecompressionBombError as error:
        raise UnsupportedImage(str(error)) from error
    except UnidentifiedImageError as error:
        raise BadImage(f"its {contents.format} header is damaged, or of a kind that is not read") from error
    except Exception as error:
        if "nsupported" in str(error):
            raise UnsupportedImage(f"{error}; convert it to PNG first") from error
        raise BadImage(f"corrupt or truncated ({error or type(error).__name__})") from error
    require_one(frames)
    if partial:
        raise UnsupportedImage("a GIF whose picture does not fill its screen; convert it first")
    if contents.format == "AVIF":
        # The decoder reports the file's own rotation and mirroring in this form.
        contents.orientation = exif_orientation(image.info.get("exif", b""))
    return image


def _to_rgb(image: PillowImage, contents: Contents, notes: list[str]) -> PillowImage:
    """Convert to RGB. Each step is appended to ``notes``, after what is noted of the container."""
    notes += contents.notes
    if contents.orientation != 1:
        source = "EXIF" if contents.format != "AVIF" else "AVIF"
        notes.append(f"{source} orientation {contents.orientation} applied")
        image = _upright(image, contents.orientation)
    if image.mode in ("P", "PA"):
        if contents.palette and int(np.asarray(image).max()) >= contents.palette:
            raise BadImage("damaged: a pixel has a colour that is not in the palette")
        notes.append("palette expanded")
        has_alpha = image.mode == "PA" or "transparency" in image.info
        image = image.convert("RGBA" if has_alpha else "RGB")
    if contents.colour_key is not None:
        if image.mode in ("1", "L", "RGB") and _holds(image, contents.colour_key):
            raise UnsupportedImage("has transparent pixels; flatten it onto a background first")
        notes.append("unused transparent colour dropped")
    if image.mode in ("RGBA", "LA", "La"):
        if image.getchannel(image.mode[-1]).getextrema() != (255, 255):
            raise UnsupportedImage("has transparent pixels; flatten it onto a background first")
        notes.append("opaque alpha dropped")
        image = image.convert("RGB") if image.mode == "RGBA" else image.getchannel("L")
    if image.mode in ("L", "1"):
        notes.append("grey replicated to RGB")
        return image.convert("L").convert("RGB")
    if image.mode != "RGB":
        raise UnsupportedImage(f"colour mode {image.mode}; convert it to 8-bit RGB first")
    return image


def _upright(image: PillowImage, orientation: int) -> PillowImage:
    from PIL.Image import Transpose

    steps = (
        *(Transpose.FLIP_LEFT_RIGHT, Transpose.ROTATE_180, Transpose.FLIP_TOP_BOTTOM, Transpose.TRANSPOSE),
        *(Transpose.ROTATE_270, Transpose.TRANSVERSE, Transpose.ROTATE_90),
    )
    return image.transpose(steps[orientation - 2])


def _holds(image: PillowImage, colour: tuple[int, ...]) -> bool:
    """Whether some pixel has exactly this colour."""
    samples = np.asarray(image.convert("L") if image.mode == "1" else image)
    return bool((samples.reshape(*samples.shape[:2], -1) == colour).all(axis=2).any())


def png_of(pixels: Image) -> bytes:
    """A picture as a PNG file, written quickly rather than small."""
    from PIL import Image as pillow

    buffer = io.BytesIO()
    pillow.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
