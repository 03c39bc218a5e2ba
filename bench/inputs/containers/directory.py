"""TIFF's image file directories, which EXIF and multi-image JPEG use as well (TIFF 6.0, section 2)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from bench.errors import BadImage

_INTEGERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_MOST_VALUES = 64
"""Longest list of values that is read; longer ones are tables of offsets or data, which are not needed."""


@dataclass(frozen=True)
class Layout:
    """The byte order, and the sizes in which TIFF and BigTIFF differ, as :mod:`struct` formats."""

    order: str
    count: str
    offset: str

    @property
    def entry_size(self) -> int:
        """Bytes of one entry."""
        return 4 + 2 * struct.calcsize(self.offset)


Tags = dict[int, tuple[int, ...]]
"""The integer values of each tag; an empty tuple for other types and for long lists."""


def read_header(data: bytes) -> tuple[Layout, int]:
    """The layout of a file, and the offset of its first directory.

    Raises
    ------
    BadImage
        The header is damaged.
    """
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 8:
        raise BadImage("no TIFF header")
    (version,) = struct.unpack_from(order + "H", data, 2)
    if version != 43:
        return Layout(order, "H", "I"), struct.unpack_from(order + "I", data, 4)[0]
    if len(data) < 16:
        raise BadImage("truncated in the TIFF header")
    return Layout(order, "Q", "Q"), struct.unpack_from(order + "Q", data, 8)[0]


def read_directory(data: bytes, start: int, layout: Layout) -> tuple[list[bytes], Tags, int]:
    """Read a directory.

    Parameters
    ----------
    data : the whole file
    start : offset of the directory
    layout : of the file

    Returns
    -------
    Its raw entries, its integers by tag, and the offset of the next directory, which is 0 after the last.

    Raises
    ------
    BadImage
        It does not lie within the file.
    """
    size = layout.entry_size
    try:
        (count,) = struct.unpack_from(layout.order + layout.count, data, start)
        first = start + struct.calcsize(layout.count)
        if first + count * size > len(data):
            raise BadImage("truncated, or a TIFF directory is damaged")
        entries = [data[at : at + size] for at in range(first, first + count * size, size)]
        (following,) = struct.unpack_from(layout.order + layout.offset, data, first + count * size)
    except (struct.error, OverflowError) as error:
        raise BadImage("truncated, or a TIFF directory is damaged") from error
    tags: Tags = {}
    for entry in entries:
        (tag,) = struct.unpack_from(layout.order + "H", entry)
        tags.setdefault(tag, _integers(data, entry, layout))
    return entries, tags, following


def first_directory(data: bytes) -> tuple[list[bytes], Tags, int]:
    """:func:`read_directory` of the first directory, which in EXIF may be cut off after its entries."""
    layout, start = read_header(data)
    return read_directory(data + bytes(8), start, layout)


def value_bytes(data: bytes, entries: list[bytes], tag: int, layout: Layout) -> bytes:
    """The value of a tag of bytes that is stored outside its entry; empty if there is no such tag."""
    for entry in entries:
        found, _, count = struct.unpack_from(f"{layout.order}HH{layout.offset}", entry)
        if found == tag:
            inline = 4 + struct.calcsize(layout.offset)
            (offset,) = struct.unpack_from(layout.order + layout.offset, entry, inline)
            return data[offset : offset + count]
    return b""


def _integers(data: bytes, entry: bytes, layout: Layout) -> tuple[int, ...]:
    kind, count = struct.unpack_from(f"{layout.order}H{layout.offset}", entry, 2)
    if kind not in _INTEGERS or count > _MOST_VALUES:
        return ()
    values = f"{layout.order}{count}{_INTEGERS[kind]}"
    inline = 4 + struct.calcsize(layout.offset)
    try:
        if struct.calcsize(values) <= struct.calcsize(layout.offset):
            return struct.unpack_from(values, entry, inline)
        (offset,) = struct.unpack_from(layout.order + layout.offset, entry, inline)
        return struct.unpack_from(values, data, offset)
    except (struct.error, OverflowError):
        return ()
