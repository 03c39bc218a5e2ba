"""Impulse responses and traversals of the latents of any learned codec."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.explanation import Impulse, Traversal

Field = NDArray[np.float32]

CROP = 192
"""Side in pixels of the part of an image that is decoded repeatedly."""
_FACTORS = (0.0, 0.5, 1.0, 1.5, 2.0)
_WINDOW = 64
"""Side in pixels of an impulse response."""


@dataclass(frozen=True)
class LatentGrid:
    """The latents of one grid behind a crop of the image, and a function that decodes changes of them."""

    name: str
    values: Field
    """The latents that the crop covers, (channels, rows, columns), in quantisation steps."""
    middle: tuple[int, int]
    """Row and column of the latent in the middle of the crop without its padding."""
    render: Callable[[int, Field], NDArray[np.float32]]
    """From a channel and a change of it, (rows, columns), to the crop decoded with that change, (height,
    width, 3), in 8-bit levels, neither rounded nor clipped."""


def strongest(energy: NDArray[np.float64], count: int) -> list[int]:
    """At most ``count`` channels with the largest energy above 0, strongest first."""
    return [int(it) for it in np.argsort(-energy, kind="stable")[:count] if energy[it] > 0]


def impulses(grid: LatentGrid, channels: Sequence[int]) -> list[Impulse]:
    """The response of each channel to one more step of the latent in the middle of the crop."""
    nothing = np.zeros(grid.values.shape[1:], np.float32)
    without = grid.render(0, nothing)
    window = tuple(_window(side) for side in without.shape[:2])
    found = []
    for channel in channels:
        change = nothing.copy()
        change[grid.middle] = 1
        response = grid.render(channel, change) - without
        found.append(Impulse(grid.name, channel, np.ascontiguousarray(response[window])))
    return found


def traversals(grid: LatentGrid, channels: Sequence[int]) -> list[Traversal]:
    """The crop with all latents of a channel multiplied by 0 to 2, for each channel."""
    return [
        Traversal(
            grid.name,
            channel,
            _FACTORS,
            np.stack(
                [as_pixels(grid.render(channel, (factor - 1) * grid.values[channel])) for factor in _FACTORS]
            ),
        )
        for channel in channels
    ]


def as_pixels(levels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Levels rounded and clipped to 8 bits."""
    pixels: NDArray[np.uint8] = levels.round().clip(0, 255).astype(np.uint8)
    return pixels


def busiest(bits: NDArray[np.float64], side: int) -> tuple[int, int]:
    """First row and column of the ``side`` × ``side`` cells, or fewer, with the most bits."""
    rows, columns = (min(side, it) for it in bits.shape)
    sums = np.lib.stride_tricks.sliding_window_view(bits, (rows, columns)).sum((2, 3))
    row, column = np.unravel_index(int(sums.argmax()), sums.shape)
    return int(row), int(column)


def _window(side: int) -> slice:
    start = max(0, (side - _WINDOW) // 2)
    return slice(start, start + _WINDOW)
