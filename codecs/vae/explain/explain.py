"""Where the bits of a ``vae`` bitstream went, and what its latents draw.

Everything is measured while the decoder itself reads the bitstream, by taps that see every coded symbol.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.explanation import BitGrid, Channels, Explanation
from bench_codecs._common import latent_probes as probes
from bench_codecs.vae import container
from bench_codecs.vae.entropy import Tile, TileCoder
from bench_codecs.vae.explain.cost import COARSE_UNIT, FINE_UNIT, HYPER_UNIT, TileCost
from bench_codecs.vae.explain.parts import COARSE, FINE, Part, busiest_part, latent_grids
from bench_codecs.vae.levels import code_to_quality, quality_to_code, step_size
from bench_codecs.vae.model import VaeModel
from bench_codecs.vae.prior import level_row
from bench_codecs.vae.tables import CodingTables
from bench_codecs.vae.tiling import Window, windows
from bench_codecs.vae.transform import LOW

_COARSE_HYPER, _FINE_HYPER = "coarse hyper-latents", "fine hyper-latents"
_PROBED = ((6, 4), (6, 1))
"""For the coarse and the fine grid: number of channels with an impulse response, and with a traversal as
well."""
_STATE_BITS, _INITIAL_STATE_BITS = 32, 16


@dataclass(frozen=True)
class CodecParts:
    """The parts of a codec, as its constructor made them."""

    model: VaeModel
    tables: CodingTables
    coder: TileCoder
    identity: bytes
    """The beginning of the hash of the weights, as in the header of a bitstream."""


@torch.no_grad()
def explain(codec: CodecParts, bitstream: bytes) -> Explanation:
    """Trace every bit of a bitstream to the position and channel of its latent, and probe the synthesis.

    Raises
    ------
    bench.errors.BadBitstream
        The bitstream is damaged, or was made with other weights.
    """
    header, payloads = container.read(bitstream, codec.identity, quality_to_code(codec.model.spec.levels))
    codes = torch.tensor([header.code], device=codec.model.fine.context.norm.device)
    sums = _Sums(header, codec.model)
    state_bits = 0.0
    best: Part | None = None
    for (payload, checksum), window in zip(payloads, windows(header.height, header.width), strict=True):
        size = (window.height // HYPER_UNIT, window.width // HYPER_UNIT)
        cost = TileCost(codec.model, codec.tables, size, int(level_row(codes)[0]))
        tile = codec.coder.decode(payload, checksum, size, header.code, cost.taps())
        sums.add(cost, tile, window)
        state_bits += _unused_state_bits(payload)
        found = busiest_part(cost, tile, window)
        best = found if best is None or found.bits > best.bits else best
    assert best is not None
    grids = latent_grids(codec.model, best, header, codes)
    channels = sums.channels(step_size(code_to_quality(header.code)))
    coded = [it for it in channels if it.name in (COARSE, FINE)]
    chosen = [
        (grid, probes.strongest(it.energy * (it.bits > 0), most), few)
        for grid, it, (most, few) in zip(grids, coded, _PROBED, strict=True)
    ]
    return Explanation(
        method="exact",
        grids=sums.grids(),
        overhead={
            "container": 8.0 * (len(bitstream) - sum(len(payload) for payload, _ in payloads)),
            "rANS final state": state_bits,
        },
        channels=channels,
        impulses=tuple(it for grid, found, _ in chosen for it in probes.impulses(grid, found)),
        traversals=tuple(it for grid, found, few in chosen for it in probes.traversals(grid, found[:few])),
        notes=(
            "Bits are −log₂ p of every coded symbol by the integer tables of the rANS coder, and the raw "
            "bits of escapes.",
            "Of two neighbours on the checkerboard the second is cheaper: it is coded given the first.",
            f"The first {LOW} fine channels are the inverse transform of the coarse ones and are not coded.",
            "Impulses and traversals change the decoded latents and leave the entropy model's side "
            "information to the synthesis as it is.",
        ),
    )


def _unused_state_bits(payload: bytes) -> float:
    """Bits of the final state, 4 bytes, beyond the information in it."""
    words = np.frombuffer(payload, "<u2", 2)
    held = np.log2((int(words[0]) << 16) | int(words[1])) - _INITIAL_STATE_BITS
    return float(_STATE_BITS - held)


class _Sums:
    """The bits and the energy of an image, assembled from those of its tiles."""

    def __init__(self, header: container.Header, model: VaeModel) -> None:
        sides = [-(-side // HYPER_UNIT) * HYPER_UNIT for side in (header.height, header.width)]
        self._units = {
            _COARSE_HYPER: HYPER_UNIT,
            COARSE: COARSE_UNIT,
            _FINE_HYPER: HYPER_UNIT,
            FINE: FINE_UNIT,
        }
        self._maps = {name: np.zeros([side // unit for side in sides]) for name, unit in self._units.items()}
        self._bits: dict[str, NDArray[np.float64]] = {}
        self._squares: dict[str, NDArray[np.float64]] = {}
        self._model = model

    def add(self, cost: TileCost, tile: Tile, window: Window) -> None:
        """Add one tile."""
        coarse = self._model.coarse_transform(tile.decoded)
        fields = {
            _COARSE_HYPER: (cost.hyper[0], cost.hyper_channels[0], cost.hyper_squares[0]),
            COARSE: (cost.latents[0], cost.latent_channels[0], _squares(coarse)),
            _FINE_HYPER: (cost.hyper[1], cost.hyper_channels[1], cost.hyper_squares[1]),
            FINE: (cost.latents[1], cost.latent_channels[1], _squares(tile.decoded)),
        }
        for name, (bits, by_channel, squares) in fields.items():
            top, left = window.top // self._units[name], window.left // self._units[name]
            self._maps[name][top : top + bits.shape[0], left : left + bits.shape[1]] = bits
            self._bits[name] = self._bits.get(name, 0.0) + by_channel
            self._squares[name] = self._squares.get(name, 0.0) + squares

    def grids(self) -> tuple[BitGrid, ...]:
        """The maps of the whole image."""
        return tuple(BitGrid(name, bits, (self._units[name],) * 2) for name, bits in self._maps.items())

    def channels(self, step: float) -> tuple[Channels, ...]:
        """Bits and energy of every channel; ``step`` is the quantisation step in 8-bit levels."""
        tables = []
        for name, bits in self._bits.items():
            energy = self._squares[name] / self._maps[name].size
            hyper = name in (_COARSE_HYPER, _FINE_HYPER)
            unit = "integers²" if hyper else "levels²"
            tables.append(Channels(name, bits, energy if hyper else energy * step**2, unit))
        return tuple(tables)


def _squares(field: Tensor) -> NDArray[np.float64]:
    squares: NDArray[np.float64] = field[0].double().square().sum((1, 2)).cpu().numpy()
    return squares
