"""Where the bits went in a format that does not tell: re-encode with one block blanked at a time."""

from __future__ import annotations

import numpy as np

from bench.codec import Codec, Image, encoded
from bench.errors import Unsupported
from bench.explanation import BitGrid, Explanation

_MOST_CELLS = 50
"""As many times a picture is encoded again."""
_CELL_STEP = 16
_LEAST_RESPONSE = 0.1
"""Part of the size that must go when half of the picture is blanked, for sizes to say anything."""


def estimate(codec: Codec, image: Image, quality: float | None, size: int) -> Explanation:
    """The bits saved by replacing each block by its mean, alone.

    A block's neighbours lose context, prediction and rate control adapt, and the blank's edges cost
    something, so that the sum is not the payload.

    Parameters
    ----------
    image : uint8, (height, width, 3)
    size : bytes of the whole picture's bitstream at this quality

    Raises
    ------
    Unsupported
        The size does not follow the content: quality is a rate target, or headers are all there is.
    """
    cell = _cell(*image.shape[:2])
    corners = [
        (top, left) for top in range(0, image.shape[0], cell) for left in range(0, image.shape[1], cell)
    ]
    rows, columns = (-(-side // cell) for side in image.shape[:2])
    chessboard = [it for it in corners if (it[0] // cell + it[1] // cell) % 2 == 0]
    left_over = len(encoded(codec, _blanked(image, chessboard, cell), quality))
    if size - left_over < _LEAST_RESPONSE * size:
        raise Unsupported(
            f"the size does not follow the content ({size} bytes, {left_over} with half of the picture "
            "blanked): the quality is a target rate, or headers are most of it"
        )
    saved = [8.0 * (size - len(encoded(codec, _blanked(image, [it], cell), quality))) for it in corners]
    return Explanation(
        method="estimate",
        grids=(BitGrid("saved by blanking a block", np.array(saved).reshape(rows, columns), (cell, cell)),),
        notes=(
            f"An estimate: the bits saved when one block of {cell} × {cell} pixels alone is replaced by its "
            "mean. Blocks share context, so the total is not the payload's; it can be negative for a block.",
        ),
    )


def _cell(height: int, width: int) -> int:
    cell = _CELL_STEP
    while -(-height // cell) * -(-width // cell) > _MOST_CELLS:
        cell += _CELL_STEP
    return cell


def _blanked(image: Image, corners: list[tuple[int, int]], cell: int) -> Image:
    blanked = image.copy()
    for top, left in corners:
        block = blanked[top : top + cell, left : left + cell]
        block[:] = block.mean((0, 1)).round()
    return blanked
