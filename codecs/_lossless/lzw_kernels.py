"""Compiled kernels for LZW (Welch 1984) over bytes, with codes of variable width and a clear code, as in GIF.

Codes 0 to 255 are bytes, 256 clears the dictionary and 257 ends the stream; new strings are numbered from
258. Codes start with 9 bits and grow to ``max_bits``, the least significant bit first. A full dictionary is
cleared at once.
"""

# mypy: disable-error-code="untyped-decorator, no-untyped-def, assignment"
# numba has no types and infers those of its functions

from __future__ import annotations

import numba
import numpy as np

_CLEAR, _END, _FIRST = 256, 257, 258


@numba.njit(cache=True, nogil=True)
def lzw_encode(data, max_bits):
    """Compress ``data``, (n,) uint8 with n > 0, to (m,) uint8; ``max_bits`` is from 9 to 16."""
    limit = 1 << max_bits
    slots = 4 * limit
    slot_mask = slots - 1
    # A hash table with open addressing, in which a slot is in use if it has the current generation.
    keys = np.empty(slots, np.uint32)
    codes = np.empty(slots, np.uint32)
    generations = np.zeros(slots, np.int64)
    generation = 1
    # At worst each byte takes a code of its own, of at most 2 bytes, and there are clear codes.
    out = np.empty(2 * data.size + data.size // 64 + 16, np.uint8)
    position = 0
    buffer = np.uint64(0)
    held = 0
    width = 9
    following = _FIRST
    prefix = np.int64(data[0])
    for i in range(1, data.size + 1):
        if i < data.size:
            key = np.uint32(prefix << 8 | data[i])
            slot = np.int64((np.uint64(key) * np.uint64(0x9E3779B1)) >> np.uint64(12)) & slot_mask
            while generations[slot] == generation and keys[slot] != key:
                slot = (slot + 1) & slot_mask
            if generations[slot] == generation:
                prefix = np.int64(codes[slot])
                continue
        buffer |= np.uint64(prefix) << np.uint64(held)
        held += width
        if i < data.size:
            generations[slot] = generation
            keys[slot] = key
            codes[slot] = following
            if following == 1 << width:
                width += 1
            following += 1
            prefix = np.int64(data[i])
            if following == limit:
                buffer |= np.uint64(_CLEAR) << np.uint64(held)
                held += width
                generation += 1
                width = 9
                following = _FIRST
        while held >= 8:
            out[position] = np.uint8(buffer & np.uint64(255))
            position += 1
            buffer >>= np.uint64(8)
            held -= 8
    if following == 1 << width:
        # The decoder has just used up the codes of this width, and reads one bit more.
        width += 1
    buffer |= np.uint64(_END) << np.uint64(held)
    held += width
    while held > 0:
        out[position] = np.uint8(buffer & np.uint64(255))
        position += 1
        buffer >>= np.uint64(8)
        held -= 8
    return out[:position]


@numba.njit(cache=True, nogil=True)
def lzw_decode(stream, max_bits, size):
    """Expand ``stream``, (n,) uint8, to (size,) uint8; an empty array if the stream is not valid."""
    limit = 1 << max_bits
    starts = np.empty(limit, np.int64)
    lengths = np.empty(limit, np.int64)
    out = np.empty(size, np.uint8)
    bad = np.empty(0, np.uint8)
    position = 0
    buffer = np.uint64(0)
    held = 0
    filled = 0
    width = 9
    following = _FIRST
    previous_start = np.int64(-1)
    previous_length = np.int64(0)
    while True:
        while held < width:
            if position == stream.size:
                return bad
            buffer |= np.uint64(stream[position]) << np.uint64(held)
            position += 1
            held += 8
        code = np.int64(buffer & np.uint64((1 << width) - 1))
        buffer >>= np.uint64(width)
        held -= width
        if code == _END:
            break
        if code == _CLEAR:
            width = 9
            following = _FIRST
            previous_start = np.int64(-1)
            continue
        # A new string is the previous one and one more byte, which follows it in the output. An entry is
        # therefore an offset in the output and a length, and never a copy.
        if previous_start >= 0 and following < limit:
            starts[following] = previous_start
            lengths[following] = previous_length + 1
            following += 1
            if following == 1 << width and width < max_bits:
                width += 1
        if code < 256:
            length = np.int64(1)
            if filled == size:
                return bad
            out[filled] = code
        else:
            if code >= following:
                return bad
            length = lengths[code]
            if filled + length > size:
                return bad
            source = starts[code]
            for i in range(length):
                out[filled + i] = out[source + i]
        previous_start = filled
        previous_length = length
        filled += length
    if filled != size or position != stream.size:
        return bad
    return out
