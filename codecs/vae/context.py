"""The context model: mean and scale of every latent from the hyperprior and what is already decoded.

Latents are coded in channel slices (Minnen and Singh, "Channel-wise autoregressive entropy models",
ICIP 2020), some of them in two passes over a checkerboard (He et al., "Checkerboard context model",
CVPR 2021). A mean is a linear prediction, set in closed form, plus a learned residual; a scale is the
linear prediction's error times a learned factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import msgspec
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench_codecs.vae.fixed import Channels, FixedConv2d, FixedModule, Repeats, at_level, leaky
from bench_codecs.vae.levels import step_size
from bench_codecs.vae.rate import SliceCoder

_ENERGY_FLOOR = 0.02


@dataclass(frozen=True)
class GridSpec:
    """Shape of the entropy model of one latent grid."""

    slices: Annotated[tuple[Channels, ...], msgspec.Meta(min_length=1, max_length=16)]
    """Channels of each slice, in coding order."""
    checkerboards: Repeats
    """How many of the first slices are coded in two passes."""
    hyper_channels: Channels
    hyper_stages: Repeats
    """Halvings of the resolution between the latents and the hyper-latents."""
    given: bool = False
    """Whether the first slice is known from another grid and not coded."""
    features: Channels = 64
    hidden: Channels = 64
    wide: Channels = 96

    @property
    def channels(self) -> int:
        """Channels of the latents."""
        return sum(self.slices)


def checkerboard(height: int, width: int, like: Tensor) -> Tensor:
    """(1, 1, height, width): 1 where row plus column is odd, the positions of the second pass."""
    rows = torch.arange(height, device=like.device)[:, None]
    columns = torch.arange(width, device=like.device)[None]
    return ((rows + columns) % 2).to(like.dtype)[None, None]


class SliceModel(FixedModule):
    """Distribution of one channel slice given the features, earlier slices and its first pass."""

    def __init__(self, spec: GridSpec, index: int, levels: int) -> None:
        super().__init__()
        self.start = sum(spec.slices[:index])
        self.size = spec.slices[index]
        self.passes = 2 if index < spec.checkerboards else 1
        self.mix = FixedConv2d(spec.features + self.start, spec.hidden, 3)
        self.level_bias = nn.Parameter(torch.zeros(levels, spec.hidden))
        self.body = FixedConv2d(spec.hidden, spec.wide, 1)
        self.head = FixedConv2d(spec.wide, 2 * self.size, 1)
        linear = [FixedConv2d(self.start, self.size, 3, bias=False) for _ in range(self.passes) if self.start]
        self.linear = nn.ModuleList(linear)
        two = self.passes == 2
        self.anchors = FixedConv2d(self.size, spec.hidden, 5) if two else None
        self.linear_anchors = FixedConv2d(self.size, self.size, 5, bias=False) if two else None
        with torch.no_grad():
            for layer in [*linear, *([self.linear_anchors] if self.linear_anchors else [])]:
                layer.weight.zero_()
            self.head.weight.mul_(0.1)
            # a negative bias of the log factors: residual errors are smaller than the linear ones
            offset = torch.zeros(2 * self.size)
            offset[self.size :] = -0.35
            self.head.bias = nn.Parameter(offset)

    def level_tables(self) -> list[Tensor]:
        """The bias by level."""
        return [self.level_bias]

    def linear_layer(self, turn: int) -> FixedConv2d:
        """The linear predictor from earlier slices in pass ``turn``."""
        layer = self.linear[turn]
        assert isinstance(layer, FixedConv2d)
        return layer

    def linear_mean(self, turn: int, earlier: Tensor, anchors: Tensor | None) -> Tensor | float:
        """The closed-form part of the mean; on the grid of products, not of activations."""
        mean: Tensor | float = self.linear_layer(turn)(earlier) if self.start else 0.0
        if anchors is not None and self.linear_anchors is not None:
            mean = mean + self.linear_anchors(anchors)
        return mean

    def outputs(self, base: Tensor, anchors: Tensor | None) -> tuple[Tensor, Tensor]:
        """Learned residual of the mean and logarithm of the scale factor."""
        if anchors is not None and self.anchors is not None:
            base = self.on_grid(base + self.anchors(anchors))
        hidden = self.on_grid(leaky(self.on_grid(self.body(self.on_grid(leaky(base))))))
        out = self.on_grid(self.head(hidden))
        return out[:, : self.size], out[:, self.size :].clamp(-6.0, 4.0)


class ContextModel(FixedModule):
    """Hyper-synthesis and the slice models of one latent grid.

    Latents are in units of the quantisation step.
    """

    norm: Tensor
    mean_gain: Tensor
    log_energy: Tensor

    def __init__(self, spec: GridSpec, levels: int) -> None:
        super().__init__()
        self.spec = spec
        self.register_buffer("norm", torch.ones(levels, spec.channels))
        self.register_buffer("mean_gain", torch.ones(2, levels, spec.channels))
        self.register_buffer("log_energy", torch.zeros(2, levels, spec.channels))
        widths = [spec.hyper_channels] + [spec.features] * spec.hyper_stages
        self.hyper = nn.ModuleList(FixedConv2d(i, 4 * o, 3) for i, o in pairwise(widths))
        first = 1 if spec.given else 0
        self.slices = nn.ModuleList(SliceModel(spec, i, levels) for i in range(first, len(spec.slices)))

    def parts(self) -> list[SliceModel]:
        """The models of the slices that are coded, in coding order."""
        return [part for part in self.slices if isinstance(part, SliceModel)]

    def level_tables(self) -> list[Tensor]:
        """Everything derived from the quantisation step."""
        return [self.norm, self.mean_gain, self.log_energy]

    def set_statistics(self, std: Tensor, residual: Tensor) -> None:
        """Set the level tables.

        Parameters
        ----------
        std : standard deviations of the latents, shape (channels,), in units of samples
        residual : those that the two linear predictors leave, shape (2, channels)
        """
        steps = torch.tensor([step_size(row + 1.0) for row in range(len(self.norm))])[:, None]
        self.norm.copy_(1 / (1 + 0.7 * std / steps))
        energy = residual[:, None] / steps
        self.mean_gain.copy_(0.1 + 0.3 * energy)
        self.log_energy.copy_((energy + _ENERGY_FLOOR).log())

    def statistics(self) -> tuple[Tensor, Tensor]:
        """The deviations that :meth:`set_statistics` was given."""
        step = step_size(1.0)
        std = (1 / self.norm[0] - 1) * step / 0.7
        return std, (self.log_energy[:, 0].exp() - _ENERGY_FLOOR) * step

    def normalise(self, latents: Tensor, code: Tensor, start: int = 0) -> Tensor:
        """Bring latents to about unit variance at every level."""
        table = self.norm[:, start : start + latents.shape[1]]
        return self.on_grid(latents * at_level(table, code, exact=self.exact))

    def features(self, hyper_latents: Tensor) -> Tensor:
        """(batch, hyper channels, h, w) integers -> (batch, features, h·2ⁿ, w·2ⁿ)."""
        x = hyper_latents
        for layer in self.hyper:
            x = self.on_grid(leaky(F.pixel_shuffle(self.on_grid(layer(x)), 2)))
        return x

    def walk(
        self, features: Tensor, code: Tensor, coder: SliceCoder, given: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Visit every slice and pass in coding order; one piece of code for training, encoder and decoder.

        Returns the decoded latents and the logarithm of their scales (without the given slice).
        """
        batch, _, height, width = features.shape
        odd = checkerboard(height, width, features)
        everywhere = torch.ones_like(odd)
        decoded = features.new_zeros(batch, 0, height, width) if given is None else given
        log_scales = []
        for part in self.parts():
            mixed = torch.cat([features, self.normalise(decoded, code)], 1)
            bias = at_level(part.level_bias, code, exact=self.exact)
            base = self.on_grid(part.mix(mixed) + bias)
            current = features.new_zeros(batch, part.size, height, width)
            log_scale = torch.zeros_like(current)
            masks = (1 - odd, odd) if part.passes == 2 else (everywhere,)
            for turn, mask in enumerate(masks):
                mean, spread = self._distribution(part, turn, (base, decoded, current), code)
                current = current + coder(part.start, mask, mean, spread)
                log_scale = log_scale + spread * mask
            decoded = torch.cat([decoded, current], 1)
            log_scales.append(log_scale)
        return decoded, torch.cat(log_scales, 1)

    def _distribution(
        self, part: SliceModel, turn: int, known: tuple[Tensor, Tensor, Tensor], code: Tensor
    ) -> tuple[Tensor, Tensor]:
        base, decoded, current = known
        channels = slice(part.start, part.start + part.size)
        second = turn == 1
        residual, log_factor = part.outputs(
            base, self.normalise(current, code, part.start) if second else None
        )
        gain = at_level(self.mean_gain[turn][:, channels], code, exact=self.exact)
        energy = at_level(self.log_energy[turn][:, channels], code, exact=self.exact)
        mean = part.linear_mean(turn, decoded, current if second else None) + residual * gain
        return self.on_grid(mean), log_factor + energy


