"""Windows bitmaps, all headers from OS/2's to version 5."""

from __future__ import annotations

import struct

from bench.inputs.containers.contents import Contents, icc_notes, part, scaled_note

_FILE_HEADER = 14
_CORE = 12
_V4 = 108
_UNCOMPRESSED = 0
_CALIBRATED, _LINKED, _EMBEDDED = 0, b"LINK"[::-1], b"MBED"[::-1]


def examine(data: bytes) -> Contents:
    """Note how samples of other widths become 8 bits, and a colour space that is not applied."""
    found = Contents("BMP", data)
    (size,) = struct.unpack("<I", part(data, _FILE_HEADER, 4))
    header = part(data, _FILE_HEADER, min(size, 124))
    if size == _CORE:
        return found
    if size < 20:
        part(data, _FILE_HEADER, 20)
        return found
    bits, compression = struct.unpack_from("<HI", header, 14)
    if bits == 16:
        found.notes += scaled_note(_widths(data, header) if compression else [5])
    if bits == 32 and compression == _UNCOMPRESSED:
        found.notes.append("unused fourth byte dropped")
    if size >= _V4:
        space = header[56:60]
        if space in (_LINKED, _EMBEDDED):
            offset, length = struct.unpack_from("<2I", header.ljust(124, b"\0"), 112)
            profile = data[_FILE_HEADER + offset :][:length] if space == _EMBEDDED else b""
            found.notes += icc_notes(profile)
        elif int.from_bytes(space, "little") == _CALIBRATED and any(header[60:108]):
            found.notes.append("BMP primaries and gamma not applied")
    return found


def _widths(data: bytes, header: bytes) -> list[int]:
    """Bits of red, green and blue, from the masks that follow the first 40 bytes of the header."""
    masks = struct.unpack("<3I", part(data, _FILE_HEADER + 40, 12))
    return [it.bit_count() for it in masks]
