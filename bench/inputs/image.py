"""Reading an image file, with every conversion defined and recorded.

Nothing is reinterpreted silently. A file is either read with the conversions of the list below, which are
recorded by name, or refused:

- RGB of 8 or 16 bits, grey of the same where a codec takes it: used as stored;
- grey, for a codec that takes only RGB: replicated to three channels;
- palette: expanded;
- samples of fewer than 8 bits: scaled;
- 16 bits of which PNG's sBIT declares 9 to 15 to be significant: those, if the others hold nothing;
- an alpha channel or a transparent colour that leaves every pixel opaque: dropped;
- an EXIF orientation: applied, whatever else is wrong with the EXIF block;
- an ICC profile or another description of the colour space: not applied, the samples are used as stored;
- further images in a camera's file, reduced copies in a TIFF: left out;
- lossy compression of the file itself: noted, because it favours codecs of the same kind.

More than 8 bits a sample (from PNG, TIFF and PPM) and real transparency are for codecs that declare them,
else refused or converted as a suite says: :mod:`bench.inputs.pixels`. Signed samples, PQ and HLG, channels of
unknown meaning, CMYK, animations and other colour spaces are refused. :mod:`bench.inputs.containers` finds
out what a file contains; Pillow decodes the pixels, and imagecodecs those of more than 8 bits.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.codec import Samples
from bench.errors import BadImage, UnsupportedImage
from bench.inputs.containers import examine, ppm, tiff
from bench.inputs.containers.contents import Contents, exif_orientation, require_one
from bench.inputs.pixels import (
    REPLICATED,
    RGB8,
    Accepted,
    Picture,
    StoredForm,
    StoredPicture,
    coloured,
    fitted,
)
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


_MOST_BYTES = 1 << 31
"""Of an image file: more than the samples of any picture that is decoded."""
_MAY_HAVE_ALPHA = frozenset(("WEBP", "AVIF", "BMP", "GIF"))
"""Formats whose header is not asked for alpha."""


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
        It is missing, not a regular file, too large, or cannot be read.
    """
    with _opened(path) as file:
        return file.read()


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    """Open a file, unless it is a pipe or a device, on which a reader could wait for ever."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise BadImage(f"{shown(str(path))}: cannot be read (not a regular file)")
            if found.st_size > _MOST_BYTES:
                raise BadImage(f"{shown(str(path))}: cannot be read (larger than {_MOST_BYTES >> 30} GiB)")
            yield file
    except OSError as error:
        raise BadImage(f"{shown(str(path))}: cannot be read ({error.strerror})") from error


def shown(name: str) -> str:
    """A file's name on one line, with control characters and bytes that are not UTF-8 escaped."""
    return "".join(it if is_one_line(it) else _escaped(it) for it in name)


def _escaped(character: str) -> str:
    byte = ord(character) - 0xDC00  # Python's surrogate for a byte that is not UTF-8
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else character.encode("unicode_escape").decode()


def read_image(path: Path, sha256: str | None = None, accepted: Accepted = RGB8) -> Picture:
    """Read and decode one image file.

    Parameters
    ----------
    path : the file, which is read once
    sha256 : the hex SHA-256 that its bytes must have; None accepts any
    accepted : the forms in which it may be returned; 8-bit RGB, if nothing else is said

    Raises
    ------
    BadImage
        The file is missing, not a regular file, corrupt or truncated, or has another hash.
    UnsupportedImage
        The file is sound, but there is no defined conversion of its contents to such a form.
    """
    return decode_image(_checked_bytes(path, sha256), str(path), accepted)


def _checked_bytes(path: Path, sha256: str | None) -> bytes:
    data = file_bytes(path)
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise BadImage(
            f"{shown(str(path))}: is another file than when the run was planned (SHA-256); run again"
        )
    return data


def decode_image(data: bytes, name: str, accepted: Accepted = RGB8) -> Picture:
    """Decode the bytes of one image file.

    Parameters
    ----------
    data : the whole file
    name : name of the file in messages
    accepted : as for :func:`read_image`

    Raises
    ------
    BadImage
        The file is corrupt or truncated.
    UnsupportedImage
        The file is sound, but there is no defined conversion of its contents.
    """
    with _named(name):
        return fitted(_stored(examine(data)), accepted)


def read_stored(path: Path, sha256: str | None = None) -> StoredPicture:
    """Read one image file, and convert nothing for a codec yet; else like :func:`read_image`."""
    data = _checked_bytes(path, sha256)
    with _named(str(path)):
        return _stored(examine(data))


def fit(stored: StoredPicture, accepted: Accepted, path: Path) -> Picture:
    """:func:`bench.inputs.pixels.fitted`, with the file in the message of an error."""
    with _named(str(path)):
        return fitted(stored, accepted)


