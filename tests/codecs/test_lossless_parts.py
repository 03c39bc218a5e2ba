"""The parts of the package's own lossless codecs: transforms, code lengths, LZW, container."""

from __future__ import annotations

import functools
import heapq
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import BadBitstream, Unsupported
from bench_codecs._lossless import huffman_kernels, lzw_kernels
from bench_codecs._lossless.code_lengths import MAX_LENGTH, pack_lengths, unpack_lengths
from bench_codecs._lossless.container import Container, pack, unpack
from bench_codecs._lossless.transforms import COLORS, PREDICTORS, forward, inverse
from bench_codecs.huffman import Huffman
from bench_codecs.lz import Lz
from tests.conftest import photo


@pytest.mark.parametrize(
    ("color", "predictor"), [*itertools.product(range(len(COLORS)), range(len(PREDICTORS)))]
)
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (13, 17)])
def test_transform_is_reversible(shape, color, predictor):
    """Noise, where everything wraps around, comes back exactly."""
    image = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert np.array_equal(inverse(forward(image, color, predictor), color, predictor), image)


def test_predictors_are_those_of_the_standards():
    """paeth is PNG's (a, b, c tie order), med is the median of a, b and a + b − c."""
    image = photo(23, 31)
    planes = image.transpose(2, 0, 1).astype(int)
    padded = np.pad(planes, ((0, 0), (1, 0), (1, 0)))
    a, b, c = padded[:, 1:, :-1], padded[:, :-1, 1:], padded[:, :-1, :-1]
    to_a, to_b, to_c = abs(b - c), abs(a - c), abs(a + b - 2 * c)
    paeth = np.where((to_a <= to_b) & (to_a <= to_c), a, np.where(to_b <= to_c, b, c))
    med = np.median([a, b, a + b - c], axis=0)
    for name, prediction in (("paeth", paeth), ("med", med)):
        expected = ((planes - prediction) % 256).astype(np.uint8)
        assert np.array_equal(forward(image, 0, PREDICTORS.index(name)), expected)


def unlimited_huffman_cost(counts):
    """Bits of an optimal prefix code of any length: the sum of all merged weights."""
    heap = [int(count) for count in counts if count]
    heapq.heapify(heap)
    cost = 0
    while len(heap) > 1:
        merged = heapq.heappop(heap) + heapq.heappop(heap)
        cost += merged
        heapq.heappush(heap, merged)
    return cost


def padded(counts):
    """Counts of the first symbols of 256, int64."""
    return np.pad(np.asarray(counts, np.int64), (0, 256 - len(counts)))


def kraft(lengths):
    """The Kraft sum, in units of the longest code."""
    return sum(1 << (MAX_LENGTH - int(length)) for length in lengths if length)


def limited_cost(counts):
    """Bits of an optimal prefix code of at most ``MAX_LENGTH`` bits, by dynamic programming over levels.

    Of ``nodes`` at a level some become leaves, for the heaviest symbols left, and the others split.
    """
    weights = sorted((int(count) for count in counts if count), reverse=True)
    total = [0, *itertools.accumulate(weights)]

    @functools.cache
    def cost(level, placed, nodes):
        if placed == len(weights):
            return 0
        if level > MAX_LENGTH:
            return math.inf
        left = len(weights) - placed
        return min(
            level * (total[placed + leaves] - total[placed])
            + cost(level + 1, placed + leaves, min(2 * (nodes - leaves), left - leaves))
            for leaves in range(min(nodes, left) + 1)
        )

    return cost(1, 0, 2)


@pytest.mark.parametrize(
    "counts",
    [[1] * 256, [3, 1], list(range(1, 80)), [2**i for i in range(12)]],
    ids=["flat", "two", "ramp", "powers"],
)
def test_code_is_optimal_where_the_limit_does_not_bind(counts):
    """Without need of codes over 12 bits the cost is that of Huffman's own construction."""
    lengths = huffman_kernels.code_lengths(padded(counts))
    assert kraft(lengths) == 1 << MAX_LENGTH
    assert int(padded(counts) @ lengths) == unlimited_huffman_cost(counts)


@pytest.mark.parametrize("seed", range(5))
def test_code_is_optimal_where_the_limit_binds(seed):
    """Counts growing like Fibonacci's would need more than 12 bits; the limited code is the cheapest."""
    counts = np.random.default_rng(seed).geometric(0.5, 30) * np.cumprod([1, *[1.6] * 29])
    counts = np.random.default_rng(seed).permutation(padded(counts.astype(int)))
    lengths = huffman_kernels.code_lengths(counts)
    assert unlimited_huffman_cost(counts) < limited_cost(counts)
    assert lengths.max() == MAX_LENGTH
    assert kraft(lengths) == 1 << MAX_LENGTH
    assert int(counts @ lengths) == limited_cost(counts)


