"""Where the bits of a baseline JPEG went: the codes of its scan by block and by coefficient."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.errors import BadBitstream
from bench.explanation import BitGrid, Channels, Explanation
from bench_codecs._jpeg_stream.syntax import Scan, parse

_BLOCK = 8
_NOTES = (
    "Every Huffman code and its additional bits, followed through the scan; a zero byte stuffed "
    "after 0xFF counts for the code that ends there.",
    "Coefficients are numbered in zigzag order, and 64 stands for end-of-block codes; runs of zeros "
    "count for the coefficient behind them.",
)


def explain(bitstream: bytes) -> Explanation:
    """Trace the entropy-coded data of a JPEG code by code.

    Raises
    ------
    bench.errors.Unsupported
        It is progressive, or has several scans or restart intervals.
    bench.errors.BadBitstream
        The bitstream is damaged.
    """
    from bench_codecs._jpeg_stream.kernels import walk_scan

    scan = parse(bitstream)
    coded = np.frombuffer(bitstream, np.uint8, scan.end - scan.start, scan.start)
    data, stuffed = _without_stuffing(coded)
    layout = _layout(scan)
    rows, columns = int((layout[:, 1] * layout[:, 2]).max()), int((layout[:, 0] * layout[:, 3]).max())
    blocks = np.zeros((len(layout), rows, columns))
    codes = np.stack([np.stack([it.dc, it.ac]) for it in scan.components])
    quantisers = np.stack([it.quantiser for it in scan.components])
    bits, squares, position, sound = walk_scan(data, stuffed, layout, codes, quantisers, blocks)
    total = float(bits.sum())
    # A last byte of 0xFF is stuffed too, but no code follows to which the stuffed byte could be assigned.
    spare = 16 if coded[-2:].tolist() == [0xFF, 0] else 8
    if not sound or not 0 <= 8 * len(coded) - total < spare:
        raise BadBitstream(f"jpeg: the scan is damaged {position // 8} bytes after its start")
    grids = _grids(layout, blocks)
    labels = (*(str(it) for it in range(64)), "end of block")
    channels = [
        Channels(
            grid.name.replace("blocks", "coefficients"),
            bits[index],
            squares[index] / grid.bits.size,
            "levels²",
            labels,
        )
        for index, grid in enumerate(grids)
    ]
    return Explanation(
        method="exact",
        grids=grids,
        overhead={
            "headers and tables": 8.0 * (len(bitstream) - len(coded)),
            "padding of the last byte": 8.0 * len(coded) - total,
        },
        channels=tuple(channels),
        notes=_NOTES,
    )


def _without_stuffing(coded: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The data without the zero bytes after 0xFF, (n,), and how many were before each byte, (n + 1,)."""
    is_stuffing = np.zeros(len(coded), bool)
    is_stuffing[1:] = (coded[:-1] == 0xFF) & (coded[1:] == 0)
    data = coded[~is_stuffing]
    stuffed = np.zeros(len(data) + 1, np.int64)
    # Each 0xFF before byte k of the data was followed by one stuffed byte.
    np.cumsum(data == 0xFF, out=stuffed[1:])
    return data, stuffed


def _grids(layout: NDArray[np.int64], blocks: NDArray[np.float64]) -> tuple[BitGrid, ...]:
    """The bits of the blocks of each component, (components, rows, columns), as grids over the image."""
    names = ("Y", "Cb", "Cr")[: len(layout)] if len(layout) <= 3 else tuple(map(str, range(len(layout))))
    most = layout[:, :2].max(0)
    grids = []
    for index, name in enumerate(names):
        horizontal, vertical, rows, columns = map(int, layout[index])
        bits = blocks[index, : vertical * rows, : horizontal * columns]
        cell = (_BLOCK * int(most[1]) // vertical, _BLOCK * int(most[0]) // horizontal)
        grids.append(BitGrid(f"{name} blocks", bits, cell))
    return tuple(grids)


def _layout(scan: Scan) -> NDArray[np.int64]:
    """Horizontal and vertical blocks of an MCU, rows and columns of MCUs: shape (components, 4)."""
    if len(scan.components) == 1:
        # Not interleaved (A.2.2): an MCU is one block, whatever the sampling factors.
        return np.array([[1, 1, -(-scan.height // _BLOCK), -(-scan.width // _BLOCK)]])
    across = _BLOCK * max(it.horizontal for it in scan.components)
    down = _BLOCK * max(it.vertical for it in scan.components)
    mcus = (-(-scan.height // down), -(-scan.width // across))
    return np.array([(it.horizontal, it.vertical, *mcus) for it in scan.components])
