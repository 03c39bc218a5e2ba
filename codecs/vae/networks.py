"""The convolutional branches beside the linear transform; both start as the identity.

Their last layers are zero at first, so training starts from the lapped transform instead of noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench_codecs.vae.fixed import LEAKY_SLOPE, Channels, EncoderConv2d, FixedModule, Repeats, at_level, leaky
from bench_codecs.vae.transform import COEFFICIENTS

_SAMPLE_SCALE = 64.0
CORRECTION_SCALE = 8.0
REDUCTION = 4


@dataclass(frozen=True)
class BranchSpec:
    """Widths of the convolutional branches."""

    analysis: Channels = 128
    latent: Channels = 128
    pixel: Channels = 64
    blocks: Repeats = 3
    shared: Channels = 16
    """Channels at 1/4 resolution that the latent part hands to the pixel part."""
    analysis_blocks: Repeats = 0
    latent_blocks: Repeats = 0
    """Residual blocks of two 3×3 layers at 1/8 resolution, in the encoder and in the decoder."""


class AnalysisBranch(FixedModule):
    """Correction of the coefficients, (batch, 128, h, w), in units of samples."""

    std: Tensor

    def __init__(self, spec: BranchSpec, levels: int) -> None:
        super().__init__()
        width = spec.analysis
        self.register_buffer("std", torch.ones(COEFFICIENTS))
        self.first = EncoderConv2d(COEFFICIENTS, width, 3, padding=1)
        self.second = EncoderConv2d(width, width, 3, padding=1)
        self.blocks = _residual_blocks(EncoderConv2d, width, spec.analysis_blocks)
        self.last = EncoderConv2d(width, COEFFICIENTS, 1)
        self.level_bias = nn.Parameter(torch.zeros(levels, width))
        _zero(self.last)

    def level_tables(self) -> list[Tensor]:
        """The bias by level."""
        return [self.level_bias]

    def spread(self) -> Tensor:
        """What brings coefficients to about unit variance, (128,)."""
        return 30 + 0.7 * self.std

    def forward(self, y: Tensor, code: Tensor) -> Tensor:
        """Corrected coefficients."""
        x = self.first(self.on_grid(y / self.spread()[:, None, None]))
        x = x + at_level(self.level_bias, code, exact=self.exact).to(x.dtype)
        x = self.on_grid(leaky(self.second(self.on_grid(leaky(x)))))
        for first, second in _pairs(self.blocks):
            x = self.on_grid(x + second(self.on_grid(leaky(first(x)))))
        corrected: Tensor = y + 20 * self.on_grid(self.last(x)).to(y.dtype)
        return corrected


class SynthesisBranch(nn.Module):
    """Correction of the decoded coefficients and, after the inverse transform, of the samples."""

    def __init__(self, spec: BranchSpec, side_channels: int, levels: int) -> None:
        super().__init__()
        ratio = 8 // REDUCTION
        self.entry = nn.Conv2d(COEFFICIENTS + side_channels, spec.latent, 1)
        self.latent = nn.Conv2d(spec.latent, spec.latent, 3, padding=1)
        self.latent_blocks = _residual_blocks(nn.Conv2d, spec.latent, spec.latent_blocks)
        self.correction = nn.Conv2d(spec.latent, COEFFICIENTS, 1)
        self.share = nn.Conv2d(spec.latent, spec.shared * ratio * ratio, 1)
        patch = 3 * REDUCTION * REDUCTION
        self.first = nn.Conv2d(patch + spec.shared, spec.pixel, 3, padding=1)
        self.blocks = _residual_blocks(nn.Conv2d, spec.pixel, spec.blocks)
        self.last = nn.Conv2d(spec.pixel, patch, 3, padding=1)
        self.level_bias = nn.Parameter(torch.zeros(levels, spec.latent))
        self.level_gain = nn.Parameter(torch.ones(levels, spec.pixel))
        self.level_shift = nn.Parameter(torch.zeros(levels, spec.pixel))
        _zero(self.correction)
        _zero(self.last)

    def coefficients(self, decoded: Tensor, side: Tensor, code: Tensor) -> tuple[Tensor, Tensor]:
        """Corrected coefficients, in steps, and features for :meth:`samples`.

        ``decoded``: (batch, 128, h, w) in steps; ``side``: normalised coefficients' companions,
        (batch, side channels + 128, h, w).
        """
        x = self.entry(side)
        x = leaky(x + at_level(self.level_bias, code, exact=False).to(x.dtype))
        x = _convolved(self.latent, x)
        for first, second in _pairs(self.latent_blocks):
            x = _convolved(second, _convolved(first, x), x)
        return decoded + self.correction(x).to(decoded.dtype), F.pixel_shuffle(self.share(x), 8 // REDUCTION)

    def samples(self, linear: Tensor, shared: Tensor, code: Tensor) -> Tensor:
        """Corrected samples, (batch, 3, H, W), from those of the inverse transform."""
        patches = F.pixel_unshuffle(linear.to(shared.dtype) / _SAMPLE_SCALE, REDUCTION)
        x = self.enter(torch.cat([patches, shared], 1))
        x = x * at_level(self.level_gain, code, exact=False).to(x.dtype)
        x = leaky(x + at_level(self.level_shift, code, exact=False).to(x.dtype))
        for first, second in _pairs(self.blocks):
            x = _convolved(second, _convolved(first, x), x)
        return torch.add(linear, self.finish(x).to(linear.dtype), alpha=CORRECTION_SCALE)

    def enter(self, x: Tensor) -> Tensor:
        """Patches and shared features, (batch, 48 + shared, H/4, W/4) -> the pixel part's features."""
        features: Tensor = self.first(x)
        return features

    def finish(self, x: Tensor) -> Tensor:
        """The pixel part's features -> corrections of the samples, (batch, 3, H, W)."""
        return F.pixel_shuffle(self.last(x), REDUCTION)


def _residual_blocks(layer: type[nn.Conv2d], width: int, count: int) -> nn.ModuleList:
    return nn.ModuleList(
        nn.ModuleList(layer(width, width, 3, padding=1) for _ in range(2)) for _ in range(count)
    )


def _pairs(blocks: nn.ModuleList) -> list[tuple[nn.Conv2d, nn.Conv2d]]:
    layers = [it for it in blocks.modules() if isinstance(it, nn.Conv2d)]
    return list(zip(layers[::2], layers[1::2], strict=True))


def _convolved(layer: nn.Conv2d, x: Tensor, residual: Tensor | None = None) -> Tensor:
    """A layer, and ``residual`` added to it, or the leaky rectifier of it if there is none.

    In a decoder on a CPU that computes in bfloat16, oneDNN does both in one pass.
    """
    if x.dtype != torch.bfloat16 or x.device.type != "cpu" or torch.is_grad_enabled():
        y = layer(x)
        return leaky(y) if residual is None else residual + y
    geometry = layer.padding, layer.stride, layer.dilation, layer.groups
    weight, bias = (None if it is None else it.to(x.dtype) for it in (layer.weight, layer.bias))
    run = torch.ops.mkldnn._convolution_pointwise
    if residual is None:
        fused: Tensor = run(x, weight, bias, *geometry, "leaky_relu", [LEAKY_SLOPE], "")
    else:
        fused = run.binary(x, residual, weight, bias, *geometry, "add", 1.0, None, [], None)
    return fused


def _zero(layer: nn.Conv2d) -> None:
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
