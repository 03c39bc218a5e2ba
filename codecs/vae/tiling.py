"""Pictures larger than a tile: windows with a margin wider than any filter reaches.

Tiles are entropy-coded on their own, but the 8×8 transform and both networks see across their edges, so
tiling leaves no seams. Only the second level of the transform treats a tile's edge as a picture's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench_codecs.vae.container import TILE
from bench_codecs.vae.entropy import Tile
from bench_codecs.vae.int16 import OutOfRange
from bench_codecs.vae.model import PATCH, VaeModel, steps
from bench_codecs.vae.transform import BLOCK

MARGIN = 96
"""Samples around a window; as measured, the synthesis of ``vae`` reaches 76 and that of ``vae-gan`` 96."""
ANALYSIS_MARGIN = 64
"""The analysis reaches no farther: six layers of 3×3 blocks, and the filter across their boundaries."""


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
    around = (window.above, window.before, window.below, window.after)
    above, before, below, after = (min(it, ANALYSIS_MARGIN) for it in around)
    window = replace(window, above=above, before=before, below=below, after=after)
    rows, columns = window.outer(1)
    beyond = (max(0, it.stop - side) for it, side in zip((rows, columns), images.shape[1:3], strict=True))
    # repeated edges cost the fewest bits of the simple ways to fill the last patch
    pixels = np.pad(images[:, rows, columns], ((0, 0), *((0, it) for it in beyond), (0, 0)), "edge")
    fine = _cropped(_coefficients(model, pixels, code), window, BLOCK)
    step = steps(code, fine)
    # the decoder undoes the second level tile by tile, so its filter must not cross their edges
    return model.coarse_transform(fine) / step, fine / step


def _coefficients(model: VaeModel, pixels: NDArray[np.uint8], code: Tensor) -> Tensor:
    if model.integer is not None:
        with suppress(OutOfRange):
            return model.integer.coefficients(pixels, int(code[0]))
    x = torch.from_numpy(pixels).to(code.device).permute(0, 3, 1, 2).float() - 128
    return model.coefficients(x, code)


def synthesise_batch(
    model: VaeModel, decode: Callable[[int], Tile], batch: int, size: tuple[int, int], code: Tensor
) -> NDArray[np.uint8]:
    """The pictures (batch, height, width, 3) behind tiles of whole batches; ``decode`` gives the n-th tile.

    Tiles are decoded along the shorter side, and let go when no window still needs them: what is held of the
    latents grows with that side, not with the picture.
    """
    height, width = size
    grid = list(enumerate(windows(height, width)))
    if width > height:
        grid.sort(key=lambda it: (it[1].left, it[1].top))
    line = -(-min(height, width) // TILE)
    pictures: NDArray[np.uint8] | None = None

    def synthesise(
        pictures: NDArray[np.uint8], held: list[tuple[Window, Future[Tile]]], window: Window
    ) -> None:
        tiles = [(it, tile.result()) for it, tile in held]
        linear, shared = model.linear(*_assembled(tiles, window), code)
        samples = _cropped(model.finish(linear, shared, code), window, 1)
        tall, wide = min(window.height, height - window.top), min(window.width, width - window.left)
        pixels = (samples[:, :, :tall, :wide] + 128).round_().clamp_(0, 255).to(torch.uint8)
        pictures[:, window.top : window.top + tall, window.left : window.left + wide] = (
            pixels.permute(0, 2, 3, 1).cpu().numpy()
        )

    # TensorFloat-32 would put a GPU's pictures some levels off the CPU's
    with (
        torch.backends.cudnn.flags(enabled=True, allow_tf32=False),
        side_by_side(len(grid), code.device) as (submit, ahead),
    ):
        held: deque[tuple[Window, Future[Tile]]] = deque(maxlen=2 * line + 3 + ahead)
        drawn: deque[Future[None]] = deque()
        for position in range(len(grid) + line + 1 + ahead):
            if position < len(grid):
                index, window = grid[position]
                held.append((window, submit(decode, index)))
            ready = position - line - 1 - ahead
            if ready < 0:
                continue
            if pictures is None:
                held[0][1].result()  # what claims to be large is damaged first, before it has cost memory
                pictures = np.empty((batch, height, width, 3), np.uint8)
            drawn.append(submit(synthesise, pictures, list(held), grid[ready][1]))
            if len(drawn) > ahead:
                drawn.popleft().result()
        for it in drawn:
            it.result()
    assert pictures is not None
    return pictures


Submit: TypeAlias = Callable[..., "Future[Any]"]


@contextmanager
def side_by_side(tiles: int, device: torch.device) -> Iterator[tuple[Submit, int]]:
    """How to begin work on one of ``tiles``, and how many are worked on at once, besides the first.

    On a CPU as many as torch has threads; its operations then have one each. Where there is one, the work is
    done before its future is returned.
    """
    threads = min(torch.get_num_threads(), tiles) if device.type == "cpu" else 1
    if threads == 1:
        yield _done, 0
        return
    before = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield lambda work, *arguments: pool.submit(torch.no_grad()(work), *arguments), threads - 1
    finally:
        torch.set_num_threads(before)


def _done(work: Callable[..., Any], *arguments: Any) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(work(*arguments))
    return future


def _assembled(held: Iterable[tuple[Window, Tile]], window: Window) -> Tile:
    """Every field of the tiles over ``window`` and its margin."""
    rows, columns = window.outer(BLOCK)
    wholes: list[Tensor] = []
    for other, tile in held:
        if other == window and window.inner(BLOCK) == window.outer(BLOCK):
            return tile  # the picture has no other
        top, left = other.top // BLOCK, other.left // BLOCK
        first, last = max(top, rows.start), min(top + other.height // BLOCK, rows.stop)
        begin, end = max(left, columns.start), min(left + other.width // BLOCK, columns.stop)
        if first >= last or begin >= end:
            continue
        if not wholes:
            shape = (rows.stop - rows.start, columns.stop - columns.start)
            wholes = [
                part.new_empty(*part.shape[:2], *shape).to(memory_format=torch.channels_last) for part in tile
            ]
        for whole, part in zip(wholes, tile, strict=True):
            target = whole[:, :, first - rows.start : last - rows.start]
            target[..., begin - columns.start : end - columns.start] = part[
                :, :, first - top : last - top, begin - left : end - left
            ]
    return Tile(*wholes)


def _cropped(field: Tensor, window: Window, unit: int) -> Tensor:
    rows, columns = window.inner(unit)
    return field[:, :, rows, columns]
