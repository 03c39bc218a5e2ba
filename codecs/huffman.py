"""Lossless coding by reversible transforms and canonical Huffman codes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.codec import DEPTHS, Channels, Image, Samples
from bench.errors import BadBitstream
from bench.explanation import Explanation
from bench_codecs._common.options import check_choice
from bench_codecs._common.varint import read_varint, write_varint
from bench_codecs._lossless.code_lengths import MAX_LENGTH, pack_lengths, unpack_lengths
from bench_codecs._lossless.container import Container, pack, unpack, version_of
from bench_codecs._lossless.parts import FORMAT, is_plain, pack_parts, unpack_parts
from bench_codecs._lossless.transforms import (
    COLORS,
    PREDICTORS,
    Color,
    Predictor,
    forward,
    inverse,
    load_kernels,
    pack_options,
    unpack_options,
    warm_up,
)

_MAGIC, _FORMAT = b"HF", 1


class Huffman:
    """Canonical Huffman codes of at most 12 bits (package-merge), one for each plane.

    The bitstream contains the code tables. The defaults, a colour difference and the Paeth predictor, are
    typical of such codecs; ``color="none", predictor="none"`` codes the samples themselves, at about their
    zeroth-order entropy. Of samples of more than 8 bits the two bytes are planes of their own.

    Parameters
    ----------
    color : reversible colour transform
    predictor : spatial predictor (``paeth`` as in PNG, ``med`` as in LOCO-I)
    """

    name = "huffman"
    lossless = True
    qualities: tuple[float, ...] = ()
    quality_range: tuple[float, float] | None = None
    depths = tuple(DEPTHS)
    channels: tuple[Channels, ...] = ("rgb", "grey", "rgba")

    def __init__(self, *, color: Color = "subtract_green", predictor: Predictor = "paeth") -> None:
        check_choice(self.name, "color", color, COLORS)
        check_choice(self.name, "predictor", predictor, PREDICTORS)
        self.version = f"1+{load_kernels(self.name)}"
        from bench_codecs._lossless import huffman_kernels

        self._kernels = huffman_kernels
        self._color = COLORS.index(color)
        self._predictor = PREDICTORS.index(predictor)
        warm_up(self)

    def encode(self, image: Samples, quality: float | None = None, *, depth: int = 8) -> bytes:
        """Compress; ``quality`` is ignored, and ``depth`` need not be known."""
        height, width = image.shape[:2]
        options = pack_options(self._color, self._predictor)
        if is_plain(image):
            return pack(_MAGIC, _FORMAT, Container(width, height, options, self._payload(image)))
        return pack(_MAGIC, FORMAT, Container(width, height, options, pack_parts(image, self._payload)))

    def _payload(self, image: Image) -> bytes:
        planes = forward(image, self._color, self._predictor).reshape(3, -1)
        codes: list[tuple[NDArray[np.uint8], int]] = []
        streams: list[bytes] = []
        for plane in planes:
            counts = self._kernels.histogram(plane)
            lengths = self._kernels.code_lengths(counts)
            n_bits = int(counts @ lengths)
            words = self._kernels.encode_symbols(plane, lengths, n_bits)
            codes.append((lengths, int(plane[0])))
            streams.append(words.astype("<u4", copy=False).tobytes()[: (n_bits + 7) // 8])
        sizes = b"".join(write_varint(len(stream)) for stream in streams)
        return b"".join((pack_lengths(codes), sizes, *streams))

    def decode(self, bitstream: bytes) -> Samples:
        """Reconstruct the image."""
        if version_of(bitstream) != FORMAT:
            container = unpack(_MAGIC, _FORMAT, bitstream)
            return self._image(container, container.payload)
        container = unpack(_MAGIC, FORMAT, bitstream)
        return unpack_parts(container.payload, lambda payload: self._image(container, payload))

    def _image(self, container: Container, payload: bytes) -> Image:
        n_symbols = container.width * container.height
        codes, position = unpack_lengths(payload, 3)
        sizes = []
        for _ in codes:
            size, position = read_varint(payload, position)
            sizes.append(size)
        if position + sum(sizes) != len(payload):
            raise BadBitstream("huffman: the sizes of the planes do not add up")
        for (lengths, _), size in zip(codes, sizes, strict=True):
            # A symbol takes at least one bit, which limits the memory that a forged size can claim.
            if lengths.any() and 8 * size < n_symbols:
                raise BadBitstream(f"huffman: {size} bytes cannot hold {n_symbols} samples")

        # There is room for every symbol at its longest, so that the decoder needs no bounds checks.
        stride = MAX_LENGTH * n_symbols // 32 + 2
        words = np.zeros((3, stride), "<u4")
        flat = words.view(np.uint8)
        for plane, size in enumerate(sizes):
            if size > 4 * stride:
                raise BadBitstream("huffman: more bytes than any code could use")
            flat[plane, :size] = np.frombuffer(payload, np.uint8, size, position)
            position += size
        tables = np.stack([self._kernels.decoding_table(lengths, only) for lengths, only in codes])
        planes, n_bits = self._kernels.decode_planes(words.astype(np.uint32, copy=False), tables, n_symbols)
        if [(int(n) + 7) // 8 for n in n_bits] != sizes:
            raise BadBitstream("huffman: the codes do not end where the plane does")
        residual = planes.reshape(3, container.height, container.width)
        return inverse(residual, *unpack_options(container.options))

    def explain(self, image: Image, quality: float | None, bitstream: bytes) -> Explanation:
        """The code lengths of every sample."""
        from bench_codecs._lossless.bits import explain_huffman

        return explain_huffman(image, unpack(_MAGIC, _FORMAT, bitstream), len(bitstream))
