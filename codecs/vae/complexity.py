"""What the model costs: parameters, multiply–accumulates per pixel."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bench.complexity import count_macs

if TYPE_CHECKING:
    from bench_codecs.vae.model import VaeModel

_SIDE = 256
_CODE = 80


def count(model: VaeModel) -> dict[str, float]:
    """Complexity of ``model`` on a 256×256 picture, by the definition of :mod:`bench.complexity`.

    Returns
    -------
    dict
        ``parameters``; ``encoder_kmac_per_pixel`` and ``decoder_kmac_per_pixel``: thousands of
        multiply–accumulates, the context model's included on both sides as both have to run it.
    """
    network = copy.deepcopy(model).cpu().eval()
    network.integer = None  # counted are products of torch
    codes = torch.tensor([_CODE])
    size = _SIDE // 64

    def analyse() -> None:
        coarse, fine = network.analyse(torch.zeros(1, 3, _SIDE, _SIDE), codes)
        for grid, latents in ((network.coarse, coarse), (network.fine, fine)):
            grid.analysis(grid.context.normalise(latents, codes).to(latents.dtype))

    def code_latents() -> None:
        given = None
        for grid in (network.coarse, network.fine):
            dtype = grid.context.norm.dtype
            hyper = torch.zeros(1, grid.context.spec.hyper_channels, size, size, dtype=dtype)
            decoded, _ = grid.context.walk(grid.context.features(hyper), codes, _no_symbols, given)
            if given is None:
                given = network.coarse_transform.inverse(decoded)

    def synthesise() -> None:
        spec = network.fine.context.spec
        latents = torch.zeros(1, spec.channels, _SIDE // 8, _SIDE // 8)
        side = torch.zeros(1, spec.channels - spec.slices[0], _SIDE // 8, _SIDE // 8)
        features = torch.zeros(1, spec.features, _SIDE // 8, _SIDE // 8)
        network.synthesise(latents, side, features, codes)

    analysis, context, synthesis = map(count_macs, (analyse, code_latents, synthesise))
    parameters = sum(p.numel() for p in model.parameters())
    return {
        "parameters": float(parameters),
        "encoder_kmac_per_pixel": (analysis + context) / _SIDE**2 / 1e3,
        "decoder_kmac_per_pixel": (context + synthesis) / _SIDE**2 / 1e3,
    }


def _no_symbols(start: int, mask: Tensor, mean: Tensor, log_scale: Tensor) -> Tensor:
    return mean * mask
