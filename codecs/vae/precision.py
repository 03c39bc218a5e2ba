"""The precision that training convolves in."""

from __future__ import annotations

import torch


def bfloat16_is_fast(device: str) -> bool:
    """Whether ``device`` multiplies in bfloat16; others convert back and forth and are slower for it."""
    if device != "cpu":
        return bool(torch.cuda.is_bf16_supported())
    # absent from early versions of torch, and in none of them documented
    probes = (
        getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )
    return any(bool(probe()) for probe in probes if probe is not None)
