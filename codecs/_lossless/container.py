"""The container of the bitstream formats that are defined in this package (``huffman``, ``lz``).

Layout, little-endian: 2 bytes magic, 1 byte format version, 1 byte options, whose meaning depends on the
codec, width and height as LEB128 varints, CRC-32 of everything else, and the payload.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from bench.errors import BadBitstream, Unsupported
from bench_codecs._common.claims import MAX_PIXELS, check_claim
from bench_codecs._common.varint import read_varint, write_varint

_CRC_BYTES = 4


@dataclass(frozen=True)
class Container:
    """The parts of a bitstream."""

    width: int
    height: int
    options: int
    payload: bytes


def pack(magic: bytes, version: int, container: Container) -> bytes:
    """Serialise a container.

    Raises
    ------
    Unsupported
        The image has more than ``MAX_PIXELS`` pixels.
    """
    if container.width * container.height > MAX_PIXELS:
        raise Unsupported(
            f"{magic.decode()}: {container.width}x{container.height} is over {MAX_PIXELS} pixels"
        )
    head = magic + bytes((version, container.options))
    head += write_varint(container.width) + write_varint(container.height)
    crc = zlib.crc32(container.payload, zlib.crc32(head))
    return head + crc.to_bytes(_CRC_BYTES, "little") + container.payload


def version_of(bitstream: bytes) -> int:
    """The format version that a bitstream states; 0 where it is too short."""
    return bitstream[2] if len(bitstream) > 2 else 0


def unpack(magic: bytes, version: int, bitstream: bytes) -> Container:
    """Check the CRC of a bitstream and return its parts.

    Raises
    ------
    BadBitstream
        The magic or format version is another one, the bitstream is damaged or truncated, or the size
        impossible.
    """
    if bitstream[:2] != magic:
        raise BadBitstream(f"no {magic.decode()} bitstream: it starts with {bitstream[:2]!r}")
    if len(bitstream) < 4 or bitstream[2] != version:
        raise BadBitstream(f"{magic.decode()}: not format version {version}")
    width, position = read_varint(bitstream, 4)
    height, position = read_varint(bitstream, position)
    payload = bitstream[position + _CRC_BYTES :]
    stated = int.from_bytes(bitstream[position : position + _CRC_BYTES], "little")
    if len(bitstream) < position + _CRC_BYTES or stated != zlib.crc32(
        payload, zlib.crc32(bitstream[:position])
    ):
        raise BadBitstream(f"{magic.decode()}: CRC-32 mismatch, damaged or truncated")
    check_claim(magic.decode(), (width, height), len(bitstream))
    return Container(width, height, bitstream[3], payload)
