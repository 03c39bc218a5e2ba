"""Losses that ask for as much fine detail as the original has in each place, without repeating patterns."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from bench_codecs.vae_gan.generator import PERIOD

_SCALES = 2
_CELLS = 4
_WINDOW = 8
_FLOOR = 0.25
"""Variance in squared 8-bit levels, added to keep quotients and gradients of the square root finite."""
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
    """Energy of 8×8 samples that repeat in the change of detail, relative to that of the original's detail.

    The easiest texture for a network that works on blocks of samples is one that repeats in every block.
    Averaged over 4×4 blocks, a repeating pattern remains, and of other texture a sixteenth of the energy. A
    pattern stands out on a smooth wall, and the same amount of it is lost in leaves.

    Parameters
    ----------
    decoded, original : (batch, 3, H, W), in 8-bit levels

    Returns
    -------
    Shape (batch,); about 1 where a pattern, gained or lost, has as much energy as the original's detail.
    """
    there = detail(original)
    pattern, energy = (
        F.avg_pool2d(F.pixel_unshuffle(it, PERIOD), _CELLS, _CELLS // 2)
        for it in (detail(decoded) - there, there.square())
    )
    return (pattern.square().mean(1) / (energy.mean(1) + _FLOOR)).mean((1, 2))


def _opponent(samples: Tensor) -> Tensor:
    mix = torch.tensor(_OPPONENT, device=samples.device)
    return torch.einsum("oc,bchw->bohw", mix, samples)


def _deviation(detail: Tensor) -> Tensor:
    return (F.avg_pool2d(detail.square(), _WINDOW, _WINDOW // 2) + _FLOOR).sqrt()
