"""Counting the multiply–accumulates of a CompressAI model."""

from __future__ import annotations

from typing import Any

_SIDE = 256
_ENCODER_ONLY = ("g_a", "h_a")
_DECODER_ONLY = ("g_s",)


def kmac_per_pixel(network: Any) -> tuple[float, float]:
    """Thousands of multiply–accumulates per pixel of encoder and decoder, on a 256×256 image.

    Convolutions, transposed ones and the matrix inside each divisive normalisation count; the hyper-synthesis
    and the context model count on both sides, which both have to run them.
    """
    import torch
    from compressai.layers import GDN

    counted = {"encoder": 0.0, "decoder": 0.0}

    def hooked(sides: tuple[str, ...]) -> Any:
        def hook(layer: Any, inputs: tuple[Any, ...], output: Any) -> None:
            if isinstance(layer, torch.nn.ConvTranspose2d):
                macs = inputs[0].shape[2] * inputs[0].shape[3] * layer.weight.numel()
            else:
                weight = layer.gamma if isinstance(layer, GDN) else layer.weight
                macs = output.shape[2] * output.shape[3] * weight.numel()
            for side in sides:
                counted[side] += macs

        return hook

    handles = []
    for name, part in network.named_children():
        sides: tuple[str, ...] = ("encoder",) if name in _ENCODER_ONLY else ("decoder",)
        if name not in _ENCODER_ONLY + _DECODER_ONLY:
            sides = ("encoder", "decoder")
        for layer in part.modules():
            if isinstance(layer, (torch.nn.Conv2d, torch.nn.ConvTranspose2d, GDN)):
                handles.append(layer.register_forward_hook(hooked(sides)))
    device = next(network.parameters()).device
    try:
        with torch.no_grad():
            network(torch.zeros(1, 3, _SIDE, _SIDE, device=device))
    finally:
        for handle in handles:
            handle.remove()
    return counted["encoder"] / _SIDE**2 / 1e3, counted["decoder"] / _SIDE**2 / 1e3
