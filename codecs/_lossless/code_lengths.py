"""The code lengths of Huffman codes, serialised in a few dozen bytes.

The format is a stream of nibbles, the low one of each byte first. 0 to 12 is the length of the next symbol;
13 and one nibble r repeat the previous length r + 3 times; 14 and two nibbles r (the low one first) repeat it
r + 19 times. A code of a single symbol has no lengths: it is nibble 15, followed by the symbol in two
nibbles.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.errors import BadBitstream

MAX_LENGTH = 12
"""Longest code in bits, so that a decoding table, 4096 entries of two bytes, stays in the L1 cache."""

_REPEAT_SHORT, _REPEAT_LONG, _SINGLE = 13, 14, 15


def pack_lengths(codes: list[tuple[NDArray[np.uint8], int]]) -> bytes:
    """Serialise codes.

    Parameters
    ----------
    codes : for each code its lengths, uint8 (256,), and the only symbol if all lengths are 0
    """
    nibbles: list[int] = []
    for lengths, only in codes:
        if lengths.any():
            nibbles += _runs(lengths.tolist())
        else:
            nibbles += [_SINGLE, only & 15, only >> 4]
    nibbles += [0] * (len(nibbles) % 2)
    return bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))


def _runs(lengths: list[int]) -> list[int]:
    nibbles: list[int] = []
    i = 0
    while i < len(lengths):
        run = 1
        while i + run < len(lengths) and lengths[i + run] == lengths[i]:
            run += 1
        i += run
        nibbles.append(lengths[i - 1])
        run -= 1
        while run:
            if run >= 19:
                step = min(run, 19 + 255)
                nibbles += [_REPEAT_LONG, (step - 19) & 15, (step - 19) >> 4]
            elif run >= 3:
                step = min(run, 3 + 15)
                nibbles += [_REPEAT_SHORT, step - 3]
            else:
                step = 1
                nibbles.append(lengths[i - 1])
            run -= step
    return nibbles


def unpack_lengths(data: bytes, n_codes: int) -> tuple[list[tuple[NDArray[np.uint8], int]], int]:
    """Read ``n_codes`` codes from the beginning of ``data``.

    Returns
    -------
    The codes, as :func:`pack_lengths` takes them, and the number of bytes that they took.

    Raises
    ------
    BadBitstream
        The data end early, or the lengths are not those of a complete prefix code.
    """
    nibbles = [nibble for byte in data[: 200 * n_codes] for nibble in (byte & 15, byte >> 4)]
    position = 0
    codes = []
    try:
        for _ in range(n_codes):
            lengths, only, position = _read_code(nibbles, position)
            codes.append((lengths, only))
    except IndexError as error:
        raise BadBitstream("huffman: truncated code table") from error
    return codes, (position + 1) // 2


def _read_code(nibbles: list[int], position: int) -> tuple[NDArray[np.uint8], int, int]:
    if nibbles[position] == _SINGLE:
        only = nibbles[position + 1] | nibbles[position + 2] << 4
        return np.zeros(256, np.uint8), only, position + 3
    lengths: list[int] = []
    while len(lengths) < 256:
        token = nibbles[position]
        position += 1
        if token <= MAX_LENGTH:
            lengths.append(token)
            continue
        if not lengths or token == _SINGLE:
            raise BadBitstream("huffman: invalid code table")
        run = nibbles[position] + 3
        position += 1
        if token == _REPEAT_LONG:
            run += 16 + (nibbles[position] << 4)
            position += 1
        lengths += lengths[-1:] * run
    if len(lengths) != 256:
        raise BadBitstream("huffman: the code table runs past 256 symbols")
    if sum(1 << (MAX_LENGTH - length) for length in lengths if length) != 1 << MAX_LENGTH:
        raise BadBitstream("huffman: the code table is not a complete prefix code")
    return np.array(lengths, np.uint8), 0, position
