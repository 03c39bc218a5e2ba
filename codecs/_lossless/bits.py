"""Where the bits of ``huffman``, ``lz``, PNG and QOI went, by pixel and plane."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.codec import Image
from bench.errors import BadBitstream, Unsupported
from bench.explanation import BitGrid, Channels, Explanation
from bench_codecs._common.varint import read_varint
from bench_codecs._lossless.code_lengths import unpack_lengths
from bench_codecs._lossless.container import Container
from bench_codecs._lossless.transforms import COLORS, forward, unpack_options

_PNG_SIGNATURE_BYTES = 8
_PNG_CHUNK_BYTES = 12
_ZLIB_HEADER_BYTES, _ZLIB_TRAILER_BYTES = 2, 4
_QOI_HEADER_BYTES, _QOI_END_BYTES = 14, 8
_RGB = ("R", "G", "B")
_SPREAD = "A code that stands for several bytes is spread evenly over them."


def explain_huffman(image: Image, container: Container, size: int) -> Explanation:
    """The code length of every residual.

    Parameters
    ----------
    image : the original, uint8 (height, width, 3)
    container : the unpacked bitstream
    size : bytes of the bitstream
    """
    codes, tables = unpack_lengths(container.payload, 3)
    streams, position = [], tables
    for _ in codes:
        length, position = read_varint(container.payload, position)
        streams.append(length)
    color, predictor = unpack_options(container.options)
    residual = forward(image, color, predictor)
    costs = np.stack([lengths[plane] for (lengths, _), plane in zip(codes, residual, strict=True)])
    total = float(costs.sum(dtype=np.int64))
    overhead = {
        "container": 8.0 * (size - len(container.payload) + position - tables),
        "code tables": 8.0 * tables,
        "padding of the last bytes": 8.0 * sum(streams) - total,
    }
    note = "The length of the Huffman code of every sample's prediction residual."
    planes = _planes(costs.astype(np.float64), _names(color))
    return Explanation("exact", planes, overhead, _residual_channels(planes, residual, color), notes=(note,))


def explain_lz(image: Image, container: Container, size: int, method: str) -> Explanation:
    """The codes of LZW or DEFLATE over the residual planes; parameters as for :func:`explain_huffman`.

    Raises
    ------
    bench.errors.Unsupported
        ``method`` is another one.
    """
    from bench_codecs._lossless.cost_kernels import inflate_costs, lzw_costs

    color, predictor = unpack_options(container.options)
    residual = forward(image, color, predictor)
    payload = np.frombuffer(container.payload, np.uint8)
    match method:
        case "deflate":
            costs, position, sound = inflate_costs(payload, residual.size)
        case "lzw":
            costs, position, sound = lzw_costs(payload[1:], int(payload[0]), residual.size)
            position += 8
        case _:
            raise Unsupported(f"lz: the codes of {method} streams are not followed, only deflate's and lzw's")
    _check("lz", sound, position, len(payload))
    overhead = {
        "container": 8.0 * (size - len(payload)),
        "tables, headers and end codes": position - float(costs.sum()),
        "padding of the last byte": 8.0 * len(payload) - position,
    }
    planes = _planes(costs.reshape(residual.shape), _names(color))
    channels = _residual_channels(planes, residual, color)
    return Explanation("exact", planes, overhead, channels, notes=(_SPREAD,))


def explain_png(image: Image, bitstream: bytes) -> Explanation:
    """The DEFLATE codes over the filtered scanlines of an 8-bit RGB file without interlacing."""
    from bench_codecs._lossless.cost_kernels import inflate_costs

    chunks = []
    position = _PNG_SIGNATURE_BYTES
    while position + _PNG_CHUNK_BYTES <= len(bitstream):
        length = int.from_bytes(bitstream[position : position + 4], "big")
        if bitstream[position + 4 : position + 8] == b"IDAT":
            chunks.append(bitstream[position + 8 : position + 8 + length])
        position += _PNG_CHUNK_BYTES + length
    stream = np.frombuffer(b"".join(chunks), np.uint8)[_ZLIB_HEADER_BYTES:-_ZLIB_TRAILER_BYTES]
    height, width, _ = image.shape
    costs, end, sound = inflate_costs(stream, height * (1 + 3 * width))
    _check("png", sound, end, len(stream))
    lines = costs.reshape(height, 1 + 3 * width)
    overhead = {
        "container": 8.0 * (len(bitstream) - len(stream)),
        "tables, headers and end codes": end - float(costs.sum()),
        "filter types": float(lines[:, 0].sum()),
        "padding of the last byte": 8.0 * len(stream) - end,
    }
    planes = lines[:, 1:].reshape(height, width, 3).transpose(2, 0, 1)
    return Explanation("exact", _planes(planes, _RGB), overhead, notes=(_SPREAD,))


def explain_qoi(image: Image, bitstream: bytes) -> Explanation:
    """The chunks of a QOI file, where runs are spread over their pixels."""
    from bench_codecs._lossless.cost_kernels import qoi_costs

    stream = np.frombuffer(bitstream, np.uint8)[_QOI_HEADER_BYTES:-_QOI_END_BYTES]
    costs, end, sound = qoi_costs(stream, image.shape[0] * image.shape[1])
    _check("qoi", sound, end, len(stream))
    grid = BitGrid("pixels", costs.reshape(image.shape[:2]), (1, 1))
    overhead = {"container": 8.0 * len(bitstream) - end}
    return Explanation(
        "exact", (grid,), overhead, notes=("Chunks are whole bytes; a run's byte is spread over its pixels.",)
    )


def _planes(costs: NDArray[np.float64], names: tuple[str, ...]) -> tuple[BitGrid, ...]:
    """The bits of each sample, (3, height, width), as a grid for each plane."""
    return tuple(BitGrid(f"{name} samples", plane, (1, 1)) for name, plane in zip(names, costs, strict=True))


def _residual_channels(
    planes: tuple[BitGrid, ...], residual: NDArray[np.uint8], color: int
) -> tuple[Channels, ...]:
    """Bits and energy of the residual planes, (3, height, width)."""
    bits = np.stack([it.bits for it in planes]).sum((1, 2))
    energy = np.square(residual.view(np.int8).astype(np.float64)).mean((1, 2))
    return (Channels("residual planes", bits, energy, "levels²", _names(color)),)


def _names(color: int) -> tuple[str, ...]:
    return ("R − G", "G", "B − G") if COLORS[color] == "subtract_green" else _RGB


def _check(codec: str, sound: bool, position: int, size: int) -> None:
    if not sound or not 0 <= 8 * size - position < 8:
        raise BadBitstream(f"{codec}: the codes end at bit {position} of {8 * size}, or are damaged")
