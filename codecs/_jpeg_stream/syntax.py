"""The marker segments of a baseline JPEG (ITU-T T.81, Annex B) that the bits of a scan depend on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.errors import BadBitstream, Unsupported

_SOF_BASELINE, _SOF_EXTENDED = 0xC0, 0xC1
_DHT, _SOS, _DQT, _DRI, _EOI = 0xC4, 0xDA, 0xDB, 0xDD, 0xD9
_FRAMES = frozenset(range(0xC0, 0xD0)) - {_DHT, 0xC8, 0xCC}


@dataclass(frozen=True)
class Component:
    """A colour component of the frame."""

    horizontal: int
    vertical: int
    """Sampling factors."""
    quantiser: NDArray[np.int64]
    """Of shape (64,), in zigzag order."""
    dc: NDArray[np.int32]
    ac: NDArray[np.int32]
    """Of shape (65536,): ``length << 8 | symbol`` for the next 16 bits, 0 if they do not begin with a
    code."""


@dataclass(frozen=True)
class Scan:
    """A frame that consists of one scan."""

    width: int
    height: int
    components: tuple[Component, ...]
    start: int
    """Index of the first byte of the entropy-coded data."""
    end: int
    """Index after the last."""


def parse(bitstream: bytes) -> Scan:
    """Read everything around the entropy-coded data.

    Raises
    ------
    bench.errors.Unsupported
        A JPEG that is not baseline sequential with one scan, or has restart intervals.
    bench.errors.BadBitstream
        The segments are damaged.
    """
    quantisers: dict[int, NDArray[np.int64]] = {}
    codes: dict[int, NDArray[np.int32]] = {}
    frame: bytes | None = None
    position = 2
    while position + 4 <= len(bitstream) and bitstream[position] == 0xFF:
        marker = bitstream[position + 1]
        length = int.from_bytes(bitstream[position + 2 : position + 4], "big")
        segment = bitstream[position + 4 : position + 2 + length]
        position += 2 + length
        if marker in (_SOF_BASELINE, _SOF_EXTENDED):
            frame = segment
        elif marker in _FRAMES:
            kind = "progressive" if marker in (0xC2, 0xC6) else f"frame type {marker:#x}"
            raise Unsupported(
                f"jpeg: {kind}: a block's bits are spread over several scans, not one after another"
            )
        elif marker == _DRI and int.from_bytes(segment[:2], "big"):
            raise Unsupported("jpeg: restart intervals are not followed")
        elif marker == _DQT:
            quantisers |= _quantisers(segment)
        elif marker == _DHT:
            codes |= _codes(segment)
        elif marker == _SOS:
            if frame is None:
                break
            end = bitstream.rfind(bytes((0xFF, _EOI)))
            if segment[0] != frame[5] or end < position:
                raise Unsupported("jpeg: several scans, or no end marker")
            height, width = (int.from_bytes(frame[i : i + 2], "big") for i in (1, 3))
            return Scan(width, height, _components(frame, segment, quantisers, codes), position, end)
    raise BadBitstream("jpeg: no scan after a frame header")


def _components(
    frame: bytes,
    header: bytes,
    quantisers: dict[int, NDArray[np.int64]],
    codes: dict[int, NDArray[np.int32]],
) -> tuple[Component, ...]:
    """The components of a frame, with the tables that the header of the scan chooses for each."""
    chosen = {header[1 + 2 * i]: header[2 + 2 * i] for i in range(header[0])}
    components = []
    try:
        for i in range(frame[5]):
            name, factors, quantiser = frame[6 + 3 * i : 9 + 3 * i]
            dc, ac = chosen[name] >> 4, chosen[name] & 15
            components.append(
                Component(factors >> 4, factors & 15, quantisers[quantiser], codes[dc], codes[16 | ac])
            )
    except (KeyError, ValueError) as error:
        raise BadBitstream(
            f"jpeg: the scan names a table or component that is not there ({error})"
        ) from error
    return tuple(components)


def _quantisers(segment: bytes) -> dict[int, NDArray[np.int64]]:
    found = {}
    while segment:
        wide = segment[0] >> 4
        values = np.frombuffer(segment, ">u2" if wide else np.uint8, 64, 1)
        found[segment[0] & 15] = values.astype(np.int64)
        segment = segment[1 + 64 * (1 + wide) :]
    return found


def _codes(segment: bytes) -> dict[int, NDArray[np.int32]]:
    """Canonical codes (Annex C) as look-up tables, (65536,), by class (bit 4) and destination."""
    found = {}
    while segment:
        counts = segment[1:17]
        symbols = segment[17 : 17 + sum(counts)]
        table = np.zeros(1 << 16, np.int32)
        at = used = 0
        for length, count in enumerate(counts, start=1):
            room = 1 << (16 - length)
            for symbol in symbols[used : used + count]:
                table[at : at + room] = length << 8 | symbol
                at += room
            used += count
        found[segment[0]] = table
        segment = segment[17 + len(symbols) :]
    return found