def test_code_table_survives_its_packing():
    """Runs of every length, and a code of one symbol, come back from their nibbles."""
    counts = np.zeros(256, np.int64)
    counts[[0, 3, 4, 5, 6, 7, 8, 40, 200, 255]] = 5
    codes = [
        (huffman_kernels.code_lengths(counts), 0),
        (huffman_kernels.code_lengths(np.ones(256, np.int64)), 0),
        (np.zeros(256, np.uint8), 171),
    ]
    data = pack_lengths(codes)
    assert len(data) < 40
    unpacked, n_bytes = unpack_lengths(data + b"\xff\xff", 3)
    assert n_bytes == len(data)
    for (lengths, only), (expected, expected_only) in zip(unpacked, codes, strict=True):
        assert np.array_equal(lengths, expected)
        assert only == expected_only


@given(st.binary(min_size=1, max_size=3000), st.integers(9, 16), st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_lzw_is_reversible(data, max_bits, repeats):
    """Any bytes come back, through growing widths, full dictionaries and self-referring codes."""
    symbols = np.frombuffer(data * repeats, np.uint8)
    stream = lzw_kernels.lzw_encode(symbols, max_bits)
    frozen = np.frombuffer(stream.tobytes(), np.uint8)
    assert np.array_equal(lzw_kernels.lzw_decode(frozen, max_bits, symbols.size), symbols)


@pytest.mark.parametrize("max_bits", [9, 10, 12, 16])
def test_lzw_ends_where_a_width_does(max_bits):
    """The end is as wide as the decoder expects, also after just as many codes as a width has."""
    random = np.random.default_rng(0)
    for size in (*range(250, 262), *range(760, 775), *range(1780, 1800)):
        symbols = random.integers(0, 256, size).astype(np.uint8)
        stream = lzw_kernels.lzw_encode(symbols, max_bits)
        assert np.array_equal(lzw_kernels.lzw_decode(stream, max_bits, size), symbols), size
    black = np.zeros((100, 108, 3), np.uint8)
    assert np.array_equal(Lz(method="lzw").decode(Lz(method="lzw").encode(black, None)), black)


@pytest.mark.parametrize("codec", [Huffman(), Lz(method="lzw"), Lz(method="zstd")], ids=lambda c: c.version)
def test_forged_payload_is_refused_or_decoded(codec):
    """With a CRC that fits, a damaged payload raises BadBitstream or gives an image of its size."""
    magic = codec.encode(photo(9, 9), None)[:2]
    container = unpack(magic, 1, codec.encode(photo(40, 30), None))
    random = np.random.default_rng(3)
    refused = 0
    for trial in range(300):
        payload = bytearray(container.payload)
        for place in random.integers(0, min(len(payload), 400), 1 + trial % 3):
            payload[place] = random.integers(0, 256)
        forged = pack(magic, 1, Container(30, 40, container.options, bytes(payload)))
        try:
            assert codec.decode(forged).shape == (40, 30, 3)
        except BadBitstream:
            refused += 1
    assert refused > 0


@pytest.mark.parametrize("codec", [Huffman(), Lz(method="lzw"), Lz(method="zstd")], ids=lambda c: c.version)
def test_forged_size_is_refused(codec):
    """A size that the payload cannot fill is refused, with a CRC that fits."""
    magic = codec.encode(photo(9, 9), None)[:2]
    container = unpack(magic, 1, codec.encode(photo(40, 30), None))
    forged = pack(magic, 1, Container(3000, 4000, container.options, container.payload))
    with pytest.raises(BadBitstream):
        codec.decode(forged)


@pytest.mark.parametrize("codec", [Huffman(), Lz(method="zstd")], ids=lambda c: c.version)
def test_every_damaged_byte_is_noticed(codec):
    """The CRC covers the header, the options and the payload."""
    bitstream = codec.encode(photo(9, 11), None)
    for place in range(len(bitstream)):
        damaged = bytearray(bitstream)
        damaged[place] ^= 1 << place % 8
        with pytest.raises(BadBitstream):
            codec.decode(bytes(damaged))


def test_picture_beyond_the_limit_is_unsupported():
    """The format says so at encoding, rather than write what it would not read."""
    with pytest.raises(Unsupported, match="pixels"):
        pack(b"HF", 1, Container(1 << 15, 1 << 14, 0, b""))
