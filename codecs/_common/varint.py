"""LEB128 varints, for small numbers in the bitstream formats that are defined in this package."""

from __future__ import annotations

from bench.errors import BadBitstream


def write_varint(value: int) -> bytes:
    """A non-negative integer in LEB128: seven bits a byte, the least significant first."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """The LEB128 value at ``position`` (at most 35 bits) and the position after it.

    Raises
    ------
    BadBitstream
        The data end within it, or it is longer than five bytes.
    """
    value = 0
    for shift in range(0, 35, 7):
        if position >= len(data):
            break
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise BadBitstream("truncated or overlong varint")
