"""What an image file contains, with one module for each file format.

A decoder turns a file into 8-bit samples without reporting much of what else was in it: depth, further
images, colour space, checksums. Decoders also reject sound files with unusual metadata. A file is therefore
examined here first. Whatever would be silently reinterpreted is refused, whatever is ignored is noted, and
the decoder is given only the part that makes up the pixels, without the metadata.
"""

from __future__ import annotations

from collections.abc import Callable

from bench.errors import BadImage
from bench.inputs.containers import avif, bmp, gif, jpeg, png, ppm, tiff, webp
from bench.inputs.containers.contents import Contents

_FORMATS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], Contents]], ...] = (
    (lambda head: head.startswith(png.SIGNATURE), png.examine),
    (lambda head: head.startswith(b"\xff\xd8\xff"), jpeg.examine),
    (lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", webp.examine),
    (avif.accepts, avif.examine),
    (lambda head: head.startswith(b"BM"), bmp.examine),
    (ppm.accepts, ppm.examine),
    (lambda head: head.startswith(tiff.SIGNATURES), tiff.examine),
    (lambda head: head.startswith((b"GIF87a", b"GIF89a")), gif.examine),
)
_HEAD = 32


def examine(data: bytes) -> Contents:
    """Examine an image file.

    Parameters
    ----------
    data : the whole file

    Raises
    ------
    BadImage
        It is none of the formats, or its structure is damaged.
    UnsupportedImage
        It is sound, but there is no defined conversion of its contents to 8-bit RGB.
    """
    for accepts, examine_format in _FORMATS:
        if accepts(data[:_HEAD]):
            return examine_format(data)
    raise BadImage(
        "not a PNG, JPEG, WebP, AVIF, BMP, PPM, TIFF or GIF image, or its header is damaged"
        if data
        else "the file is empty"
    )
