"""Compiled kernels for canonical Huffman codes of limited length over bytes.

Codes are written into 32-bit words with the least significant bit first, as in DEFLATE, so that the next
``MAX_LENGTH`` bits of the bitstream are an index into the decoding table.
"""

# mypy: disable-error-code="untyped-decorator, no-untyped-def"
# numba has no types and infers those of its functions

from __future__ import annotations

import numba
import numpy as np

from bench_codecs._lossless.code_lengths import MAX_LENGTH


@numba.njit(cache=True, nogil=True)
def histogram(symbols):
    """Occurrences of each byte: ``symbols``, (n,) uint8 -> (256,) int64."""
    # With one table, equal neighbours would have to wait for each other's store.
    counts = np.zeros((4, 256), np.int64)
    whole = symbols.size // 4 * 4
    for i in range(0, whole, 4):
        counts[0, symbols[i]] += 1
        counts[1, symbols[i + 1]] += 1
        counts[2, symbols[i + 2]] += 1
        counts[3, symbols[i + 3]] += 1
    for i in range(whole, symbols.size):
        counts[0, symbols[i]] += 1
    for symbol in range(256):
        counts[0, symbol] += counts[1, symbol] + counts[2, symbol] + counts[3, symbol]
    return counts[0]


@numba.njit(cache=True, nogil=True)
def code_lengths(counts):
    """Lengths of an optimal prefix code of at most ``MAX_LENGTH`` bits: (256,) int64 -> (256,) uint8.

    L. L. Larmore and D. S. Hirschberg, "A fast algorithm for optimal length-limited Huffman codes"
    (package-merge), J. ACM 37(3), 1990. A symbol that does not occur has length 0, and so does the only
    symbol that occurs, which needs no bits.
    """
    lengths = np.zeros(256, np.uint8)
    order = np.empty(256, np.int64)
    n = 0
    for symbol in range(256):
        if counts[symbol]:
            place = n
            while place and counts[order[place - 1]] > counts[symbol]:
                order[place] = order[place - 1]
                place -= 1
            order[place] = symbol
            n += 1
    if n < 2:
        return lengths
    leaves = np.empty(n, np.int64)
    for i in range(n):
        leaves[i] = counts[order[i]]
    is_leaf = np.zeros((MAX_LENGTH, 2 * n), np.bool_)
    weights = np.empty(2 * n, np.int64)
    weights[:n] = leaves
    is_leaf[0, :n] = True
    size = n
    packages = np.empty(n, np.int64)
    for level in range(1, MAX_LENGTH):
        n_packages = size // 2
        for i in range(n_packages):
            packages[i] = weights[2 * i] + weights[2 * i + 1]
        leaf = package = 0
        size = n + n_packages
        for i in range(size):
            if package >= n_packages or (leaf < n and leaves[leaf] <= packages[package]):
                weights[i] = leaves[leaf]
                is_leaf[level, i] = True
                leaf += 1
            else:
                weights[i] = packages[package]
                package += 1
    # The 2n − 2 lightest items of the last list define the code: each leaf on the way down adds one bit to
    # the length of its symbol.
    taken = 2 * n - 2
    for level in range(MAX_LENGTH - 1, -1, -1):
        n_leaves = 0
        for i in range(taken):
            if is_leaf[level, i]:
                lengths[order[n_leaves]] += 1
                n_leaves += 1
        taken = 2 * (taken - n_leaves)
    return lengths


@numba.njit(cache=True, nogil=True)
def canonical_codes(lengths):
    """Bit-reversed canonical codes by increasing (length, symbol): lengths, (256,) uint8 -> (256,) uint32."""
    codes = np.zeros(256, np.uint32)
    code = 0
    for length in range(1, MAX_LENGTH + 1):
        code <<= 1
        for symbol in range(256):
            if lengths[symbol] == length:
                reverse = 0
                for bit in range(length):
                    reverse |= (code >> bit & 1) << (length - 1 - bit)
                codes[symbol] = reverse
                code += 1
    return codes


@numba.njit(cache=True, nogil=True)
def decoding_table(lengths, only):
    """The entry ``symbol << 4 | length`` for every value of the next ``MAX_LENGTH`` bits, (4096,) uint16.

    Parameters
    ----------
    lengths : (256,) uint8, of a complete code; not checked
    only : the only symbol, if all lengths are 0
    """
    table = np.full(1 << MAX_LENGTH, only << 4, np.uint16)
    codes = canonical_codes(lengths)
    for symbol in range(256):
        if lengths[symbol]:
            for index in range(codes[symbol], 1 << MAX_LENGTH, 1 << lengths[symbol]):
                table[index] = symbol << 4 | lengths[symbol]
    return table


