"""Entropy coding of a tile: the walk of the context model with real symbols in place of estimates.

Tiles of one size and quality can be walked as a batch, each with a payload of its own. As the networks of
the walk are exact, a batch gives the payloads and symbols of its tiles one by one.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.errors import BadBitstream
from bench_codecs.vae import rans
from bench_codecs.vae.fixed import ACTIVATION_SCALE
from bench_codecs.vae.int16 import OutOfRange
from bench_codecs.vae.integer import by_channel, residuals_of
from bench_codecs.vae.prior import level_row
from bench_codecs.vae.rate import LOG_SCALE_MIN, LOG_SCALE_STEPS, SCALES
from bench_codecs.vae.tables import CodingTables

if TYPE_CHECKING:
    from bench_codecs.vae.integer import IntegerNetworks
    from bench_codecs.vae.model import GridModel, VaeModel

Symbols = NDArray[np.int32]
LatentTap = Callable[[int, NDArray[np.int64], Symbols], None]
"""Sees (slice index over both grids, scale indices, symbols) of coded latents; for calibration."""
HyperTap = Callable[[int, Symbols], None]
"""Sees (first channel over both grids, symbols by channel) of coded hyper-latents."""
Taps = tuple[LatentTap, HyperTap]


class Tile(NamedTuple):
    """What entropy decoding recovers of one tile, or of a batch of them."""

    decoded: Tensor
    """Fine latents in steps, (batch, 128, h, w), float32."""
    log_scales: Tensor
    """(batch, 122, h, w), float16: the synthesis alone sees them."""
    features: Tensor
    """(batch, 64, h, w), float16."""


class _Source:
    """Supplies symbols: quantised latents when encoding, the payload when decoding."""

    def hyper(self, rows: Symbols, latents: NDArray[np.float64] | None) -> Symbols:
        raise NotImplementedError

    def latents(self, rows: Symbols, residuals: NDArray[np.float64] | None) -> Symbols:
        raise NotImplementedError


S = TypeVar("S", bound=_Source)


class _Writer(_Source):
    def __init__(self, tables: CodingTables, costs: NDArray[np.float64], strength: float) -> None:
        self._tables = tables.frequencies
        self._costs = costs
        self._strength = strength
        self.values: list[Symbols] = []
        self.rows: list[Symbols] = []

    def hyper(self, rows: Symbols, latents: NDArray[np.float64] | None) -> Symbols:
        assert latents is not None
        return self._keep(np.round(latents).astype(np.int32), rows)

    def latents(self, rows: Symbols, residuals: NDArray[np.float64] | None) -> Symbols:
        assert residuals is not None
        return self._keep(
            rans.quantise_to_tables(residuals, rows, self._strength, self._tables, self._costs), rows
        )

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

    def finish(self, checksum: int) -> None:
        self._decoder.finish()
        if zlib.crc32(np.concatenate(self.values).astype("<i4").tobytes()) != checksum:
            raise BadBitstream("vae: the symbols do not match their checksum: the bitstream is damaged")


class _SymbolCoder:
    """A :class:`~.rate.SliceCoder` that turns scales into table rows and moves real symbols.

    ``sources``: one for each tile of the batch. ``latents``: (batch, channels, h, w), when encoding.
    """

    def __init__(
        self,
        sources: Sequence[_Source],
        starts: dict[int, int],
        rows: NDArray[np.int32],
        latents: Tensor | None,
    ) -> None:
        self._sources = sources
        self._starts = starts
        self._rows = rows
        self._latents = latents
        self.tap: LatentTap | None = None

    def __call__(self, start: int, mask: Tensor, mean: Tensor, log_scale: Tensor) -> Tensor:
        """Code the masked positions; the scale index is exact because its inputs are on the grid."""
        index = torch.floor((log_scale - LOG_SCALE_MIN) * LOG_SCALE_STEPS + 0.5).clamp_(0, SCALES - 1)
        places = torch.nonzero(mask.flatten())[:, 0]

        def pick(field: Tensor) -> Tensor:
            flat = field.flatten(2)
            return flat if len(places) == flat.shape[2] else flat[:, :, places]

        scales = pick(index).to(torch.int64).cpu().numpy().reshape(len(self._sources), -1)
        residuals = None
        means = pick(mean)
        if self._latents is not None:
            latents = pick(self._latents[:, start : start + mean.shape[1]])
            residuals = (latents - means).cpu().numpy().reshape(scales.shape)
        symbols = np.zeros(scales.shape, np.int32)
        for number, (source, scale) in enumerate(zip(self._sources, scales, strict=True)):
            wanted = None if residuals is None else residuals[number]
            _move(source, self._rows[self._starts[start]], scale, wanted, symbols[number])
            if self.tap is not None:
                self.tap(self._starts[start], scale, symbols[number])
        values = torch.zeros(len(scales), mean.shape[1], mask.numel(), dtype=mean.dtype, device=mean.device)
        values[:, :, places] = means + torch.from_numpy(symbols).to(mean).reshape(means.shape)
        return values.reshape(mean.shape)


class _IntegerCoder:
    """The same for the integers of one tile, whose ``latents`` are (h, w, channels); see :mod:`~.integer`."""

    def __init__(
        self,
        source: _Source,
        starts: dict[int, int],
        rows: NDArray[np.int32],
        latents: NDArray[np.float64] | None,
    ) -> None:
        self._source = source
        self._starts = starts
        self._rows = rows
        self._latents = latents

    def __call__(
        self, start: int, turn: int, two: bool, means: NDArray[np.int32], scales: NDArray[np.uint8]
    ) -> Symbols:
        residuals = None
        if self._latents is not None:
            residuals = residuals_of(self._latents, start, means, turn, two).ravel()
        symbols = np.zeros(means.shape, np.int32)
        _move(self._source, self._rows[self._starts[start]], scales.ravel(), residuals, symbols.ravel())
        return symbols


def _move(
    source: _Source,
    rows: NDArray[np.int32],
    scales: NDArray[Any],
    residuals: NDArray[np.float64] | None,
    symbols: Symbols,
) -> None:
    """Fill ``symbols``; all arguments but the row of each scale are of shape (n,)."""
    # the narrowest scale has practically no mass away from 0: its symbols are not coded at all
    live = np.flatnonzero(scales)
    symbols[live] = source.latents(rows[scales[live]], None if residuals is None else residuals[live])


class TileCoder:
    """Encodes and decodes the latents of tiles with a model in fixed-point form."""

    def __init__(self, model: VaeModel, tables: CodingTables) -> None:
        self._model = model
        self._tables = tables
        self._costs = rans.bit_costs(tables.frequencies)

    def encode(
        self, latents: tuple[Tensor, Tensor], code: int, strength: float, taps: Taps | None = None
    ) -> tuple[bytes, int]:
        """Payload and CRC-32 of the symbols of (coarse, fine) latents in steps, batch of 1."""
        return self.encode_batch(latents, code, strength, taps)[0]

    def encode_batch(
        self, latents: tuple[Tensor, Tensor], code: int, strength: float, taps: Taps | None = None
    ) -> list[tuple[bytes, int]]:
        """Payload and CRC-32 of the symbols of each tile of a batch of (coarse, fine) latents in steps."""
        makers = [lambda: _Writer(self._tables, self._costs, strength)] * len(latents[0])
        writers, _ = self._walked(makers, latents, (0, 0), code, taps)
        return [self._written(it) for it in writers]

    def decode(
        self, payload: bytes, checksum: int, size: tuple[int, int], code: int, taps: Taps | None = None
    ) -> Tile:
        """The tile behind a payload; ``size``: hyper-latent rows and columns.

        Raises
        ------
        bench.errors.BadBitstream
            The payload is damaged, or its symbols do not have this CRC-32.
        """
        return self.decode_batch([(payload, checksum)], size, code, taps)

    def decode_batch(
        self,
        payloads: Sequence[tuple[bytes, int]],
        size: tuple[int, int],
        code: int,
        taps: Taps | None = None,
    ) -> Tile:
        """The batch of tiles behind payloads, each with the CRC-32 of its symbols; see :meth:`decode`."""
        makers = [partial(self._reader, payload) for payload, _ in payloads]
        readers, tile = self._walked(makers, None, size, code, taps)
        for reader, (_, checksum) in zip(readers, payloads, strict=True):
            reader.finish(checksum)
        return tile

    def _written(self, writer: _Writer) -> tuple[bytes, int]:
        values = np.concatenate(writer.values)
        payload = rans.encode(values, np.concatenate(writer.rows), self._tables.frequencies)
        return payload, zlib.crc32(values.astype("<i4").tobytes())

    def _reader(self, payload: bytes) -> _Reader:
        return _Reader(rans.Decoder(payload, self._tables.frequencies))

    @torch.no_grad()
    def _walked(
        self,
        makers: Sequence[Callable[[], S]],
        latents: tuple[Tensor, Tensor] | None,
        size: tuple[int, int],
        code: int,
        taps: Taps | None,
    ) -> tuple[list[S], Tile]:
        """The tiles and the sources made for them; in integers one by one, where these are wide enough."""
        networks = self._model.integer
        if networks is None or taps is not None:
            sources = [make() for make in makers]
            return sources, self._walk(sources, latents, size, code, taps)
        sources, tiles = [], []
        for number, make in enumerate(makers):
            one = (latents[0][number, None], latents[1][number, None]) if latents is not None else None
            source = make()
            try:
                tile = self._integer_walk(networks, source, one, size, code)
            except OutOfRange:
                source = make()
                tile = self._walk([source], one, size, code, None)
            sources.append(source)
            tiles.append(tile)
        return sources, Tile(*map(torch.cat, zip(*tiles, strict=True))) if len(tiles) > 1 else tiles[0]

    def _integer_walk(
        self,
        networks: IntegerNetworks,
        source: _Source,
        latents: tuple[Tensor, Tensor] | None,
        size: tuple[int, int],
        code: int,
    ) -> Tile:
        model = self._model
        level = int(level_row(torch.tensor(code)))
        given = None
        first_slice, first_hyper = 0, 0
        for position, grid in enumerate((model.coarse, model.fine)):
            wanted = None
            channels = grid.context.spec.hyper_channels
            exact = None
            if latents is not None:
                exact = by_channel(latents[position])
                wanted = networks.hyper(position, exact, code)
                size = (wanted.shape[1], wanted.shape[2])
            rows = np.repeat(
                self._tables.hyper_rows[level, first_hyper : first_hyper + channels], size[0] * size[1]
            )
            hyper = source.hyper(rows, None if wanted is None else wanted.ravel())
            context = networks.contexts[position]
            mixed = context.features(hyper.reshape(channels, *size))
            starts = {part.start: first_slice + i for i, part in enumerate(grid.context.parts())}
            coder = _IntegerCoder(source, starts, self._tables.slice_rows, exact)
            decoded, log_scales = context.walk(mixed, code, coder, given)
            if position == 0:
                given = model.coarse_transform.inverse(_tensor(decoded).double())
            first_slice += len(starts)
            first_hyper += channels
        features = mixed.values[..., : model.fine.context.spec.features] / np.float32(ACTIVATION_SCALE)
        return Tile(_tensor(decoded), _tensor(log_scales).half(), _tensor(features).half())

    @torch.no_grad()
    def _walk(
        self,
        sources: Sequence[_Source],
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
            hyper = self._hyper(grid, sources, wanted, size, codes, first_hyper)
            if taps is not None:
                for one in hyper:
                    taps[1](first_hyper, one.flatten(1).cpu().numpy().astype(np.int32))
            features = grid.context.features(hyper)
            starts = {part.start: first_slice + i for i, part in enumerate(grid.context.parts())}
            exact = wanted.double() if wanted is not None else None
            coder = _SymbolCoder(sources, starts, self._tables.slice_rows, exact)
            coder.tap = taps[0] if taps else None
            decoded, log_scales = grid.context.walk(features, codes, coder, given)
            if position == 0:
                given = model.coarse_transform.inverse(decoded)
            first_slice += len(starts)
            first_hyper += grid.context.spec.hyper_channels
        return Tile(decoded.float(), log_scales.half(), features.half())

    def _hyper(
        self,
        grid: GridModel,
        sources: Sequence[_Source],
        latents: Tensor | None,
        size: tuple[int, int],
        codes: Tensor,
        first: int,
    ) -> Tensor:
        channels = grid.context.spec.hyper_channels
        wanted: Sequence[NDArray[np.float64] | None] = [None] * len(sources)
        if latents is not None:
            hyper = grid.analysis(grid.context.normalise(latents, codes))
            size = (hyper.shape[2], hyper.shape[3])
            wanted = hyper.double().flatten(1).cpu().numpy()
        level = int(level_row(codes)[0])
        rows = np.repeat(self._tables.hyper_rows[level, first : first + channels], size[0] * size[1])
        symbols = np.stack([it.hyper(rows, one) for it, one in zip(sources, wanted, strict=True)])
        return torch.from_numpy(symbols).to(codes.device).double().reshape(-1, channels, *size)


def _tensor(field: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(field)[None].permute(0, 3, 1, 2)
