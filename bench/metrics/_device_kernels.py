"""The sums of PSNR and SSIM as torch operations for a GPU, in float64; they agree with the compiled kernels.

Filters are sums of shifted slices in a fixed order, so that no convolution library can choose an algorithm or
TensorFloat-32. The classes are compared by value: two instances of one device are one key for
:meth:`Pair.cached`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from bench.codec import Samples
from bench.metrics._planes import decoded_planes, planes
from bench.metrics.base import Pair

Tensor: TypeAlias = Any  # torch's type, without importing torch for metrics on the CPU

_BAND_PIXELS = 1 << 22
"""Pixels of one plane that are processed at a time; each takes about 100 bytes of GPU memory."""

_KEPT_PIXELS = 4_000_000
"""Largest original whose maps are kept, at 64 bytes a pixel."""

_C1 = (0.01 * 255) ** 2
_C2 = (0.03 * 255) ** 2


@dataclass(frozen=True)
class Products:
    """Sums of products of the channels' differences: RR, GG, BB, RG, RB, GB; exact integers."""

    device: str

    def __call__(self, pair: Pair) -> tuple[int, ...]:
        """For :meth:`Pair.cached`."""
        original = pair.reference.cached(_Planes(self.device)).flatten(1)
        decoded = pair.cached(_DecodedPlanes(self.device)).flatten(1)
        total = original.new_zeros((3, 3)).double()
        for start in range(0, original.shape[1], _BAND_PIXELS):
            part = slice(start, start + _BAND_PIXELS)
            difference = decoded[:, part].double() - original[:, part]
            # All are integers, and at 8 bits each partial sum is below 2⁵³: the result is exact in any order.
            total += difference @ difference.T
        (rr, rg, rb), (_, gg, gb), (_, _, bb) = (map(int, row) for row in total.tolist())
        return rr, gg, bb, rg, rb, gb


@dataclass(frozen=True)
class SsimMeans:
    """Mean contrast–structure and mean SSIM by channel and scale: float64, shape (2, 3, scales)."""

    device: str
    scales: int
    depth: int = 8

    def __call__(self, pair: Pair) -> Any:
        """For :meth:`Pair.cached`."""
        import torch

        original = pair.reference.cached(_Planes(self.device))
        decoded = pair.cached(_DecodedPlanes(self.device))
        kept = None
        if original[0].numel() <= _KEPT_PIXELS:
            kept = pair.reference.cached(_Maps(self.device, self.scales, self.depth))
        means = original.new_zeros((2, 3, self.scales), dtype=torch.float64)
        for channel in range(3):
            pyramids = (_pyramid(it[channel], self.scales, self.depth) for it in (original, decoded))
            both = zip(*pyramids, strict=True)
            for scale, (x, y) in enumerate(both):
                maps = None if kept is None else kept[channel][scale]
                means[:, channel, scale] = _compare(x, y, maps)
        return means.cpu().numpy()


@dataclass(frozen=True)
class _Planes:
    """An image as integer planes (3, height, width) on the device."""

    device: str

    def __call__(self, image: Samples) -> Tensor:
        return _tensor(planes(image), self.device)


@dataclass(frozen=True)
class _DecodedPlanes:
    """A reconstruction's planes, checked against the original's shape and type."""

    device: str

    def __call__(self, pair: Pair) -> Tensor:
        return _tensor(pair.cached(decoded_planes), self.device)


def _tensor(split: Samples, device: str) -> Tensor:
    import torch

    # torch computes little with 16 unsigned bits
    return torch.from_numpy(split if split.dtype == np.uint8 else split.astype(np.int32)).to(device)


@dataclass(frozen=True)
class _Maps:
    """Windowed mean and variance of an original, by channel and scale."""

    device: str
    scales: int
    depth: int = 8

    def __call__(self, image: Samples) -> list[list[tuple[Tensor, Tensor]]]:
        on_device = _Planes(self.device)(image)
        return [[_statistics(x) for x in _pyramid(it, self.scales, self.depth)] for it in on_device]


def _pyramid(plane: Tensor, scales: int, depth: int) -> Iterator[Tensor]:
    """A plane in levels of 8 bits, float64, at each scale; odd sides are padded with a zero at the start."""
    import torch

    plane = plane.double() * (255 / ((1 << depth) - 1))
    yield plane
    for _ in range(scales - 1):
        height, width = plane.shape
        padding = (height % 2, width % 2)
        plane = torch.nn.functional.avg_pool2d(plane[None, None], 2, padding=padding)[0, 0]
        yield plane


def _compare(x: Tensor, y: Tensor, maps: tuple[Tensor, Tensor] | None) -> Tensor:
    """Mean contrast–structure and mean SSIM of one plane at one scale, of shape (2,)."""
    from bench.metrics._kernels import WINDOW

    rows, columns = x.shape[0] - WINDOW + 1, x.shape[1] - WINDOW + 1
    total = x.new_zeros(2)
    step = rows if maps is not None else max(1, _BAND_PIXELS // x.shape[1])
    for top in range(0, rows, step):
        band = slice(top, top + step + WINDOW - 1)
        mean_x, var_x = _statistics(x[band]) if maps is None else maps
        mean_y, var_y = _statistics(y[band])
        covariance = _filtered(x[band] * y[band]) - mean_x * mean_y
        contrast = (2 * covariance + _C2) / (var_x + var_y + _C2)
        luminance = (2 * mean_x * mean_y + _C1) / (mean_x.square() + mean_y.square() + _C1)
        total[0] += contrast.sum()
        total[1] += (contrast * luminance).sum()
    return total / (rows * columns)


def _statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Windowed mean and population variance."""
    mean = _filtered(x)
    return mean, _filtered(x.square()) - mean.square()


def _filtered(x: Tensor) -> Tensor:
    """Filter with the SSIM window down the columns and along the rows, without padding."""
    from bench.metrics._kernels import _TAPS as taps

    for dimension in (0, 1):
        size = x.shape[dimension] - len(taps) + 1
        total = x.narrow(dimension, 0, size) * taps[0]
        for shift, tap in enumerate(taps[1:], start=1):
            total.add_(x.narrow(dimension, shift, size), alpha=tap)
        x = total
    return x
