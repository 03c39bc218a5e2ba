"""The linear branch: a two-level lapped Karhunen–Loève transform (KLT).

Level one is a time-domain lapped transform (Tran, Liang and Tu, "Lapped transform via time-domain
pre- and post-processing", IEEE Trans. Signal Processing 2003): an orthogonal filter across the
boundaries of 8×8 blocks, then the eigenvectors of the training set's blocks. Level two does the same
with 2×2 blocks of the first :data:`LOW` coefficients. Its inverse is the starting point that the
convolutional branches improve on.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench_codecs.vae.fixed import FixedConv2d, FixedModule, exact_convolution, snap, snap_weight

BLOCK = 8
COEFFICIENTS = 128
"""Coefficients kept of the 192 of an 8×8 RGB block."""
LOW = 6
"""Coefficients that go through the second level."""
COARSE = 4 * LOW
_BOUNDARY_GAIN = 1.25
"""Weight of the difference of two neighbours across a 2×2 boundary."""
_INVERSE_BOUNDARY_GAIN = round(0.8 * 2**13) / 2**13
"""1 / 1.25 on the grid of the fixed-point weights."""


def _dct2(size: int) -> Tensor:
    k = torch.arange(size, dtype=torch.float64)
    matrix = torch.cos(torch.pi * k[:, None] * (2 * k[None] + 1) / (2 * size)).mul((2 / size) ** 0.5)
    matrix[0] /= 2**0.5
    return matrix


def _dct4(size: int) -> Tensor:
    k = torch.arange(size, dtype=torch.float64)
    phase = torch.pi * (2 * k[:, None] + 1) * (2 * k[None] + 1) / (4 * size)
    return torch.cos(phase).mul((2 / size) ** 0.5)


def boundary_filter() -> Tensor:
    """The orthogonal (8, 8) filter across a block boundary, in float64."""
    half = BLOCK // 2
    eye = torch.eye(half, dtype=torch.float64)
    flip = eye.flip(0)
    butterfly = torch.cat([torch.cat([eye, flip], 1), torch.cat([flip, -eye], 1)]).div(2**0.5)
    rotation = torch.eye(BLOCK, dtype=torch.float64)
    rotation[half:, half:] = flip @ _dct2(half).T @ _dct4(half) @ flip
    return butterfly @ rotation @ butterfly


def _filter_rows(x: Tensor, matrix: Tensor) -> Tensor:
    batch, channels, height, width = x.shape
    half = BLOCK // 2
    if height <= BLOCK:
        return x
    inner = x[:, :, half : height - half].reshape(batch, channels, -1, BLOCK, width)
    inner = torch.matmul(matrix, inner).reshape(batch, channels, height - BLOCK, width)
    return torch.cat([x[:, :, :half], inner, x[:, :, height - half :]], 2)


def _filter_boundaries(x: Tensor, matrix: Tensor) -> Tensor:
    x = _filter_rows(x, matrix)
    return _filter_rows(x.transpose(2, 3), matrix).transpose(2, 3)


class FineTransform(nn.Module):
    """Level one: (batch, 3, H, W) samples around 0 <-> (batch, 128, H/8, W/8) coefficients.

    ``exact`` lets the encoder's side compute in fixed point, in float64; the decoder's side stays as it is.
    """

    exact: bool = False

    boundary: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("boundary", boundary_filter().float(), persistent=False)
        self.analysis = nn.Parameter(torch.zeros(COEFFICIENTS, 3 * BLOCK * BLOCK, 1, 1))
        self.synthesis = nn.Parameter(torch.zeros(COEFFICIENTS, 3 * BLOCK * BLOCK, 1, 1))

    def blocks(self, x: Tensor) -> Tensor:
        """Filtered samples as (batch, 192, H/8, W/8) block vectors."""
        if self.exact:
            return F.pixel_unshuffle(snap(_filter_boundaries(x.double(), snap_weight(self.boundary))), BLOCK)
        return F.pixel_unshuffle(_filter_boundaries(x, self.boundary), BLOCK)

    def forward(self, x: Tensor) -> Tensor:
        """Samples to coefficients."""
        if self.exact:
            return snap(exact_convolution(self.blocks(x), snap_weight(self.analysis), None))
        return F.conv2d(self.blocks(x), self.analysis)

    def inverse(self, y: Tensor) -> Tensor:
        """Coefficients to samples; exact up to the coefficients that are not kept."""
        blocks = F.conv_transpose2d(y, self.synthesis)
        # the boundary filter is orthogonal: its transpose undoes it
        return _filter_boundaries(F.pixel_shuffle(blocks, BLOCK), self.boundary.T)


def _pair_rows(v: Tensor, gain: float) -> Tensor:
    near, far = (1 + gain) / 2, (1 - gain) / 2
    first, second = v[:, :, 1:-1:2], v[:, :, 2:-1:2]
    pairs = torch.stack([near * first + far * second, far * first + near * second], 3).flatten(2, 3)
    return torch.cat([v[:, :, :1], pairs, v[:, :, -1:]], 2)


class CoarseTransform(FixedModule):
    """Level two: the first 6 coefficients at 1/8 <-> 24 coefficients at 1/16.

    The inverse is part of the entropy model (it predicts nothing but supplies context), so it has
    a fixed-point form; so has the way down, for every encoder to write the same bitstream.
    """

    def __init__(self) -> None:
        super().__init__()
        self.basis = nn.Parameter(torch.eye(COARSE)[:, :, None, None], requires_grad=False)
        self.inverse_basis = FixedConv2d(COARSE, COARSE, 1, bias=False)
        self.inverse_basis.requires_grad_(False)

    def pairs(self, y: Tensor) -> Tensor:
        """Filtered coefficients as (batch, 24, H/16, W/16) vectors."""
        rows = _pair_rows(y[:, :LOW], _BOUNDARY_GAIN)
        return F.pixel_unshuffle(_pair_rows(rows.transpose(2, 3), _BOUNDARY_GAIN).transpose(2, 3), 2)

    def forward(self, y: Tensor) -> Tensor:
        """Fine to coarse coefficients."""
        if self.exact:
            pairs = snap(self.pairs(y.double()))
            return snap(exact_convolution(pairs, snap_weight(self.basis), None)).to(y.dtype)
        return F.conv2d(self.pairs(y), self.basis.to(y.dtype))

    def inverse(self, v: Tensor) -> Tensor:
        """Coarse coefficients back to the first 6 fine ones."""
        y = F.pixel_shuffle(self.on_grid(self.inverse_basis(v)), 2)
        rows = self.on_grid(_pair_rows(y, _INVERSE_BOUNDARY_GAIN))
        return self.on_grid(_pair_rows(rows.transpose(2, 3), _INVERSE_BOUNDARY_GAIN)).transpose(2, 3)


@torch.no_grad()
def fit_transforms(
    fine: FineTransform, coarse: CoarseTransform, images: list[Tensor]
) -> tuple[Tensor, Tensor]:
    """Set both levels to the eigenvectors over ``images`` (each (1, 3, H, W), multiples of 16).

    Returns the standard deviations of the 128 fine and the 24 coarse coefficients.
    """
    vectors, fine_std = _principal_axes([fine.blocks(x) for x in images])
    axes = vectors[:, :COEFFICIENTS].T.float()[:, :, None, None]
    fine.analysis.copy_(axes)
    fine.synthesis.copy_(axes)
    vectors, coarse_std = _principal_axes([coarse.pairs(fine(x)) for x in images])
    coarse.basis.copy_(vectors.T.float()[:, :, None, None])
    coarse.inverse_basis.weight.copy_(vectors.float()[:, :, None, None])
    return fine_std[:COEFFICIENTS].float(), coarse_std.float()


def _principal_axes(fields: list[Tensor]) -> tuple[Tensor, Tensor]:
    total = torch.zeros(())
    count = 0
    for field in fields:
        flat = field[0].flatten(1)
        total = total + (flat @ flat.T).double()
        count += flat.shape[1]
    values, vectors = torch.linalg.eigh(total / count)
    return vectors.flip(1), values.flip(0).clamp_min(1e-6).sqrt()
