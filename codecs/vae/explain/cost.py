"""The bits of each symbol of a tile, according to the integer tables that coded it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench_codecs.vae.rans import PRECISION, FrequencyTables
from bench_codecs.vae.tables import CodingTables

if TYPE_CHECKING:
    from bench_codecs.vae.context import SliceModel
    from bench_codecs.vae.entropy import Taps
    from bench_codecs.vae.model import VaeModel

COARSE_UNIT, FINE_UNIT, HYPER_UNIT = 16, 8, 64
"""Side in pixels of a coarse latent, of a fine one, and of a hyper-latent."""


def symbol_bits(
    values: NDArray[np.int32], rows: NDArray[np.int32], tables: FrequencyTables
) -> NDArray[np.float64]:
    """−log₂ p of integers under their rows of the tables, plus the raw bits of those that escape.

    Parameters
    ----------
    values, rows : both of shape (n,)
    tables : frequencies

    Returns
    -------
    Bits, of shape (n,).
    """
    index = values.astype(np.int64) - tables.low[rows]
    escape = tables.size[rows].astype(np.int64) - 1
    escaped = (index < 0) | (index >= escape)
    at = tables.start[rows] + np.where(escaped, escape, index)
    bits: NDArray[np.float64] = PRECISION - np.log2(tables.cumulative[at + 1] - tables.cumulative[at])
    amount = np.where(index < 0, -index, index - escape + 1)[escaped]
    # An Elias-gamma code and a sign. This is exact, since the exponent of a float64 is the index of its
    # leading bit.
    bits[escaped] += 2.0 * (np.frexp(amount)[1] - 1) + 2
    return bits


class TileCost:
    """The bits of one tile by position and by channel, which its :meth:`taps` add up during decoding.

    Parameters
    ----------
    model, tables : what decodes the tile
    size : rows and columns of hyper-latents
    level : row of the tables of hyper-latents
    """

    def __init__(self, model: VaeModel, tables: CodingTables, size: tuple[int, int], level: int) -> None:
        self._tables = tables
        self._level = level
        grids = (model.coarse.context, model.fine.context)
        self._parts: list[tuple[int, SliceModel]] = [
            (place, part) for place, context in enumerate(grids) for part in context.parts()
        ]
        self._turns = [0] * len(self._parts)
        self._firsts = (0, grids[0].spec.hyper_channels)
        units = (COARSE_UNIT, FINE_UNIT)
        self._shapes = [tuple(side * HYPER_UNIT // unit for side in size) for unit in units]
        self.latents = [np.zeros(shape) for shape in self._shapes]
        """Bits by position on the coarse and on the fine grid, each of shape (rows, columns)."""
        self.latent_channels = [np.zeros(context.spec.channels) for context in grids]
        self.hyper = [np.zeros(size) for _ in grids]
        self.hyper_channels = [np.zeros(context.spec.hyper_channels) for context in grids]
        self.hyper_squares = [np.zeros(context.spec.hyper_channels) for context in grids]
        """Sums of squares of the hyper-latents of each channel."""

    def taps(self) -> Taps:
        """The functions to pass to :class:`~.entropy.TileCoder`."""
        return self._see_latents, self._see_hyper

    def _see_latents(self, index: int, scale: NDArray[np.int64], symbols: NDArray[np.int32]) -> None:
        place, part = self._parts[index]
        rows, columns = self._shapes[place]
        everywhere = np.arange(rows * columns)
        if part.passes == 2:
            odd = (everywhere // columns + everywhere % columns) % 2
            everywhere = everywhere[odd == self._turns[index]]
        self._turns[index] += 1
        bits = symbol_bits(symbols, self._tables.slice_rows[index][scale], self._tables.frequencies)
        bits[scale == 0] = 0.0  # the narrowest scale is not coded at all
        by_channel = bits.reshape(part.size, len(everywhere))
        self.latent_channels[place][part.start : part.start + part.size] += by_channel.sum(1)
        self.latents[place].ravel()[everywhere] += by_channel.sum(0)

    def _see_hyper(self, first: int, symbols: NDArray[np.int32]) -> None:
        place = self._firsts.index(first)
        rows = self._tables.hyper_rows[self._level, first : first + len(symbols)]
        bits = symbol_bits(
            symbols.ravel(), np.repeat(rows, symbols.shape[1]), self._tables.frequencies
        ).reshape(symbols.shape)
        self.hyper_channels[place] += bits.sum(1)
        self.hyper[place] += bits.sum(0).reshape(self.hyper[place].shape)
        self.hyper_squares[place] += np.square(symbols.astype(np.float64)).sum(1)