def stored_form(path: Path) -> StoredForm:
    """What the header of an image file says of its samples; of a file that cannot be read, 8-bit RGB."""
    try:
        contents = examine(file_bytes(path))
    except (BadImage, UnsupportedImage):
        return StoredForm()
    alpha = contents.alpha or contents.format in _MAY_HAVE_ALPHA
    return StoredForm(contents.grey, alpha, contents.significant or contents.depth)


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Put the file's name before what is wrong with it."""
    try:
        yield
    except (BadImage, UnsupportedImage) as error:
        raise type(error)(f"{shown(name)}: {error}") from error


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


def _stored(contents: Contents) -> StoredPicture:
    """The samples, upright; each step is noted after what is noted of the container."""
    notes = [f"{LOSSY} ({contents.lossy})"] if contents.lossy else []
    notes += contents.notes
    image = _decoded(contents) if contents.depth == 8 else None
    if contents.orientation != 1:
        source = "EXIF" if contents.format != "AVIF" else "AVIF"
        notes.append(f"{source} orientation {contents.orientation} applied")
    if image is not None:
        samples, depth = _eight_bits(image, contents, notes), 8
    else:
        samples, depth = _significant(_deep_samples(contents), contents, notes)
    samples = _without_needless_alpha(samples, contents, (1 << depth) - 1, notes)
    if contents.orientation != 1:
        samples = _upright(samples, contents.orientation)
    if samples.shape[2] < 3 and not contents.grey:  # a palette of greys, as far as Pillow tells
        samples = coloured(samples)
        notes.append(REPLICATED)
    return StoredPicture(samples, depth, tuple(notes))


def _deep_samples(contents: Contents) -> Samples:
    """Samples of more than 8 bits, which Pillow would narrow: uint16, (height, width, channels)."""
    import imagecodecs

    decoders: dict[str, Callable[[bytes], Samples]] = {
        "PPM": ppm.deep_samples,
        "TIFF": tiff.deep_samples,
        "PNG": imagecodecs.png_decode,
    }
    try:
        samples: Samples = np.atleast_3d(decoders[contents.format](contents.data))
        return samples
    except (BadImage, MemoryError):
        raise
    except Exception as error:
        raise BadImage(f"corrupt or truncated ({error or type(error).__name__})") from error


def _significant(samples: Samples, contents: Contents, notes: list[str]) -> tuple[Samples, int]:
    """The samples that a PNG was made from, by its sBIT, and their depth; as stored where that loses any.

    PNG's encoders scale up by repeating the leading bits, or shift and leave the others zero (W3C PNG, 12.4).
    """
    bits = contents.significant
    if not bits:
        return samples, contents.depth
    shift = contents.depth - bits
    if contents.colour_key is None:
        levels = samples >> shift
        shifted = levels << shift
        if np.array_equal(samples, shifted) or np.array_equal(samples, shifted | levels >> (bits - shift)):
            notes.append(f"{bits} significant bits of {contents.depth} (sBIT)")
            return levels, bits
    notes.append(f"sBIT {bits} not applied")
    return samples, contents.depth


def _eight_bits(image: PillowImage, contents: Contents, notes: list[str]) -> Samples:
    """Pillow's image as uint8, (height, width, channels)."""
    if image.mode in ("P", "PA"):
        if contents.palette and int(np.asarray(image).max()) >= contents.palette:
            raise BadImage("damaged: a pixel has a colour that is not in the palette")
        notes.append("palette expanded")
        has_alpha = image.mode == "PA" or "transparency" in image.info
        image = image.convert("RGBA" if has_alpha else "RGB")
    if image.mode == "1":
        image = image.convert("L")
    if image.mode not in ("L", "LA", "RGB", "RGBA"):
        raise UnsupportedImage(f"colour mode {image.mode}; convert it to 8-bit RGB first")
    samples: Samples = np.atleast_3d(np.asarray(image))
    return samples


def _without_needless_alpha(samples: Samples, contents: Contents, most: int, notes: list[str]) -> Samples:
    """The samples with alpha only where some pixel is not opaque; a transparent colour becomes alpha."""
    if contents.colour_key is not None:
        opaque = (samples != contents.colour_key).any(axis=2)
        if opaque.all():
            notes.append("unused transparent colour dropped")
        else:
            notes.append("transparent colour made alpha")
            return np.dstack([samples, opaque.astype(samples.dtype) * most])
    if samples.shape[2] in (2, 4):
        if (samples[..., -1] == most).all():
            notes.append("opaque alpha dropped")
            return samples[..., :-1]
        if contents.premultiplied:
            raise UnsupportedImage("has transparent pixels whose colours are premultiplied; convert it first")
    return samples


def _upright(samples: Samples, orientation: int) -> Samples:
    """Samples as EXIF's ``orientation``, 2 to 8, means them to be seen."""
    if orientation > 4:
        samples = samples.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    return samples


def png_of(pixels: Samples) -> bytes:
    """A picture of 8 or 16 bits as a PNG file, written quickly rather than small."""
    from PIL import Image as pillow

    if pixels.dtype == np.uint16:  # which Pillow can't write in colour
        import imagecodecs

        return bytes(imagecodecs.png_encode(pixels, level=1))
    buffer = io.BytesIO()
    pillow.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
