"""Fixed-point arithmetic in float64, so that encoder and decoder agree to the last bit.

Floating-point convolutions differ in the last bit between thread counts, libraries and devices, and
a single differing table index makes the rest of a stream undecodable. Here weights are multiples of
2⁻¹⁴ and activations are multiples of 2⁻⁸ of magnitude at most 2¹⁵, so every product is a multiple of
2⁻²². As long as the absolute weights of an output sum to less than 2¹⁶, every partial sum is below
2³¹ and needs fewer than 53 bits: the result is exact whatever the order of summation.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .levels import LEVELS, STEPS_PER_LEVEL

WEIGHT_SCALE = 2.0**14
ACTIVATION_SCALE = 2.0**8
ACTIVATION_LIMIT = 2.0**15
_MAX_WEIGHT_SUM = 2.0**16
LEAKY_SLOPE = 0.125
"""A power of two, so that the activation is exact as well."""


def snap_weight(value: Tensor) -> Tensor:
    """Round to the grid of the weights, in float64."""
    return torch.floor(value.double() * WEIGHT_SCALE + 0.5) / WEIGHT_SCALE


def snap(value: Tensor) -> Tensor:
    """Round to the grid of the activations and limit the magnitude."""
    rounded = (value * ACTIVATION_SCALE).add_(0.5).floor_().mul_(1 / ACTIVATION_SCALE)
    return rounded.clamp_(-ACTIVATION_LIMIT, ACTIVATION_LIMIT)


class FixedModule(nn.Module):
    """A module that computes in float32 for training and in fixed point once ``exact`` is set."""

    exact: bool = False
    mixed: bool = False
    """Whether training may convolve in bfloat16."""

    def level_tables(self) -> list[Tensor]:
        """The level-dependent tables that the fixed-point form needs on the grid of the weights."""
        return []

    def on_grid(self, value: Tensor) -> Tensor:
        """``value`` itself in training, the nearest activation value in fixed point."""
        return snap(value) if self.exact else value


class FixedConv2d(FixedModule):
    """A stride-1 convolution with zero padding and an odd kernel; exact, for a batch of 1, in fixed point."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, bias: bool = True) -> None:
        super().__init__()
        self.kernel = kernel
        # layers without bias are the linear predictors: they see raw latents, which need all digits
        self._tolerant = bias
        reference = nn.Conv2d(inputs, outputs, kernel, bias=bias)
        self.weight = reference.weight
        self.bias = reference.bias

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, height, width) -> (batch, outputs, height, width), not yet on the grid."""
        if not self.exact and self.mixed and self._tolerant and torch.is_grad_enabled():
            with torch.autocast(x.device.type, torch.bfloat16):
                return F.conv2d(x, self.weight, self.bias, padding=self.kernel // 2).float()
        if not self.exact:
            return F.conv2d(x, self.weight, self.bias, padding=self.kernel // 2)
        return self._exact(x)

    def _exact(self, x: Tensor) -> Tensor:
        """One matrix product per tap of the kernel, on shifted views of the padded rows.

        No algorithm such as Winograd or FFT, whose intermediate values leave the grid, can be
        chosen for it, and nothing is copied into columns.
        """
        height, width = x.shape[2:]
        border = self.kernel // 2
        pitch = width + 2 * border
        flat = F.pad(x, (border, border, border, border + (border > 0)))[0].flatten(1)
        count = height * pitch
        total: Tensor | None = None
        for row in range(self.kernel):
            for column in range(self.kernel):
                shift = row * pitch + column
                weight, taps = self.weight[:, :, row, column], flat[:, shift : shift + count]
                total = torch.mm(weight, taps) if total is None else total.addmm_(weight, taps)
        assert total is not None
        if self.bias is not None:
            total += self.bias[:, None]
        return total.reshape(1, -1, height, pitch)[..., :width]


def leaky(x: Tensor) -> Tensor:
    """Leaky rectifier with an exact slope."""
    return F.leaky_relu(x, LEAKY_SLOPE)


def at_level(table: Tensor, code: Tensor, *, exact: bool) -> Tensor:
    """Interpolate ``table`` (6, channels) linearly at quality codes (batch,) -> (batch, channels, 1, 1)."""
    row = torch.div(code, STEPS_PER_LEVEL, rounding_mode="floor").clamp(0, LEVELS - 2)
    weight = (code - row * STEPS_PER_LEVEL).to(table.dtype)[:, None] / STEPS_PER_LEVEL
    value = table[row] * (1 - weight) + table[row + 1] * weight
    return (snap_weight(value) if exact else value)[:, :, None, None]


@torch.no_grad()
def make_exact(module: nn.Module) -> None:
    """Turn ``module`` into its fixed-point form, in place.

    Raises
    ------
    ValueError
        Weights too large for the arithmetic to be exact: such a model cannot be shipped.
    """
    module.double().requires_grad_(False)
    for name, part in module.named_modules():
        if isinstance(part, FixedConv2d):
            part.weight.copy_(snap_weight(part.weight))
            total = part.weight.flatten(1).abs().sum(1)
            if part.bias is not None:
                part.bias.copy_(snap_weight(part.bias))
                total = total + part.bias.abs()
            if float(total.max()) >= _MAX_WEIGHT_SUM:
                raise ValueError(f"weights of {name} are too large for exact arithmetic")
        if isinstance(part, FixedModule):
            for table in part.level_tables():
                table.copy_(snap_weight(table))
            part.exact = True
