"""The part of an image that takes the most bits, and decoding it with changed latents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench_codecs._common import latent_probes as probes
from bench_codecs.vae import container
from bench_codecs.vae.entropy import Tile
from bench_codecs.vae.explain.cost import COARSE_UNIT, FINE_UNIT, HYPER_UNIT, TileCost
from bench_codecs.vae.model import VaeModel
from bench_codecs.vae.tiling import Window
from bench_codecs.vae.transform import LOW

COARSE, FINE = "coarse latents", "fine latents"


@dataclass(frozen=True)
class Part:
    """The part of a tile that takes the most bits, in cells of hyper-latents."""

    bits: float
    row: int
    column: int
    rows: int
    columns: int
    tile: Tile
    window: Window

    def around(self, unit: int) -> tuple[slice, slice]:
        """Rows and columns at 1/unit of the resolution, with a margin of one cell where there is one."""
        return (
            slice(max(0, self.row - 1) * HYPER_UNIT // unit, (self.row + self.rows + 1) * HYPER_UNIT // unit),
            slice(
                max(0, self.column - 1) * HYPER_UNIT // unit,
                (self.column + self.columns + 1) * HYPER_UNIT // unit,
            ),
        )

    def within(self, unit: int) -> tuple[slice, slice]:
        """Rows and columns of the part itself inside :meth:`around`."""
        top, left = min(1, self.row) * HYPER_UNIT, min(1, self.column) * HYPER_UNIT
        return (
            slice(top // unit, (top + self.rows * HYPER_UNIT) // unit),
            slice(left // unit, (left + self.columns * HYPER_UNIT) // unit),
        )


def busiest_part(cost: TileCost, tile: Tile, window: Window) -> Part:
    """The part of a tile that takes the most bits."""
    total = cost.hyper[0] + cost.hyper[1]
    for field in cost.latents:
        ratio = field.shape[0] // total.shape[0]
        total = total + field.reshape(total.shape[0], ratio, total.shape[1], ratio).sum((1, 3))
    side = probes.CROP // HYPER_UNIT
    row, column = probes.busiest(total, side)
    rows, columns = (min(side, it) for it in total.shape)
    bits = float(total[row : row + rows, column : column + columns].sum())
    return Part(bits, row, column, rows, columns, tile, window)


def latent_grids(
    model: VaeModel, part: Part, header: container.Header, codes: Tensor
) -> list[probes.LatentGrid]:
    """The coarse and the fine latents behind a part, each of which can decode it with a change."""
    decoded, log_scales, features = (field[:, :, *part.around(FINE_UNIT)] for field in part.tile)
    coarse = model.coarse_transform(decoded)
    rows, columns = part.within(1)
    # The last cells may extend over the edges of the image.
    tall = min(rows.stop - rows.start, header.height - part.window.top - part.row * HYPER_UNIT)
    wide = min(columns.stop - columns.start, header.width - part.window.left - part.column * HYPER_UNIT)

    def render(latents: Tensor) -> NDArray[np.float32]:
        samples = model.synthesise(latents, log_scales, features, codes)[0, :, rows, columns]
        levels: NDArray[np.float32] = (samples[:, :tall, :wide].float() + 128).permute(1, 2, 0).cpu().numpy()
        if header.grey:
            levels[:] = levels.mean(2, keepdims=True)
        return levels

    def change_coarse(channel: int, change: probes.Field) -> NDArray[np.float32]:
        field = torch.zeros_like(coarse, dtype=torch.float64)
        field[:, channel, *part.within(COARSE_UNIT)] = torch.from_numpy(change).to(field)
        latents = decoded.clone()
        latents[:, :LOW] += model.coarse_transform.inverse(field).to(latents)
        return render(latents)

    def change_fine(channel: int, change: probes.Field) -> NDArray[np.float32]:
        latents = decoded.clone()
        latents[:, channel, *part.within(FINE_UNIT)] += torch.from_numpy(change).to(latents)
        return render(latents)

    def values(field: Tensor, unit: int) -> probes.Field:
        inside: probes.Field = field[0, :, *part.within(unit)].float().cpu().numpy()
        return inside

    def middle(unit: int) -> tuple[int, int]:
        return tall // 2 // unit, wide // 2 // unit

    return [
        probes.LatentGrid(COARSE, values(coarse, COARSE_UNIT), middle(COARSE_UNIT), change_coarse),
        probes.LatentGrid(FINE, values(decoded, FINE_UNIT), middle(FINE_UNIT), change_fine),
    ]
