"""Where the bits of CompressAI's models went, according to their likelihoods, and what their latents draw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.codec import Image
from bench.explanation import BitGrid, Channels, Explanation
from bench_codecs._common import latent_probes as probes
from bench_codecs._compressai.models import PATCH, Coder

_NAMES = {"y": "latents", "z": "hyper-latents"}
_LOWEST_STATE = 31
"""Bits of the state that CompressAI's rANS starts with."""
_MARGIN = 4
"""Latents around the part that is decoded again; the synthesis hardly depends on those beyond."""
_IMPULSES, _TRAVERSALS = 12, 5
"""Number of channels with an impulse response, and with a traversal."""
_NOTE = (
    "Bits are −log₂ of the likelihoods of a forward pass; the strings come from tables of 16 bits, "
    "and each ends on a whole word."
)


@torch.no_grad()
def explain(coder: Coder, image: Image, x: Tensor, strings: Sequence[bytes], size: int) -> Explanation:
    """The likelihoods of a forward pass over an image, and probes of the synthesis.

    Models with an autoregressive context round the latents themselves in a forward pass, but their
    differences from the mean when they code. A few symbols therefore differ.

    Parameters
    ----------
    coder : a model of the zoo at an operating point
    image : uint8, shape (height, width, 3)
    x : the same, padded, as the model gets it
    strings : the entropy-coded strings of the bitstream
    size : bytes of the bitstream
    """
    from compressai.ops import compute_padding

    height, width = image.shape[:2]
    padding, _ = compute_padding(height, width, min_div=PATCH)
    origin = (-padding[2], -padding[0])
    likelihoods, latents = _forward(coder, x)
    energy = {"y": latents[0].double().square().mean((1, 2)).cpu().numpy()}
    grids, channels = [], []
    for name, likelihood in likelihoods.items():
        bits = -torch.log2(likelihood[0]).double().cpu().numpy()
        unit = x.shape[2] // bits.shape[1]
        grids.append(BitGrid(_NAMES[name], bits.sum(0), (unit, unit), origin))
        if name in energy:
            channels.append(Channels(_NAMES[name], bits.sum((1, 2)), energy[name], "steps²"))
    part = _busiest_part(coder.network, latents, grids[0], (height, width))
    strongest = probes.strongest(channels[0].energy, _IMPULSES)
    return Explanation(
        method="likelihood",
        grids=tuple(grids),
        overhead={
            "container": 8.0 * (size - sum(map(len, strings))),
            "rANS final states": sum(map(_state_bits, strings)),
        },
        channels=tuple(channels),
        impulses=tuple(probes.impulses(part, strongest)),
        traversals=tuple(probes.traversals(part, strongest[:_TRAVERSALS])),
        notes=(_NOTE,),
    )


@torch.no_grad()
def _forward(coder: Coder, x: Tensor) -> tuple[dict[str, Tensor], Tensor]:
    """The likelihoods by kind of latent in a forward pass, and the input of the synthesis."""
    kept: list[Tensor] = []
    hook = coder.network.g_s.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0]))
    try:
        likelihoods = coder.forward(x)
    finally:
        hook.remove()
    (latents,) = kept
    return likelihoods, latents


def _state_bits(string: bytes) -> float:
    """Bits of a string that code no symbol: its final state of 64 bits, minus the information in it."""
    state = int.from_bytes(string[:8], "little")
    return min(8.0 * len(string), 64 - (math.log2(state) - _LOWEST_STATE)) if state else 0.0


def _busiest_part(network: Any, latents: Tensor, grid: BitGrid, size: tuple[int, int]) -> probes.LatentGrid:
    """The part of the image that takes the most bits, which can be decoded with changed latents."""
    unit = grid.cell[0]
    side = probes.CROP // unit
    top, left = probes.busiest(grid.bits, side)
    tall, wide = (min(side, it) for it in grid.bits.shape)
    above, before = min(_MARGIN, top), min(_MARGIN, left)
    around = latents[:, :, top - above : top + tall + _MARGIN, left - before : left + wide + _MARGIN]
    # The part as far as it lies inside the image, in pixels of the reconstruction of `around`.
    rows = _inside(unit * top + grid.origin[0], unit * tall, unit * above, size[0])
    columns = _inside(unit * left + grid.origin[1], unit * wide, unit * before, size[1])

    def render(channel: int, change: probes.Field) -> NDArray[np.float32]:
        changed = around.clone()
        changed[:, channel, above : above + tall, before : before + wide] += torch.from_numpy(change).to(
            changed
        )
        samples = network.g_s(changed)[0, :, rows, columns]
        levels: NDArray[np.float32] = 255 * samples.permute(1, 2, 0).float().cpu().numpy()
        return levels

    values = latents[0, :, top : top + tall, left : left + wide].float().cpu().numpy()
    middle = (
        (rows.start + rows.stop) // 2 // unit - above,
        (columns.start + columns.stop) // 2 // unit - before,
    )
    return probes.LatentGrid(grid.name, values, middle, render)


def _inside(first: int, count: int, margin: int, side: int) -> slice:
    """The pixels of a part that are inside the image, counted from ``margin`` pixels before the part."""
    start, stop = max(first, 0), min(first + count, side)
    return slice(start - first + margin, stop - first + margin)
