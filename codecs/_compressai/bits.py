"""Where the bits of CompressAI's models went, by their likelihoods, and what their latents draw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from bench.codec import Image
from bench.explanation import BitGrid, Channels, Explanation
from bench_codecs._common import latent_probes as probes

_PATCH = 64
_NAMES = {"y": "latents", "z": "hyper-latents"}
_LOWEST_STATE = 31
"""Bits of the state that CompressAI's rANS starts with."""
_MARGIN = 4
"""Latents around the part that is decoded again; a synthesis reaches no further in earnest."""
_IMPULSES, _TRAVERSALS = 12, 5


@torch.no_grad()
def explain(network: Any, image: Image, strings: Sequence[bytes], size: int) -> Explanation:
    """The likelihoods of a forward pass over ``image``, and probes of its synthesis.

    Models with an autoregressive context round the latents in a forward pass, and their differences from
    the mean when they code: a few symbols are others.

    Parameters
    ----------
    network : a model of the zoo, with ``g_s`` as its synthesis
    strings : entropy-coded, of the bitstream
    size : bytes of the bitstream
    """
    from compressai.ops import compute_padding

    height, width = image.shape[:2]
    padding, _ = compute_padding(height, width, min_div=_PATCH)
    pixels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
    x = F.pad(pixels[None].to(next(network.parameters()).device).float() / 255, padding)
    origin = (-padding[2], -padding[0])
    kept: list[Tensor] = []
    hook = network.g_s.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0]))
    try:
        likelihoods = network(x)["likelihoods"]
    finally:
        hook.remove()
    (latents,) = kept
    energy = {"y": latents[0].double().square().mean((1, 2)).cpu().numpy()}
    grids, channels = [], []
    for name, likelihood in likelihoods.items():
        bits = -torch.log2(likelihood[0]).double().cpu().numpy()
        unit = x.shape[2] // bits.shape[1]
        grids.append(BitGrid(_NAMES[name], bits.sum(0), (unit, unit), origin))
        if name in energy:
            channels.append(Channels(_NAMES[name], bits.sum((1, 2)), energy[name], "steps²"))
    part = _busiest_part(network, latents, grids[0], (height, width))
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
        notes=(
            "Bits are −log₂ of the likelihoods of a forward pass; the strings come from tables of 16 bits, "
            "and each ends on a whole word.",
        ),
    )


def _state_bits(string: bytes) -> float:
    """Bits of a string that hold no symbol: its final state, 64 bits long, less what it has taken in."""
    state = int.from_bytes(string[:8], "little")
    return min(8.0 * len(string), 64 - (math.log2(state) - _LOWEST_STATE)) if state else 0.0


def _busiest_part(network: Any, latents: Tensor, grid: BitGrid, size: tuple[int, int]) -> probes.LatentGrid:
    """The part of the image that takes the most bits, able to draw itself with a change."""
    unit = grid.cell[0]
    side = probes.CROP // unit
    top, left = probes.busiest(grid.bits, side)
    tall, wide = (min(side, it) for it in grid.bits.shape)
    above, before = min(_MARGIN, top), min(_MARGIN, left)
    around = latents[:, :, top - above : top + tall + _MARGIN, left - before : left + wide + _MARGIN]
    # in pixels of `around`'s reconstruction: the part, as far as it lies inside the image
    rows = _inside(top, tall, above, (unit, grid.origin[0], size[0]))
    columns = _inside(left, wide, before, (unit, grid.origin[1], size[1]))

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


def _inside(first: int, count: int, margin: int, picture: tuple[int, int, int]) -> slice:
    unit, origin, side = picture
    corner = origin + unit * first
    start, stop = max(corner, 0), min(corner + unit * count, side)
    return slice(start - corner + unit * margin, stop - corner + unit * margin)
