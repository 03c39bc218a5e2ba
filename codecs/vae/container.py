"""The bitstream: a small header and one entropy-coded payload per tile.

All numbers are little-endian::

    3 bytes  magic "RDv"
    1 byte   format version
    4 bytes  start of the SHA-256 of the weights
    1 byte   quality code, 0 to 224
    1 byte   flags: 1 for a grey picture, whose samples are averaged over the channels
    2 × 2    width, height, in pixels
    per tile, row by row:
      4 bytes  CRC-32 of the tile's symbols, tied to the header and to the tile's number
      varint   length of the payload, absent in a bitstream of one tile
      ...      payload
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from bench.errors import BadBitstream, Unsupported
from bench_codecs._common.varint import read_varint, write_varint

FORMAT_VERSION = 1
MAX_SIDE = 65_535
MAX_PIXELS = 1 << 27
"""Larger pictures are refused on both sides. With it a decoder needs less than 2 GiB beyond its libraries,
whatever a header claims: the picture (0.4 GB), what it holds of the latents (at most 27 tiles of 21 MB), and
the networks' work on one tile."""
TILE = 1024
"""Side of a tile in pixels."""
_MAGIC = b"RDv"
_HEADER = struct.Struct("<3sB4sBBHH")
_GREY = 1
_CRC = struct.Struct("<I")
_SMALLEST_TILE = _CRC.size + 4


@dataclass(frozen=True)
class Header:
    """What a decoder must know before the first tile."""

    model: bytes
    """The first 4 bytes of the SHA-256 of the weights."""
    code: int
    width: int
    height: int
    grey: bool = False

    @property
    def tiles(self) -> tuple[int, int]:
        """Rows and columns of tiles."""
        return -(-self.height // TILE), -(-self.width // TILE)

    def pack(self) -> bytes:
        """The header's bytes."""
        flags = _GREY if self.grey else 0
        return _HEADER.pack(_MAGIC, FORMAT_VERSION, self.model, self.code, flags, self.width, self.height)


def check_size(width: int, height: int) -> None:
    """Raise :class:`~bench.errors.Unsupported` where a picture is empty or too large for the format."""
    if min(width, height) < 1 or max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise Unsupported(
            f"vae: {width}×{height} pixels: sides must be 1 to {MAX_SIDE}, the area at most {MAX_PIXELS}"
        )


def write(header: Header, tiles: list[tuple[bytes, int]]) -> bytes:
    """The complete bitstream of (payload, CRC-32 of the symbols) tiles."""
    head = header.pack()
    parts = [head]
    for index, (payload, checksum) in enumerate(tiles):
        parts.append(_CRC.pack(_mixed(head, index, checksum)))
        if len(tiles) > 1:
            parts.append(write_varint(len(payload)))
        parts.append(payload)
    return b"".join(parts)


def read(bitstream: bytes, model: bytes, max_code: int) -> tuple[Header, list[tuple[bytes, int]]]:
    """Header and (payload, CRC-32 of the symbols) tiles of a bitstream made with weights ``model``.

    ``max_code``: the highest quality code that these weights have.

    Raises
    ------
    bench.errors.BadBitstream
        Not such a bitstream, of another version or model, or truncated.
    """
    if len(bitstream) < _HEADER.size:
        raise BadBitstream(f"vae: {len(bitstream)} bytes are too few for a bitstream")
    magic, version, made_with, code, flags, width, height = _HEADER.unpack_from(bitstream)
    if magic != _MAGIC:
        raise BadBitstream("vae: not a bitstream of this codec")
    if version != FORMAT_VERSION:
        raise BadBitstream(f"vae: bitstream format {version}, this version reads {FORMAT_VERSION}")
    if made_with != model:
        raise BadBitstream(
            f"vae: the bitstream was made with weights {made_with.hex()}…, these are {model.hex()}…: "
            "decode with weights=FILE and the file it was encoded with"
        )
    if code > max_code or flags > _GREY or min(width, height) < 1 or width * height > MAX_PIXELS:
        raise BadBitstream("vae: the header holds an impossible quality or size")
    header = Header(made_with, code, width, height, flags == _GREY)
    rows, columns = header.tiles
    if len(bitstream) - _HEADER.size < rows * columns * _SMALLEST_TILE:
        raise BadBitstream(f"vae: the bitstream is too short for {width}×{height} pixels")
    return header, _read_tiles(bitstream, rows * columns)


def _read_tiles(bitstream: bytes, count: int) -> list[tuple[bytes, int]]:
    head = bitstream[: _HEADER.size]
    tiles = []
    at = _HEADER.size
    for index in range(count):
        if at + _CRC.size > len(bitstream):
            raise BadBitstream("vae: the bitstream is truncated")
        checksum = _mixed(head, index, _CRC.unpack_from(bitstream, at)[0])
        at += _CRC.size
        length = len(bitstream) - at
        if count > 1:
            length, at = read_varint(bitstream, at)
        if at + length > len(bitstream):
            raise BadBitstream("vae: the bitstream is truncated")
        tiles.append((bitstream[at : at + length], checksum))
        at += length
    if at != len(bitstream):
        raise BadBitstream("vae: the bitstream goes on after its last tile")
    return tiles


def _mixed(head: bytes, index: int, checksum: int) -> int:
    """``checksum`` tied to the header and to the tile's place, so that exchanged tiles are noticed."""
    place = index.to_bytes(4, "little") if index else b""
    # an exclusive or undoes itself, so the same function writes and reads
    return zlib.crc32(head + place) ^ checksum
