"""Fixed-point arithmetic in float64, so that encoder and decoder agree to the last bit.

Floating-point convolutions differ in the last bit between thread counts, libraries and devices, and
a single differing table index makes the rest of a stream undecodable. The encoder's networks are computed
the same way, so that every device writes the same bitstream. Here weights are multiples of
2⁻¹⁴ and activations are multiples of 2⁻⁸ of magnitude at most 2¹⁵, so every product is a multiple of
2⁻²². As long as the absolute weights of an output sum to less than 2¹⁶, every partial sum is below
2³¹ and needs fewer than 53 bits: the result is exact whatever the order of summation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, TypeAlias

import msgspec
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench_codecs.vae.levels import LEVELS, STEPS_PER_LEVEL

Channels: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=512)]
"""As a weights file may state them: they are allocated before its tensors are looked at."""
Repeats: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=16)]
"""The same of slices, stages and blocks."""
Levels: TypeAlias = Annotated[int, msgspec.Meta(ge=2, le=LEVELS)]
"""The same of qualities."""

WEIGHT_SCALE = 2.0**14
ACTIVATION_SCALE = 2.0**8
ACTIVATION_LIMIT = 2.0**15
_MAX_WEIGHT_SUM = 2.0**16
MAX_WEIGHT = 2.0 - 2.0**-10
"""The largest number in half precision that is below 2, where weights no longer fit in 16 bits."""
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
    """A stride-1 convolution with zero padding and an odd kernel; exact in fixed point."""

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
        return exact_convolution(x, self.weight, self.bias)


class EncoderConv2d(nn.Conv2d):
    """A convolution that only the encoder runs: torch's own in training, exact in fixed point."""

    exact: bool = False

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, height, width) -> (batch, outputs, h, w); in fixed point not yet on the grid."""
        if not self.exact:
            return super().forward(x)
        return exact_convolution(x, self.weight, self.bias, self.stride[0])


def exact_convolution(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int = 1) -> Tensor:
    """One matrix product per tap of an odd kernel, on shifted views of the padded rows; zero padding.

    No algorithm such as Winograd or FFT, whose intermediate values leave the grid, can be chosen
    for it, and at stride 1 nothing is copied into columns. Pictures of a batch lie end to end.
    """
    kernel = weight.shape[2]
    border = kernel // 2
    batch, _, height, width = x.shape
    # the last row below keeps the views of the kernel's last row inside
    padded = F.pad(x.transpose(0, 1), (border, border, border, border + (border > 0)))
    total: Tensor | None = None
    if stride > 1:
        rows, columns = -(-height // stride), -(-width // stride)
        for row, column, tap in _taps(weight):
            taps = padded[
                :, :, row : row + stride * rows : stride, column : column + stride * columns : stride
            ]
            total = _accumulated(total, tap, taps[:, :, :rows, :columns].flatten(1))
        shape, strides = (-1, batch, rows, columns), None
    else:
        pitch = width + 2 * border
        plane = padded.shape[2] * pitch
        flat = padded.flatten(1)
        count = (batch - 1) * plane + height * pitch
        for row, column, tap in _taps(weight):
            shift = row * pitch + column
            total = _accumulated(total, tap, flat[:, shift : shift + count])
        shape, strides = (weight.shape[0], batch, height, width), (count, plane, pitch, 1)
    assert total is not None
    if bias is not None:
        total += bias[:, None]
    result = total.reshape(shape) if strides is None else total.as_strided(shape, strides)
    return result.transpose(0, 1)


def _taps(weight: Tensor) -> Iterator[tuple[int, int, Tensor]]:
    for row in range(weight.shape[2]):
        for column in range(weight.shape[3]):
            yield row, column, weight[:, :, row, column]


def _accumulated(total: Tensor | None, weight: Tensor, taps: Tensor) -> Tensor:
    return torch.mm(weight, taps) if total is None else total.addmm_(weight, taps)


def leaky(x: Tensor) -> Tensor:
    """Leaky rectifier with an exact slope."""
    return F.leaky_relu(x, LEAKY_SLOPE)


def at_level(table: Tensor, code: Tensor, *, exact: bool) -> Tensor:
    """Interpolate ``table`` (levels, channels) at quality codes (batch,) -> (batch, channels, 1, 1)."""
    row = torch.div(code, STEPS_PER_LEVEL, rounding_mode="floor").clamp(0, len(table) - 2)
    weight = (code - row * STEPS_PER_LEVEL).to(table.dtype)[:, None] / STEPS_PER_LEVEL
    value = table[row] * (1 - weight) + table[row + 1] * weight
    return (snap_weight(value) if exact else value)[:, :, None, None]


def require_exact(name: str, weight: Tensor, bias: Tensor | None = None) -> None:
    """Refuse weights on the grid, (outputs, ...), with which a sum could need more digits than there are.

    Raises
    ------
    ValueError
        The absolute weights of an output sum to too much; ``name`` says of what.
    """
    total = weight.flatten(1).abs().sum(1)
    if bias is not None:
        total = total + bias.abs()
    if float(total.max()) >= _MAX_WEIGHT_SUM:
        raise ValueError(f"weights of {name} are too large for exact arithmetic")


@torch.no_grad()
def limit_weights(module: nn.Module) -> None:
    """Limit the weights of layers in fixed point to what integers of 16 bits hold, in place.

    A larger one would be computed right all the same, but in float64, which takes five times as long.
    """
    for part in module.modules():
        if isinstance(part, FixedConv2d | EncoderConv2d):
            part.weight.clamp_(-MAX_WEIGHT, MAX_WEIGHT)


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
        if isinstance(part, FixedConv2d | EncoderConv2d):
            part.exact = True
            part.weight.copy_(snap_weight(part.weight))
            if part.bias is not None:
                part.bias.copy_(snap_weight(part.bias))
            require_exact(name, part.weight, part.bias)
        if isinstance(part, FixedModule):
            for table in part.level_tables():
                table.copy_(snap_weight(table))
            part.exact = True
