"""Width and height from the header of a file, read before a library allocates memory for them."""

from __future__ import annotations

from bench.errors import BadBitstream

Size = tuple[int, int]
"""Width and height in pixels."""

_JXR_IMAGE_OFFSET, _JXR_SHORT = b"\xc0\xbc", 0x80
_JXL_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_JXL_CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
_JXL_BITS = (9, 13, 18, 30)


def png_size(bitstream: bytes) -> Size:
    """The size of a PNG, from its first chunk, IHDR (W3C PNG, 11.2.1).

    Raises
    ------
    BadBitstream
        It does not begin like such a file. The same holds for all functions here.
    """
    if bitstream[:8] != b"\x89PNG\r\n\x1a\n" or bitstream[12:16] != b"IHDR" or len(bitstream) < 24:
        raise BadBitstream("png: no PNG file")
    return int.from_bytes(bitstream[16:20], "big"), int.from_bytes(bitstream[20:24], "big")


def webp_size(bitstream: bytes) -> Size:
    """The size of a WebP, from the canvas of VP8X or the frame of VP8 or VP8L (RFC 9649, 2.5 to 2.7)."""
    if bitstream[:4] != b"RIFF" or bitstream[8:12] != b"WEBP" or len(bitstream) < 30:
        raise BadBitstream("webp: no WebP file")
    kind, data = bitstream[12:16], bitstream[20:]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[4:7], "little"), 1 + int.from_bytes(data[7:10], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(data[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        sides = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (6, 8))
        return next(sides), next(sides)
    raise BadBitstream(f"webp: starts with {kind!r}")


def heif_size(codec: str, bitstream: bytes) -> Size:
    """The size of an AVIF or HEIC, from its first ``ispe`` property (ISO/IEC 23008-12, 6.5.3)."""
    at = bitstream.find(b"ispe")
    if at < 0 or at + 16 > len(bitstream):
        raise BadBitstream(f"{codec}: no size of the picture")
    return int.from_bytes(bitstream[at + 8 : at + 12], "big"), int.from_bytes(
        bitstream[at + 12 : at + 16], "big"
    )


def jpegxr_size(bitstream: bytes) -> Size:
    """The size of a JPEG XR, from the header of its image (ITU-T T.832, 8.3), which its directory names."""
    directory = int.from_bytes(bitstream[4:8], "little")
    entries = int.from_bytes(bitstream[directory : directory + 2], "little")
    at = len(bitstream)
    for entry in range(directory + 2, directory + 2 + 12 * entries, 12):
        if bitstream[entry : entry + 2] == _JXR_IMAGE_OFFSET:
            at = int.from_bytes(bitstream[entry + 8 : entry + 12], "little")
    header = bitstream[at : at + 20]
    if bitstream[:3] != b"II\xbc" or header[:8] != b"WMPHOTO\0" or len(header) < 20:
        raise BadBitstream("jpegxr: no JPEG XR file")
    length = 2 if header[10] & _JXR_SHORT else 4
    sides = (int.from_bytes(header[it : it + length], "big") for it in (12, 12 + length))
    return 1 + next(sides), 1 + next(sides)


def jpegxl_size(bitstream: bytes) -> Size:
    """The size of a JPEG XL, from its SizeHeader (ISO/IEC 18181-1, D.2), raw or in a container (18181-2)."""
    if bitstream.startswith(_JXL_CONTAINER):
        at = max(bitstream.find(kind) + skip for kind, skip in ((b"jxlc", 4), (b"jxlp", 8)))
        bitstream = bitstream[at:]
    if bitstream[:2] != b"\xff\x0a" or len(bitstream) < 4:
        raise BadBitstream("jpegxl: no raw codestream")
    reader = _Bits(bitstream[2:14])
    small = bool(reader.take(1))
    height = _jpegxl_side(reader, small=small)
    ratio = reader.take(3)
    if not ratio:
        return _jpegxl_side(reader, small=small), height
    numerator, denominator = _JXL_RATIOS[ratio - 1]
    return height * numerator // denominator, height


def _jpegxl_side(reader: _Bits, *, small: bool) -> int:
    if small:
        return 8 * (1 + reader.take(5))
    return 1 + reader.take(_JXL_BITS[reader.take(2)])


class _Bits:
    """A reader of bits, the least significant of each byte first; after the end all bits are 0."""

    def __init__(self, data: bytes) -> None:
        self._bits = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        value = self._bits & ((1 << count) - 1)
        self._bits >>= count
        return value
