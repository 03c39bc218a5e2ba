"""AVIF still images (AV1 Image File Format, HEIF ISO/IEC 23008-12)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from bench.errors import BadImage, UnsupportedImage
from bench.inputs.containers.contents import Contents, cicp_notes, icc_notes, require_depth

_HIGH_BIT_DEPTH, _TWELVE_BIT = 0x40, 0x20


def accepts(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is an AVIF file."""
    return head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis", b"mif1", b"miaf")


def examine(data: bytes) -> Contents:
    """Check depth and transfer function, and hide the EXIF block, whose orientation AVIF ignores.

    Its own rotation and mirroring the decoder reports as an EXIF orientation. The decoder's EXIF parser
    gives up on odd tags, so the block's item is given a type that no reader knows.
    """
    found = Contents("AVIF", data, lossy="AVIF")
    boxes = {kind: (start, end) for kind, start, end in _boxes(data, 0, len(data))}
    if b"meta" not in boxes:
        raise UnsupportedImage("an AVIF sequence without a still image; extract one first")
    start, end = boxes[b"meta"]
    inside = {kind: (first, last) for kind, first, last in _boxes(data, start + 4, end)}
    for kind, first, last in _boxes(data, *inside.get(b"iprp", (0, 0))):
        if kind == b"ipco":
            for name, at, stop in _boxes(data, first, last):
                note = _property(name, data[at:stop])
                found.notes += [it for it in note if it not in found.notes]
    if b"iinf" in inside:
        first, last = inside[b"iinf"]
        items = data[first:last]
        if b"tmap" in items:
            found.notes.append("gain map not applied")
        found.data = data[:first] + items.replace(b"Exif", b"skip") + data[last:]
    return found


def _property(kind: bytes, body: bytes) -> list[str]:
    match kind:
        case b"av1C" if len(body) >= 3 and body[2] & _HIGH_BIT_DEPTH:
            require_depth(12 if body[2] & _TWELVE_BIT else 10, "an AVIF")
        case b"pixi" if len(body) > 5:
            require_depth(max(body[5 : 5 + body[4]], default=8), "an AVIF")
        case b"clap":
            raise UnsupportedImage("a clean aperture crops the picture; crop it for good first")
        case b"colr" if body[:4] == b"nclx" and len(body) >= 11:
            points = struct.unpack_from(">HHH", body, 4)
            # the range is one of YCbCr here, and the decoder converts it
            return cicp_notes(points, full_range=True, name="CICP")
        case b"colr" if body[:4] in (b"prof", b"rICC"):
            return icc_notes(body[4:])
    return []


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The kind of each box, and where its contents begin and end."""
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        body = start + 8
        if size == 1 and start + 16 <= end:
            (size,) = struct.unpack_from(">Q", data, body)
            body += 8
        stop = end if size == 0 else start + size
        if not body <= stop <= end:
            raise BadImage("truncated, or its structure is damaged")
        yield kind, body, stop
        start = stop
