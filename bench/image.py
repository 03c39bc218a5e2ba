"""Reading an image file into ``uint8`` H×W×3, every conversion declared and recorded.

Nothing is reinterpreted in silence: a file either has one of the treatments below, whose name goes
into the record, or is refused. The treatments are

- 8-bit RGB: as stored;
- 8-bit or 1-bit grey: replicated to three channels;
- palette without transparency: expanded;
- an alpha channel that is opaque everywhere: dropped;
- an EXIF orientation: applied;
- an ICC profile: not applied, samples are used as stored.

16 bits a sample, real transparency, CMYK, animations and other colour spaces are refused.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.codec import Image
from bench.errors import BadImage, UnsupportedImage

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".ppm", ".pgm", ".pnm", ".tif", ".tiff"})
"""Endings by which a folder's files count as images."""

_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "PPM", "TIFF")
_EXIF_ORIENTATION = 0x0112
_TIFF_BITS_PER_SAMPLE = 258


@dataclass(frozen=True)
class Picture:
    """A decoded image file: its samples and how they came about."""

    pixels: Image
    treatment: str
    """The conversions that were applied, ``"; "`` between them; empty for 8-bit RGB as stored."""


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_image(path: Path) -> Picture:
    """Read one image file: its bytes, through :func:`decode_image`.

    Raises
    ------
    BadImage
        The file is missing, not a regular file, corrupt or truncated.
    UnsupportedImage
        The file is sound, but its contents have no declared treatment.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadImage(f"{path}: cannot be read ({error.strerror})") from error
    return decode_image(data, str(path))


def decode_image(data: bytes, name: str) -> Picture:
    """Decode the bytes of one image file.

    Parameters
    ----------
    data : the whole file
    name : what messages call it

    Returns
    -------
    Picture
        Samples as C-contiguous ``uint8`` (height, width, 3), and the treatment.

    Raises
    ------
    BadImage
        The file is corrupt or truncated.
    UnsupportedImage
        The file is sound, but its contents have no declared treatment.
    """
    from PIL import Image as pillow
    from PIL import UnidentifiedImageError

    try:
        # Pillow warns of what it then fails on, or of metadata that has no part in the samples.
        with (
            warnings.catch_warnings(action="ignore"),
            pillow.open(io.BytesIO(data), formats=_FORMATS) as image,
        ):
            _refuse_what_pillow_narrows(name, data, image)
            notes: list[str] = []
            rgb = _to_rgb(name, _upright(image, notes), notes)
            pixels = np.ascontiguousarray(np.asarray(rgb))
    except UnidentifiedImageError as error:
        raise BadImage(
            f"{name}: not a PNG, JPEG, WebP, BMP, PPM or TIFF image, or its header is damaged"
        ) from error
    except pillow.DecompressionBombError as error:
        raise UnsupportedImage(f"{name}: {error}") from error
    except (OSError, SyntaxError, ValueError, TypeError, EOFError) as error:
        raise BadImage(f"{name}: corrupt or truncated ({error})") from error
    return Picture(pixels, "; ".join(notes))


def _refuse_what_pillow_narrows(name: str, data: bytes, image: PillowImage) -> None:
    """Pillow opens several deeper formats as 8-bit without a word; look at the file itself."""
    bits = 8
    if image.format == "PNG":
        bits = data[24]
    elif image.format == "TIFF":
        bits = max(getattr(image, "tag_v2", {}).get(_TIFF_BITS_PER_SAMPLE, (8,)))
    elif image.format == "PPM":
        # Pillow's raw reader takes a maximum of 255 (or 16-bit grey, refused below); the others name theirs.
        reader = getattr(image, "tile")[0]  # noqa: B009  # only the class of files has it
        maximum = 255 if reader.codec_name == "raw" else reader.args[1]
        if maximum != 255 and image.mode != "1":
            raise UnsupportedImage(f"{name}: sample maximum {maximum}; convert it to 255 first")
    if bits > 8 or image.mode.startswith(("I", "F")):
        depth = f"{bits} bits a sample" if bits > 8 else f"mode {image.mode}"
        raise UnsupportedImage(f"{name}: {depth}; rdbench measures 8-bit pictures, convert it first")
    if getattr(image, "n_frames", 1) > 1:
        raise UnsupportedImage(f"{name}: {getattr(image, 'n_frames', 0)} frames; extract one first")


def _upright(image: PillowImage, notes: list[str]) -> PillowImage:
    from PIL import ImageOps

    orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
    if image.info.get("icc_profile"):
        notes.append("ICC profile not applied")
    if orientation in range(2, 9):
        notes.append(f"EXIF orientation {orientation} applied")
        return ImageOps.exif_transpose(image)
    return image


def _to_rgb(name: str, image: PillowImage, notes: list[str]) -> PillowImage:
    if image.mode == "P" or "transparency" in image.info:
        if "transparency" in image.info:
            image = image.convert("RGBA")
        else:
            notes.append("palette expanded")
            return image.convert("RGB")
    if image.mode in ("RGBA", "LA"):
        if image.getchannel("A").getextrema() != (255, 255):
            raise UnsupportedImage(f"{name}: has transparent pixels; flatten it onto a background first")
        notes.append("opaque alpha dropped")
        image = image.convert("RGB" if image.mode == "RGBA" else "L")
    if image.mode in ("L", "1"):
        notes.append("grey replicated to RGB")
        return image.convert("L").convert("RGB")
    if image.mode != "RGB":
        raise UnsupportedImage(f"{name}: colour mode {image.mode}; convert it to RGB first")
    return image
