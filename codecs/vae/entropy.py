"""Entropy coding of one tile: the walk of the context model with real symbols in place of estimates."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.errors import BadBitstream

from . import rans
from .prior import level_row
from .rate import LOG_SCALE_MIN, LOG_SCALE_STEPS, SCALES
from .tables import CodingTables

if TYPE_CHECKING:
    from .model import GridModel, VaeModel

Symbols = NDArray[np.int32]
LatentTap = Callable[[int, NDArray[np.int64], Symbols], None]
"""Sees (slice index over both grids, scale indices, symbols) of coded latents; for calibration."""
HyperTap = Callable[[int, Symbols], None]
"""Sees (first channel over both grids, symbols by channel) of coded hyper-latents."""
Taps = tuple[LatentTap, HyperTap]


class Tile(NamedTuple):
    """What entropy decoding recovers of one tile."""

    decoded: Tensor
    """Fine latents in steps, (1, 128, h, w), float32."""
    log_scales: Tensor
    """(1, 122, h, w), float32."""
    features: Tensor
    """(1, 64, h, w), float32."""


class _Source:
    """Supplies symbols: quantised latents when encoding, the payload when decoding."""

    def hyper(self, rows: Symbols, latents: NDArray[np.float64] | None) -> Symbols:
        raise NotImplementedError

    def latents(self, rows: Symbols, residuals: NDArray[np.float64] | None) -> Symbols:
        raise NotImplementedError


class _Writer(_Source):
    def __init__(self, tables: CodingTables, strength: float) -> None:
        self._tables = tables.frequencies
        self._strength = strength
        self.values: list[Symbols] = []
        self.rows: list[Symbols] = []

    def hyper(self, rows: Symbols, latents: NDArray[np.float64] | None) -> Symbols:
        assert latents is not None
        return self._keep(np.round(latents).astype(np.int32), rows)

    def latents(self, rows: Symbols, residuals: NDArray[np.float64] | None) -> Symbols:
        assert residuals is not None
        return self._keep(rans.quantise_to_tables(residuals, rows, self._strength, self._tables), rows)

    def _keep(self, values: Symbols, rows: Symbols) -> Symbols:
        self.values.append(values)
        self.rows.append(rows)
        return values


class _Reader(_Source):
    def __init__(self, decoder: rans.Decoder) -> None:
        self._decoder = decoder
        self.values: list[Symbols] = []

    def hyper(self, rows: Symbols, latents: NDArray[np.float64] | None) -> Symbols:
        return self.latents(rows, latents)

    def latents(self, rows: Symbols, residuals: NDArray[np.float64] | None) -> Symbols:
        values = self._decoder.read(rows)
        self.values.append(values)
        return values


class _SymbolCoder:
    """A :class:`~.rate.SliceCoder` that turns scales into table rows and moves real symbols."""

    def __init__(
        self, source: _Source, starts: dict[int, int], rows: NDArray[np.int32], latents: Tensor | None
    ) -> None:
        self._source = source
        self._starts = starts
        self._rows = rows
        self._latents = latents
        self.tap: LatentTap | None = None

    def __call__(self, start: int, mask: Tensor, mean: Tensor, log_scale: Tensor) -> Tensor:
        """Code the masked positions; the scale index is exact because its inputs are on the grid."""
        index = torch.floor((log_scale - LOG_SCALE_MIN) * LOG_SCALE_STEPS + 0.5).clamp_(0, SCALES - 1)
        places = torch.nonzero(mask.flatten())[:, 0]

        def pick(field: Tensor) -> Tensor:
            flat = field.flatten(2)[0]
            return flat if len(places) == flat.shape[1] else flat[:, places]

        scale = pick(index).to(torch.int64).cpu().numpy().ravel()
        rows = self._rows[self._starts[start]][scale]
        # the narrowest scale has practically no mass away from 0: its symbols are not coded at all
        live = np.flatnonzero(scale)
        residuals = None
        means = pick(mean)
        if self._latents is not None:
            wanted = pick(self._latents[:, start : start + mean.shape[1]])
            residuals = (wanted - means).cpu().numpy().ravel()[live]
        symbols = np.zeros(len(scale), np.int32)
        symbols[live] = self._source.latents(rows[live], residuals)
        if self.tap is not None:
            self.tap(self._starts[start], scale, symbols)
        values = torch.zeros(mean.shape[1], mask.numel(), dtype=mean.dtype, device=mean.device)
        values[:, places] = means + torch.from_numpy(symbols).to(mean).reshape(means.shape)
        return values.reshape(mean.shape)


class TileCoder:
    """Encodes and decodes the latents of tiles with a model in fixed-point form."""

    def __init__(self, model: VaeModel, tables: CodingTables) -> None:
        self._model = model
        self._tables = tables

    def encode(
        self, latents: tuple[Tensor, Tensor], code: int, strength: float, taps: Taps | None = None
    ) -> tuple[bytes, int]:
        """Payload and CRC-32 of the symbols of (coarse, fine) latents in steps, batch of 1."""
        writer = _Writer(self._tables, strength)
        self._walk(writer, latents, (0, 0), code, taps)
        values = np.concatenate(writer.values)
        payload = rans.encode(values, np.concatenate(writer.rows), self._tables.frequencies)
        return payload, zlib.crc32(values.astype("<i4").tobytes())

    def decode(
        self, payload: bytes, checksum: int, size: tuple[int, int], code: int, taps: Taps | None = None
    ) -> Tile:
        """The tile behind a payload; ``size``: hyper-latent rows and columns.

        Raises
        ------
        bench.errors.BadBitstream
            The payload is damaged, or its symbols do not have this CRC-32.
        """
        decoder = rans.Decoder(payload, self._tables.frequencies)
        reader = _Reader(decoder)
        tile = self._walk(reader, None, size, code, taps)
        decoder.finish()
        if zlib.crc32(np.concatenate(reader.values).astype("<i4").tobytes()) != checksum:
            raise BadBitstream("vae: the symbols do not match their checksum: the bitstream is damaged")
        return tile

    @torch.no_grad()
    def _walk(
        self,
        source: _Source,
        latents: tuple[Tensor, Tensor] | None,
        size: tuple[int, int],
        code: int,
        taps: Taps | None,
    ) -> Tile:
        model = self._model
        codes = torch.tensor([code], device=model.fine.context.norm.device)
        given = None
        first_slice, first_hyper = 0, 0
        for position, grid in enumerate((model.coarse, model.fine)):
            wanted = latents[position] if latents is not None else None
            hyper = self._hyper(grid, source, wanted, size, codes, first_hyper)
            if taps is not None:
                taps[1](first_hyper, hyper[0].flatten(1).cpu().numpy().astype(np.int32))
            features = grid.context.features(hyper)
            starts = {part.start: first_slice + i for i, part in enumerate(grid.context.parts())}
            exact = wanted.double() if wanted is not None else None
            coder = _SymbolCoder(source, starts, self._tables.slice_rows, exact)
            coder.tap = taps[0] if taps else None
            decoded, log_scales = grid.context.walk(features, codes, coder, given)
            if position == 0:
                given = model.coarse_transform.inverse(decoded)
            first_slice += len(starts)
            first_hyper += grid.context.spec.hyper_channels
        return Tile(decoded.float(), log_scales.float(), features.float())

    def _hyper(
        self,
        grid: GridModel,
        source: _Source,
        latents: Tensor | None,
        size: tuple[int, int],
        codes: Tensor,
        first: int,
    ) -> Tensor:
        channels = grid.context.spec.hyper_channels
        wanted = None
        if latents is not None:
            hyper = grid.analysis(grid.context.normalise(latents, codes).float())
            size = (hyper.shape[2], hyper.shape[3])
            wanted = hyper.double().flatten().cpu().numpy()
        level = int(level_row(codes)[0])
        rows = np.repeat(self._tables.hyper_rows[level, first : first + channels], size[0] * size[1])
        symbols = source.hyper(rows, wanted)
        return torch.from_numpy(symbols).to(codes.device).double().reshape(1, channels, *size)
