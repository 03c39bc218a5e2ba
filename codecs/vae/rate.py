"""Rate–distortion optimised quantisation and the estimate of its rate, for training."""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor

LOG_SCALE_MIN = -2.25
LOG_SCALE_STEPS = 8
SCALES = 64
LOG_SCALE_MAX = LOG_SCALE_MIN + (SCALES - 1) / LOG_SCALE_STEPS
RDOQ_STRENGTH = 0.12
"""Exchange rate between squared error, in squared steps, and bits: 3 / (λ·Δ²) on an orthonormal basis."""


class SliceCoder(Protocol):
    """What a walk through the latents does with each group of them: estimate, encode or decode."""

    def __call__(self, start: int, mask: Tensor, mean: Tensor, log_scale: Tensor) -> Tensor:
        """Code channels ``start`` onwards where ``mask`` is 1; return the decoded values, 0 elsewhere."""
        ...


def gaussian_bits(symbol: Tensor, scale: Tensor) -> Tensor:
    """Bits of an integer under a Gaussian of standard deviation ``scale``, integrated over unit bins."""
    magnitude = symbol.abs()
    inverse = 1 / (scale * math.sqrt(2))
    mass = 0.5 * (torch.erfc((magnitude - 0.5) * inverse) - torch.erfc((magnitude + 0.5) * inverse))
    return -torch.log2(mass.clamp_min(1e-9))


def quantise(residual: Tensor, scale: Tensor, strength: float) -> Tensor:
    """Nearest integer, or its neighbour towards zero where that saves bits worth the added error."""
    magnitude = residual.abs()
    nearest = torch.floor(magnitude + 0.5)
    if strength > 0:
        lower = (nearest - 1).clamp_min(0)
        saved = gaussian_bits(nearest, scale) - gaussian_bits(lower, scale)
        added = 2 * (magnitude - nearest) + 1
        nearest = torch.where((nearest > 0) & (added < strength * saved), lower, nearest)
    return nearest * residual.sign()


class RateEstimator:
    """Estimates the bits of given latents.

    Value and gradient of the scale are those of the symbols. Latents and means have the gradient of the bits
    under additive uniform noise (Ballé et al., "End-to-end optimized image compression", ICLR 2017), here its
    expectation in closed form: that of the symbols themselves is 0 wherever the symbol is, and would leave
    nothing to draw small latents to their means.
    """

    def __init__(self, latents: Tensor, strength: float = RDOQ_STRENGTH) -> None:
        self.latents = latents
        self.strength = strength
        self.bits = torch.zeros(len(latents), device=latents.device)

    def __call__(self, start: int, mask: Tensor, mean: Tensor, log_scale: Tensor) -> Tensor:
        """Add the slice's bits; the decoded values carry no gradient."""
        residual = self.latents[:, start : start + mean.shape[1]] - mean
        scale = log_scale.clamp(LOG_SCALE_MIN, LOG_SCALE_MAX).exp()
        with torch.no_grad():
            symbol = quantise(residual, scale, self.strength)
            slope = gaussian_bits(residual + 0.5, scale) - gaussian_bits(residual - 0.5, scale)
        bits = gaussian_bits(symbol, scale) + slope * (residual - residual.detach())
        self.bits = self.bits + (bits * mask).sum((1, 2, 3))
        return ((symbol + mean) * mask).detach()
