"""Where the bits of a baseline JPEG went: every code of its scan, by block and by coefficient."""

from __future__ import annotations

import numpy as np

from bench.errors import BadBitstream
from bench.explanation import BitGrid, Channels, Explanation
from bench_codecs._jpeg_stream.syntax import Scan, parse

_BLOCK = 8


def explain(bitstream: bytes) -> Explanation:
    """Follow the entropy-coded data of a JPEG code by code.

    Raises
    ------
    bench.errors.Unsupported
        Progressive, several scans, or restart intervals.
    bench.errors.BadBitstream
        The bitstream is damaged.
    """
    from bench_codecs._jpeg_stream.kernels import walk_scan

    scan = parse(bitstream)
    coded = np.frombuffer(bitstream, np.uint8, scan.end - scan.start, scan.start)
    is_stuffing = np.zeros(len(coded), bool)
    is_stuffing[1:] = (coded[:-1] == 0xFF) & (coded[1:] == 0)
    data = coded[~is_stuffing]
    stuffed = np.zeros(len(data) + 1, np.int64)
    # before byte k of the data stand as many stuffed bytes as of the bytes before it are 0xFF
    np.cumsum(data == 0xFF, out=stuffed[1:])
    layout = _layout(scan)
    rows, columns = int((layout[:, 1] * layout[:, 2]).max()), int((layout[:, 0] * layout[:, 3]).max())
    blocks = np.zeros((len(layout), rows, columns))
    codes = np.stack([np.stack([it.dc, it.ac]) for it in scan.components])
    quantisers = np.stack([it.quantiser for it in scan.components])
    bits, squares, position, sound = walk_scan(data, stuffed, layout, codes, quantisers, blocks)
    total = float(bits.sum())
    # A last byte of 0xFF is stuffed too, and no code comes after it to be charged for that.
    spare = 16 if len(coded) and is_stuffing[-1] else 8
    if not sound or not 0 <= 8 * len(coded) - total < spare:
        raise BadBitstream(f"jpeg: the scan is damaged {position // 8} bytes after its start")
    names = ("Y", "Cb", "Cr")[: len(layout)] if len(layout) <= 3 else tuple(map(str, range(len(layout))))
    most = layout[:, :2].max(0)
    grids, channels = [], []
    for index, name in enumerate(names):
        horizontal, vertical, down, across = map(int, layout[index])
        own = blocks[index, : vertical * down, : horizontal * across]
        cell = (_BLOCK * int(most[1]) // vertical, _BLOCK * int(most[0]) // horizontal)
        grids.append(BitGrid(f"{name} blocks", own, cell))
        labels = (*(str(it) for it in range(64)), "end of block")
        energy = squares[index] / own.size
        channels.append(Channels(f"{name} coefficients", bits[index], energy, "levels²", labels))
    return Explanation(
        method="exact",
        grids=tuple(grids),
        overhead={
            "headers and tables": 8.0 * (len(bitstream) - len(coded)),
            "padding of the last byte": 8.0 * len(coded) - total,
        },
        channels=tuple(channels),
        notes=(
            "Every Huffman code and its additional bits, followed through the scan; a zero byte stuffed "
            "after 0xFF counts for the code that ends there.",
            "Coefficients are numbered in zigzag order, and 64 stands for end-of-block codes; runs of zeros "
            "count for the coefficient behind them.",
        ),
    )


def _layout(scan: Scan) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Blocks of an MCU across and down, and rows and columns of MCUs, of each component."""
    if len(scan.components) == 1:
        # not interleaved (A.2.2): an MCU is one block, whatever the sampling factors
        return np.array([[1, 1, -(-scan.height // _BLOCK), -(-scan.width // _BLOCK)]])
    across = _BLOCK * max(it.horizontal for it in scan.components)
    down = _BLOCK * max(it.vertical for it in scan.components)
    mcus = (-(-scan.height // down), -(-scan.width // across))
    return np.array([(it.horizontal, it.vertical, *mcus) for it in scan.components])
