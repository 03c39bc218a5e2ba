"""PNG (W3C PNG, third edition), APNG included."""

from __future__ import annotations

import struct
import zlib

from bench.errors import BadImage, UnsupportedImage
from bench.inputs.containers.contents import (
    Contents,
    cicp_notes,
    exif_orientation,
    icc_notes,
    part,
    require_one,
    require_size,
    scaled_note,
)

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PIXELS = frozenset((b"IHDR", b"PLTE", b"IDAT", b"IEND"))
_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_MOST_ICC = 1 << 22
"""Bytes of a profile that are looked at; more could be a decompression bomb."""


def examine(data: bytes) -> Contents:
    """Check every checksum, and leave only the chunks that make the pixels."""
    chunks, pixels, end = _chunks(data)
    header = chunks.get(b"IHDR", b"")
    if len(header) != 13 or b"IDAT" not in chunks:
        raise BadImage("damaged: no header, or no picture data")
    bits, colour = header[8], header[9]
    _require_one_picture(chunks)
    found = Contents("PNG", b"", notes=_colour_notes(chunks), palette=len(chunks.get(b"PLTE", b"")) // 3)
    found.grey = colour in (_GREY, _GREY_ALPHA)
    found.alpha = colour in (_GREY_ALPHA, _RGBA) or b"tRNS" in chunks
    if bits > 8:
        require_size(*struct.unpack(">II", header[:8]))
        found.depth = bits
        found.significant = _significant(chunks.get(b"sBIT", b""), bits)
    if end < len(data):
        found.notes.append(f"{len(data) - end} bytes after the picture left out")
    if colour == _GREY:
        found.notes += scaled_note([bits])
    if b"tRNS" in chunks and colour in (_GREY, _RGB):
        key = chunks[b"tRNS"]
        if len(key) != (2 if colour == _GREY else 6):
            raise BadImage("damaged: tRNS of a wrong length")
        scale = 1 if bits > 8 else 255 // ((1 << bits) - 1)
        found.colour_key = tuple(it * scale for it in struct.unpack(f">{len(key) // 2}H", key))
    found.orientation = exif_orientation(chunks.get(b"eXIf", b""))
    found.data = SIGNATURE + b"".join(
        data[start:end] for kind, start, end in pixels if kind != b"tRNS" or colour == _PALETTE
    )
    return found


def _chunks(data: bytes) -> tuple[dict[bytes, bytes], list[tuple[bytes, int, int]], int]:
    """The first chunk of each kind, in order; where those lie that make the pixels; where the last ends."""
    view = memoryview(data)
    chunks: dict[bytes, bytes] = {}
    pixels = []
    start = len(SIGNATURE)
    while b"IEND" not in chunks:
        length, kind = struct.unpack(">I4s", part(data, start, 8))
        end = start + 12 + length
        if end > len(data):
            raise BadImage(f"truncated in its chunk {_shown(kind)}")
        if zlib.crc32(view[start + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
            raise BadImage(f"damaged: wrong checksum of its chunk {_shown(kind)}")
        if kind in _PIXELS or kind == b"tRNS":
            pixels.append((kind, start, end))
        elif not kind[0] & 0x20:
            raise UnsupportedImage(f"the critical chunk {_shown(kind)} is not PNG's; convert it first")
        chunks.setdefault(kind, data[start + 8 : end - 4] if kind != b"IDAT" else b"")
        start = end
    return chunks, pixels, start


def _significant(declared: bytes, bits: int) -> int:
    """The significant bits of every channel, by sBIT (W3C PNG, 11.3.2.5); 0 if they are all, or differ."""
    (one, *others) = {*declared} or {0}
    return one if not others and 8 < one < bits else 0


def _require_one_picture(chunks: dict[bytes, bytes]) -> None:
    if b"acTL" in chunks:
        kinds = list(chunks)
        picture_is_frame = b"fcTL" in kinds[: kinds.index(b"IDAT")]
        require_one(int.from_bytes(chunks[b"acTL"][:4], "big") + (not picture_is_frame))


def _colour_notes(chunks: dict[bytes, bytes]) -> list[str]:
    notes = []
    if b"iCCP" in chunks:
        _, _, compressed = chunks[b"iCCP"].partition(b"\0")
        try:
            profile = zlib.decompressobj().decompress(compressed[1:], _MOST_ICC)
        except zlib.error:
            profile = b""
        notes += icc_notes(profile)
    if len(points := chunks.get(b"cICP", b"")) == 4:
        notes += cicp_notes(points[:3], full_range=points[3] != 0, name="cICP")
    if b"sRGB" not in chunks:  # of which the others would be a copy, to be ignored
        if len(gamma := chunks.get(b"gAMA", b"")) == 4:
            notes.append(f"gAMA {int.from_bytes(gamma, 'big') / 100_000:g} not applied")
        if b"cHRM" in chunks:
            notes.append("cHRM not applied")
    return notes


def _shown(kind: bytes) -> str:
    return kind.decode() if kind.isalpha() else repr(kind)
