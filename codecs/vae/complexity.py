"""What the model costs: parameters, multiply–accumulates per pixel."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from bench_codecs.vae.fixed import FixedConv2d

if TYPE_CHECKING:
    from bench_codecs.vae.model import VaeModel

_SIDE = 256
_CODE = 80


def count(model: VaeModel) -> dict[str, float]:
    """Complexity of ``model``, counted by hooks on a 256×256 picture.

    Returns
    -------
    dict
        ``parameters``; ``encoder_kmac_per_pixel`` and ``decoder_kmac_per_pixel``: thousands of
        multiply–accumulates of all convolutions, the context model's included on both sides as both have to
        run it.
    """
    network = copy.deepcopy(model).cpu().eval()
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

    analysis, context, synthesis = (_macs(network, run) for run in (analyse, code_latents, synthesise))
    transform = _lapped_macs(network)
    parameters = sum(p.numel() for p in model.parameters())
    return {
        "parameters": float(parameters),
        "encoder_kmac_per_pixel": (analysis + transform + context) / _SIDE**2 / 1e3,
        "decoder_kmac_per_pixel": (context + synthesis + transform) / _SIDE**2 / 1e3,
    }


def _no_symbols(start: int, mask: Tensor, mean: Tensor, log_scale: Tensor) -> Tensor:
    return mean * mask


def _lapped_macs(model: VaeModel) -> float:
    """The block transform, which is a product of matrices outside any layer, and its boundary filter."""
    matrix = model.fine_transform.analysis
    return float(matrix.shape[0] * matrix.shape[1] * (_SIDE // 8) ** 2 + 2 * 8 * 3 * _SIDE**2)


@torch.no_grad()
def _macs(model: VaeModel, run: Callable[[], None]) -> float:
    total = 0.0

    def hook(layer: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        nonlocal total
        weight = layer.weight
        assert isinstance(weight, Tensor)
        total += output.shape[2] * output.shape[3] * weight.numel()

    handles = [
        layer.register_forward_hook(hook)
        for layer in model.modules()
        if isinstance(layer, (nn.Conv2d, FixedConv2d))
    ]
    run()
    for handle in handles:
        handle.remove()
    return total
