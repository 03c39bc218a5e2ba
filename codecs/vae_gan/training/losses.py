"""Losses that ask for as much fine detail as the original has in each place, without repeating patterns."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from bench_codecs.vae.networks import REDUCTION

_SCALES = 2
_CELLS = 8
_WINDOW = 8
_FLOOR = 0.25
"""Variance in squared 8-bit levels that is added to keep the gradient of the square root finite."""
_OPPONENT = ((3**-0.5,) * 3, (2**-0.5, 0.0, -(2**-0.5)), (6**-0.5, -2 * 6**-0.5, 6**-0.5))
"""An orthonormal basis of colours: luminance, red against blue, green against both."""


def detail(samples: Tensor) -> Tensor:
    """``samples``, (batch, channels, H, W), minus their mean over 3×3 samples."""
    return samples - F.avg_pool2d(F.pad(samples, (1, 1, 1, 1), mode="replicate"), 3, 1)


def texture_distance(decoded: Tensor, original: Tensor, excess: float = 0.0) -> Tensor:
    """Mean difference between the local standard deviations of the detail, over two octaves.

    Windows are 8×8 samples and overlap by half. Colours are opponent ones, so that grey texture is not
    replaced by coloured texture. A mean squared error is smallest without the texture that the bitstream does
    not determine; this loss is smallest with as much of it as the original has.

    Parameters
    ----------
    decoded, original : (batch, 3, H, W), in 8-bit levels
    excess : what too much texture costs beside that, in proportion to what the original has there: grain
        stands out on a smooth wall, and the same amount of it is lost in leaves

    Returns
    -------
    8-bit levels, of shape (batch,).
    """
    decoded, original = (_opponent(it) for it in (decoded, original))
    total = torch.zeros(len(decoded), device=decoded.device)
    for octave in range(_SCALES):
        if octave:
            decoded, original = (F.avg_pool2d(it, 2) for it in (decoded, original))
        found, target = (_deviation(detail(it)) for it in (decoded, original))
        difference = found - target
        cost = difference.abs() + excess * difference.clamp(min=0) / target
        total = total + cost.mean((1, 2, 3))
    return total / _SCALES


def grid_energy(decoded: Tensor, original: Tensor) -> Tensor:
    """Energy of a repeating pattern of 4×4 samples in the change of detail.

    The easiest texture for a network that works at a quarter of the resolution is one that repeats in every
    cell. Averaged over 8×8 cells, texture cancels and a repeating pattern remains.

    Parameters
    ----------
    decoded, original : (batch, 3, H, W), in 8-bit levels

    Returns
    -------
    Squared 8-bit levels, of shape (batch,).
    """
    cells = F.avg_pool2d(F.pixel_unshuffle(detail(decoded - original), REDUCTION), _CELLS, _CELLS // 2)
    return cells.square().mean((1, 2, 3))


def _opponent(samples: Tensor) -> Tensor:
    mix = torch.tensor(_OPPONENT, device=samples.device)
    return torch.einsum("oc,bchw->bohw", mix, samples)


def _deviation(detail: Tensor) -> Tensor:
    return (F.avg_pool2d(detail.square(), _WINDOW, _WINDOW // 2) + _FLOOR).sqrt()
