"""The bitstream around the entropy-coded strings of a CompressAI model.

Little-endian: ``CAI`` and a format version (4 bytes), the first 4 bytes of the SHA-256 that names the
weights, gain of a variable-rate model and number of strings (1 + 1), width and height (2 + 2), the length of
each string but the last (LEB128), CRC-32 of the tables and of which one codes each symbol (4), CRC-32 of
everything before and of the strings (4), the strings.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple

from bench.errors import BadBitstream, Unsupported
from bench_codecs._common.varint import read_varint, write_varint

_MAGIC = b"CAI\x03"
_HEAD = struct.Struct("<4s4sBBHH")
_WORD = struct.Struct("<I")
_MAX_PIXELS = 1 << 27
_WORST_EXPANSION = 1 << 22
"""Most pixels per byte that a header may claim; real streams of these models are far below."""


class Header(NamedTuple):
    """What a bitstream says of itself."""

    identity: bytes
    """Of the weights, 4 bytes."""
    gain: int
    """Of a variable-rate model, 0 for others."""
    height: int
    width: int
    tables: int
    """CRC-32 of the tables and of which one codes each symbol."""


def container_bytes(strings: Sequence[bytes]) -> int:
    """Size in bytes of what is around these strings."""
    return _HEAD.size + len(_lengths(strings)) + 2 * _WORD.size


def check_size(height: int, width: int) -> None:
    """Refuse a picture that has more pixels than a header can say.

    Raises
    ------
    Unsupported
        It has.
    """
    if max(height, width) > 0xFFFF or height * width > _MAX_PIXELS:
        raise Unsupported(f"compressai: {width}×{height} pixels are too many for the container")


def write(header: Header, strings: Sequence[bytes]) -> bytes:
    """The bitstream."""
    head = _HEAD.pack(
        _MAGIC, header.identity, header.gain, len(strings), header.width, header.height
    ) + _lengths(strings)
    head += _WORD.pack(header.tables)
    payload = b"".join(strings)
    return head + _WORD.pack(zlib.crc32(payload, zlib.crc32(head))) + payload


def read(bitstream: bytes) -> tuple[Header, list[bytes]]:
    """Header and strings of a bitstream.

    Raises
    ------
    BadBitstream
        It is none, truncated or damaged, or claims more pixels than its bytes can hold.
    """
    if len(bitstream) < _HEAD.size or bitstream[:4] != _MAGIC:
        raise BadBitstream("compressai: not a bitstream of this codec")
    _, identity, gain, count, width, height = _HEAD.unpack_from(bitstream)
    position, lengths = _HEAD.size, []
    for _ in range(count - 1):
        length, position = read_varint(bitstream, position)
        lengths.append(length)
    start = position + 2 * _WORD.size
    if len(bitstream) < start + sum(lengths):
        raise BadBitstream("compressai: the bitstream is truncated or damaged")
    tables, checksum = struct.unpack_from("<2I", bitstream, position)
    payload = bitstream[start:]
    if checksum != zlib.crc32(payload, zlib.crc32(bitstream[: start - _WORD.size])):
        raise BadBitstream("compressai: the bitstream is truncated or damaged")
    if min(width, height) < 1 or width * height > min(_MAX_PIXELS, _WORST_EXPANSION * len(bitstream)):
        raise BadBitstream("compressai: the header holds an impossible size")
    strings = []
    for length in lengths:
        strings.append(payload[:length])
        payload = payload[length:]
    return Header(identity, gain, height, width, tables), [*strings, payload]


def _lengths(strings: Sequence[bytes]) -> bytes:
    return b"".join(write_varint(len(it)) for it in strings[:-1])
