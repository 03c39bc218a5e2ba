"""Checking the size that a bitstream claims, before a decoder allocates memory for it."""

from __future__ import annotations

from bench.errors import BadBitstream

MAX_PIXELS = 1 << 28
"""Largest image, in pixels (805 MB decoded), that a header may claim."""
_FLAT_PIXELS = 1 << 26
"""Largest image that a few bytes may claim in a format in which a flat image costs next to nothing."""
_FLAT_PIXELS_PER_BYTE = 1 << 17
"""Pixels that each byte may claim in such a format above that."""


def most_pixels(n_bytes: int, pixels_per_byte: int | None = None) -> int:
    """The largest picture that so many bytes may claim to be; for the parameters see :func:`check_claim`."""
    most = max(_FLAT_PIXELS, _FLAT_PIXELS_PER_BYTE * n_bytes)
    if pixels_per_byte is not None:
        most = pixels_per_byte * n_bytes
    return min(MAX_PIXELS, most)


def check_claim(codec: str, size: tuple[int, int], n_bytes: int, pixels_per_byte: int | None = None) -> None:
    """Refuse a claimed size that a bitstream cannot contain.

    Parameters
    ----------
    codec : name in the message
    size : width and height in pixels
    n_bytes : length of the bitstream
    pixels_per_byte : most pixels that the format can code in a byte; None if a flat image costs next to
        nothing, in which case 67 megapixels are accepted, or 131072 pixels for each byte if that is more

    Raises
    ------
    BadBitstream
        The size is empty, exceeds :data:`MAX_PIXELS`, or is more than the bytes can contain.
    """
    width, height = size
    if not 0 < width * height <= most_pixels(n_bytes, pixels_per_byte):
        raise BadBitstream(f"{codec}: {n_bytes} bytes claim to be {width}x{height} pixels")


def check_end(codec: str, bitstream: bytes) -> None:
    """Refuse a bitstream of the JPEG family that does not end with its end marker, FF D9.

    Libraries fill the missing part with grey and only warn (libjpeg), return what there is (OpenJPEG), or
    search for seconds (CharLS).

    Raises
    ------
    BadBitstream
        The bitstream is truncated.
    """
    if not bitstream.endswith(b"\xff\xd9"):
        raise BadBitstream(f"{codec}: truncated, there is no end marker")


def jpeg_frame_size(codec: str, bitstream: bytes) -> tuple[int, int]:
    """Width and height in the frame header of a JPEG (T.81) or JPEG-LS (T.87) bitstream.

    Raises
    ------
    BadBitstream
        There is no frame header before the first scan.
    """
    position = 2
    while position + 9 <= len(bitstream) and bitstream[position] == 0xFF:
        marker = bitstream[position + 1]
        if (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
            height = int.from_bytes(bitstream[position + 5 : position + 7], "big")
            width = int.from_bytes(bitstream[position + 7 : position + 9], "big")
            return width, height
        if marker == 0xDA:
            break
        position += 2 + int.from_bytes(bitstream[position + 2 : position + 4], "big")
    raise BadBitstream(f"{codec}: no frame header")