@numba.njit(cache=True, nogil=True)
def encode_symbols(symbols, lengths, n_bits):
    """Encode symbols.

    Parameters
    ----------
    symbols : (n,) uint8
    lengths : (256,) uint8
    n_bits : the exact total of bits

    Returns
    -------
    uint32 words, of shape (⌈n_bits ÷ 32⌉,).
    """
    codes = canonical_codes(lengths)
    # Code and length in one entry need one load a symbol.
    entries = np.empty(256, np.uint32)
    for symbol in range(256):
        entries[symbol] = codes[symbol] << 4 | lengths[symbol]
    # The writer has no branch: it always stores the unfinished word.
    words = np.empty(n_bits // 32 + 2, np.uint32)
    buffer = np.uint64(0)
    held = np.uint64(0)
    position = 0
    even = symbols.size // 2 * 2
    for i in range(0, even, 2):
        first = np.uint64(entries[symbols[i]])
        second = np.uint64(entries[symbols[i + 1]])
        buffer |= (first >> np.uint64(4)) << held
        held += first & np.uint64(15)
        buffer |= (second >> np.uint64(4)) << held
        held += second & np.uint64(15)
        words[position] = np.uint32(buffer)
        full = held >> np.uint64(5)
        position += full
        buffer >>= full << np.uint64(5)
        held &= np.uint64(31)
    if even < symbols.size:
        entry = np.uint64(entries[symbols[even]])
        buffer |= (entry >> np.uint64(4)) << held
    words[position] = np.uint32(buffer)
    words[position + 1] = np.uint32(buffer >> np.uint64(32))
    return words[: (n_bits + 31) // 32]


@numba.njit(cache=True, nogil=True)
def decode_planes(words, tables, n_symbols):
    """Decode three bitstreams together, which gives the processor three independent chains of look-ups.

    Parameters
    ----------
    words : (3, ``MAX_LENGTH * n_symbols // 32 + 2``) uint32, the bitstreams followed by zeros; large enough
        that no sequence of codes can read beyond the end
    tables : (3, 4096) uint16, see :func:`decoding_table`
    n_symbols : number of symbols in each

    Returns
    -------
    The symbols, (3, n_symbols) uint8, and the bits consumed of each bitstream, (3,) int64.
    """
    symbols = np.empty((3, n_symbols), np.uint8)
    out0, out1, out2 = symbols[0], symbols[1], symbols[2]
    table0, table1, table2 = tables[0], tables[1], tables[2]
    words0, words1, words2 = words[0], words[1], words[2]
    p0 = p1 = p2 = 0
    buffer0 = buffer1 = buffer2 = np.uint64(0)
    held0 = held1 = held2 = np.uint64(0)
    mask = np.uint64((1 << MAX_LENGTH) - 1)
    four = np.uint64(4)
    low = np.uint64(15)
    refill = np.uint64(32)
    for i in range(0, n_symbols, 2):
        # 32 bits contain at least two codes, since these have at most 12.
        if held0 < refill:
            buffer0 |= np.uint64(words0[p0]) << held0
            held0 += refill
            p0 += 1
        if held1 < refill:
            buffer1 |= np.uint64(words1[p1]) << held1
            held1 += refill
            p1 += 1
        if held2 < refill:
            buffer2 |= np.uint64(words2[p2]) << held2
            held2 += refill
            p2 += 1
        for j in range(i, min(i + 2, n_symbols)):
            entry0 = np.uint64(table0[buffer0 & mask])
            entry1 = np.uint64(table1[buffer1 & mask])
            entry2 = np.uint64(table2[buffer2 & mask])
            out0[j] = entry0 >> four
            out1[j] = entry1 >> four
            out2[j] = entry2 >> four
            buffer0 >>= entry0 & low
            buffer1 >>= entry1 & low
            buffer2 >>= entry2 & low
            held0 -= entry0 & low
            held1 -= entry1 & low
            held2 -= entry2 & low
    consumed = np.empty(3, np.int64)
    consumed[0] = 32 * p0 - np.int64(held0)
    consumed[1] = 32 * p1 - np.int64(held1)
    consumed[2] = 32 * p2 - np.int64(held2)
    return symbols, consumed
