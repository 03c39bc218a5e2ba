"""The prior of the hyper-latents: per channel and level a mixture of logistic distributions."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench_codecs.vae.fixed import EncoderConv2d, FixedModule, leaky
from bench_codecs.vae.levels import STEPS_PER_LEVEL

_COMPONENTS = 3


class HyperAnalysis(FixedModule):
    """Normalised latents to hyper-latents at 1/64 of the picture; encoder only."""

    def __init__(self, inputs: int, hidden: int, outputs: int, stages: int) -> None:
        super().__init__()
        self.first = EncoderConv2d(inputs, hidden, 3, padding=1)
        widths = [hidden] * stages + [outputs]
        self.down = nn.ModuleList(EncoderConv2d(i, o, 5, 2, 2) for i, o in pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, h, w) -> (batch, outputs, h/2ⁿ, w/2ⁿ), not yet rounded."""
        x = self.on_grid(self.first(x))
        for layer in self.down:
            x = self.on_grid(layer(self.on_grid(leaky(x))))
        return x


class HyperPrior(nn.Module):
    """Probability of integer hyper-latents."""

    def __init__(self, levels: int, channels: int) -> None:
        super().__init__()
        shape = (levels, channels, _COMPONENTS)
        self.logits = nn.Parameter(torch.zeros(shape))
        self.mean = nn.Parameter(torch.linspace(-1.5, 1.5, _COMPONENTS).expand(shape).clone())
        self.log_scale = nn.Parameter(torch.full(shape, 0.3))

    def mass(self, symbols: Tensor, level: Tensor) -> Tensor:
        """Probability of ``symbols`` (batch, channels, h, w) at table rows ``level`` (batch,)."""
        weights = F.softmax(self.logits, -1)[level][:, :, None, None]
        mean = self.mean[level][:, :, None, None]
        rate = torch.exp(-self.log_scale.clamp(-4.0, 6.0))[level][:, :, None, None]
        # both tails are taken on the side where the logistic function keeps its digits
        offset = symbols[..., None] - mean
        sign = -torch.sign(offset).detach()
        upper = torch.sigmoid(sign * (offset + 0.5) * rate)
        lower = torch.sigmoid(sign * (offset - 0.5) * rate)
        return (weights * (upper - lower).abs()).sum(-1)

    def bits(self, symbols: Tensor, level: Tensor) -> Tensor:
        """Bits of each picture's hyper-latents, (batch,)."""
        return -torch.log2(self.mass(symbols, level).clamp_min(1e-9)).sum((1, 2, 3))


def level_row(code: Tensor) -> Tensor:
    """The table row nearest to a quality code."""
    return torch.div(code + STEPS_PER_LEVEL // 2, STEPS_PER_LEVEL, rounding_mode="floor")
