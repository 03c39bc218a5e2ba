"""Losses of texture: as much fine detail in every place as the original has there, and none that repeats."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from bench_codecs.vae.networks import REDUCTION

_SCALES = 2
_CELLS = 8
_WINDOW = 8
_FLOOR = 0.25
"""Variance, in squared 8-bit levels, that keeps the root's slope finite."""
_OPPONENT = ((3**-0.5,) * 3, (2**-0.5, 0.0, -(2**-0.5)), (6**-0.5, -2 * 6**-0.5, 6**-0.5))
"""Orthonormal: luminance, red against blue, green against both."""


def detail(samples: Tensor) -> Tensor:
    """``samples`` (batch, channels, H, W) less their mean over 3×3."""
    return samples - F.avg_pool2d(F.pad(samples, (1, 1, 1, 1), mode="replicate"), 3, 1)


def texture_distance(decoded: Tensor, original: Tensor) -> Tensor:
    """Mean difference of local deviations of the detail, in 8-bit levels, over two octaves; (batch,).

    Windows are 8×8 and overlap by half; colours are opponent ones, so that grey texture must not become
    coloured. A mean squared error is smallest without any texture that the bitstream does not determine; this
    is smallest with as much of it as there was.
    """
    decoded, original = (_opponent(it) for it in (decoded, original))
    total = torch.zeros(len(decoded), device=decoded.device)
    for octave in range(_SCALES):
        if octave:
            decoded, original = (F.avg_pool2d(it, 2) for it in (decoded, original))
        found, wanted = (_deviation(detail(it)) for it in (decoded, original))
        total = total + (found - wanted).abs().mean((1, 2, 3))
    return total / _SCALES


def grid_energy(decoded: Tensor, original: Tensor) -> Tensor:
    """Energy of a pattern of 4×4 samples in the change of detail, in squared 8-bit levels; (batch,).

    A network that works at a quarter of the resolution makes texture most cheaply by repeating it in every
    cell. Averaged over 8×8 cells, texture cancels and a repeated pattern stays.
    """
    cells = F.avg_pool2d(F.pixel_unshuffle(detail(decoded - original), REDUCTION), _CELLS, _CELLS // 2)
    return cells.square().mean((1, 2, 3))


def _opponent(samples: Tensor) -> Tensor:
    mix = torch.tensor(_OPPONENT, device=samples.device)
    return torch.einsum("oc,bchw->bohw", mix, samples)


def _deviation(it: Tensor) -> Tensor:
    return (F.avg_pool2d(it.square(), _WINDOW, _WINDOW // 2) + _FLOOR).sqrt()