@torch.no_grad()
def fit_linear(model: ContextModel, latents: Sequence[Tensor], std: Tensor, step: float = 45.0) -> Tensor:
    """Set the linear predictors by ridge least squares; return the deviations they leave, (2, channels).

    ``std`` (channels,) holds the deviations of the latents themselves, for slices without predictors.

    ``latents``: (channels, height, width) each, in units of samples. The ridge is the variance of
    the quantisation error at ``step``, as the predictors will see quantised neighbours.
    """
    left = std.expand(2, -1).clone()
    for part in model.parts():
        for turn in range(part.passes):
            inputs = 9 * part.start + (25 * part.size if turn else 0)
            if not inputs:
                continue
            weights, deviation = _least_squares(part, turn, latents, step)
            left[turn, part.start : part.start + part.size] = deviation
            if part.passes == 1:
                left[1, part.start : part.start + part.size] = deviation
            if part.start:
                part.linear_layer(turn).weight.copy_(
                    weights[:, : 9 * part.start].reshape(part.size, part.start, 3, 3)
                )
            if turn and part.linear_anchors is not None:
                anchors = weights[:, 9 * part.start :].reshape(part.size, part.size, 5, 5)
                part.linear_anchors.weight.copy_(anchors)
    return left


def _least_squares(
    part: SliceModel, turn: int, latents: Sequence[Tensor], step: float
) -> tuple[Tensor, Tensor]:
    gram: Tensor | float = 0.0
    cross: Tensor | float = 0.0
    energy: Tensor | float = 0.0
    count = 0
    for y in latents:
        odd = checkerboard(y.shape[1], y.shape[2], y)[0]
        columns = []
        if part.start:
            columns.append(F.unfold(y[None, : part.start], 3, padding=1)[0])
        target = y[part.start : part.start + part.size]
        if turn:
            columns.append(F.unfold((target * (1 - odd))[None], 5, padding=2)[0])
        predictors, target = torch.cat(columns), target.flatten(1)
        if turn:
            chosen = odd.flatten() > 0
            predictors, target = predictors[:, chosen], target[:, chosen]
        gram = gram + (predictors @ predictors.T).double()
        cross = cross + (predictors @ target.T).double()
        energy = energy + target.square().sum(1).double()
        count += predictors.shape[1]
    assert isinstance(gram, Tensor)
    assert isinstance(cross, Tensor)
    diagonal = torch.diagonal(gram)
    live = (diagonal > 0).double()
    diagonal += count * step * step / 12 * live + (1 - live)
    solution = torch.linalg.solve(gram, cross)
    left = ((energy - (solution * cross).sum(0)) / count).clamp_min(1.0).sqrt()
    return solution.T.float(), left.float()
