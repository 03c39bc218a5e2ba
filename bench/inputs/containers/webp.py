"""WebP (RFC 9649)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from bench.errors import BadImage
from bench.inputs.containers.contents import Contents, exif_orientation, icc_notes

_FRAME_HEADER = 16


def examine(data: bytes) -> Contents:
    """Note profile and orientation, and whether a frame is lossy."""
    found = Contents("WEBP", data)
    for kind, body in _chunks(data[12:]):
        match kind:
            case b"VP8 ":
                found.lossy = "WebP"
            case b"ANMF" if any(it == b"VP8 " for it, _ in _chunks(body[_FRAME_HEADER:])):
                found.lossy = "WebP"
            case b"ICCP":
                found.notes += icc_notes(body)
            case b"EXIF":
                found.orientation = exif_orientation(body)
    return found


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, at)
        if at + 8 + size > len(data):
            raise BadImage("truncated")
        yield kind, data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
