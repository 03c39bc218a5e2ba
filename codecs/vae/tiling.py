"""Pictures larger than a tile: windows with a margin wider than any filter reaches.

Tiles are entropy-coded on their own, but the 8×8 transform and both networks see across their edges, so
tiling leaves no seams. Only the second level of the transform treats a tile's edge as a picture's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .container import TILE
from .entropy import Tile
from .model import PATCH, VaeModel, steps
from .transform import BLOCK

MARGIN = 64
"""Samples around a window; as measured, the synthesis of ``vae`` reaches 44 and that of ``vae-gan`` 64, the
analysis fewer than 24."""


@dataclass(frozen=True)
class Window:
    """A tile of the padded picture, and the margin around it that exists; in samples."""

    top: int
    left: int
    height: int
    width: int
    above: int
    before: int
    below: int
    after: int

    def outer(self, unit: int) -> tuple[slice, slice]:
        """Rows and columns of tile and margin, at 1/unit of the resolution."""
        rows = slice((self.top - self.above) // unit, (self.top + self.height + self.below) // unit)
        columns = slice((self.left - self.before) // unit, (self.left + self.width + self.after) // unit)
        return rows, columns

    def inner(self, unit: int) -> tuple[slice, slice]:
        """Rows and columns of the tile inside :meth:`outer`."""
        rows = slice(self.above // unit, (self.above + self.height) // unit)
        columns = slice(self.before // unit, (self.before + self.width) // unit)
        return rows, columns


def padded(side: int) -> int:
    """``side`` rounded up to whole patches."""
    return -(-side // PATCH) * PATCH


def windows(height: int, width: int) -> Iterator[Window]:
    """The tiles of a picture of this size, row by row."""
    full_height, full_width = padded(height), padded(width)
    for top in range(0, full_height, TILE):
        for left in range(0, full_width, TILE):
            tall, wide = min(TILE, full_height - top), min(TILE, full_width - left)
            yield Window(
                top,
                left,
                tall,
                wide,
                min(MARGIN, top),
                min(MARGIN, left),
                min(MARGIN, full_height - top - tall),
                min(MARGIN, full_width - left - wide),
            )


def analyse_window(
    model: VaeModel, image: NDArray[np.uint8], window: Window, code: Tensor
) -> tuple[Tensor, Tensor]:
    """Coarse and fine latents, in steps, of one tile of ``image`` (height, width, 3)."""
    return analyse_batch(model, image[None], window, code)


def analyse_batch(
    model: VaeModel, images: NDArray[np.uint8], window: Window, code: Tensor
) -> tuple[Tensor, Tensor]:
    """Coarse and fine latents, in steps, of the same tile of each of ``images`` (batch, height, width, 3)."""
    rows, columns = window.outer(1)
    height, width = images.shape[1:3]
    # repeated edges cost the fewest bits of the simple ways to fill the last patch
    row_index = np.arange(rows.start, rows.stop).clip(max=height - 1)
    column_index = np.arange(columns.start, columns.stop).clip(max=width - 1)
    pixels = images[:, row_index[:, None], column_index[None]]
    x = torch.from_numpy(pixels).to(code.device).permute(0, 3, 1, 2).float() - 128
    fine = _cropped(model.coefficients(x, code), window, BLOCK)
    step = steps(code, fine)
    # the decoder undoes the second level tile by tile, so its filter must not cross their edges
    return model.coarse_transform(fine) / step, fine / step


def synthesise_batch(
    model: VaeModel, tiles: list[Tile], size: tuple[int, int], code: Tensor
) -> NDArray[np.uint8]:
    """The pictures (batch, height, width, 3) behind tiles of whole batches, which are used up."""
    height, width = size
    grid = list(windows(height, width))
    # field by field, so that each is held twice only while it is put together
    fields = [list(parts) for parts in zip(*tiles, strict=True)]
    tiles.clear()
    whole = []
    while fields:
        whole.append(_assembled(fields.pop(0), grid, (height, width)))
    pictures = np.empty((len(whole[0]), height, width, 3), np.uint8)
    for window in grid:
        rows, columns = window.outer(BLOCK)
        decoded, log_scales, features = (field[:, :, rows, columns] for field in whole)
        # TensorFloat-32 would put a GPU's pictures some levels off the CPU's
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            samples = _cropped(model.synthesise(decoded, log_scales, features, code), window, 1)
        tall, wide = min(window.height, height - window.top), min(window.width, width - window.left)
        pixels = (samples[:, :, :tall, :wide] + 128).round().clamp(0, 255).to(torch.uint8)
        pictures[:, window.top : window.top + tall, window.left : window.left + wide] = (
            pixels.permute(0, 2, 3, 1).cpu().numpy()
        )
    return pictures


def _assembled(parts: list[Tensor], grid: list[Window], size: tuple[int, int]) -> Tensor:
    if len(parts) == 1:
        return parts[0]
    shape = (padded(size[0]) // BLOCK, padded(size[1]) // BLOCK)
    whole = parts[0].new_empty(*parts[0].shape[:2], *shape)
    for part, window in zip(parts, grid, strict=True):
        top, left = window.top // BLOCK, window.left // BLOCK
        whole[:, :, top : top + part.shape[2], left : left + part.shape[3]] = part
    return whole


def _cropped(field: Tensor, window: Window, unit: int) -> Tensor:
    rows, columns = window.inner(unit)
    return field[:, :, rows, columns]
