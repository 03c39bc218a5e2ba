"""PSNR of RGB, of luma, of luma and chroma weighted 6:1:1, and of alpha, from one pass over a pair of images.

PSNR is 10·log10(peak² ÷ mean squared error) in dB, per image, where peak is 255 or, of deeper samples,
2^depth − 1. All colour spaces here are linear in RGB, so the
squared error in each of them follows exactly, in integers, from six sums of products; also on a GPU.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from bench.codec import Samples
from bench.errors import MetricUndefined
from bench.metrics._planes import (
    ALL_CHANNELS,
    ALL_DEPTHS,
    Planes,
    check,
    decoded_planes,
    planes,
    preload,
    seen,
)
from bench.metrics.base import Pair

# Full-range BT.601 as in JFIF (ITU-T T.871), unrounded, in integers:
# 1000·Y, 1772·Cb = 1000·(B - Y) and 1402·Cr = 1000·(R - Y) as multiples of (R, G, B).
_Y = (299, 587, 114)
_CB = (-299, -587, 886)
_CR = (701, -587, -114)
_Y_SCALE, _CB_SCALE, _CR_SCALE = 1000, 1772, 1402

_BAND_PIXELS = 1 << 20

Products: TypeAlias = Callable[[Pair], tuple[int, ...]]
"""Sums over all pixels of the products of the channels' differences: RR, GG, BB, RG, RB, GB."""


def _products_on(metric: str, device: str) -> Products:
    """The sums of products on a device, for :meth:`Pair.cached`: compiled on the CPU, else by torch.

    Raises
    ------
    bench.errors.CodecUnavailable
        The device is absent.
    """
    if device == "cpu":
        preload()
        return _products
    from bench.host.device import require
    from bench.metrics._device_kernels import Products as OnDevice

    require(metric, device)
    return OnDevice(device)


def _products(pair: Pair) -> tuple[int, ...]:
    """:data:`Products`, by the compiled kernel."""
    from bench.metrics._kernels import difference_products

    decoded = pair.cached(decoded_planes)
    original = pair.reference.cached(planes)
    if original.dtype != np.uint8:
        return _deep_products(original, decoded)
    return tuple(int(total) for total in difference_products(original, decoded))


def _deep_products(original: Planes, decoded: Planes) -> tuple[int, ...]:
    """:data:`Products` of uint16 planes; exact, since the sums over each band stay below 2⁵³."""
    first, second = original.reshape(3, -1), decoded.reshape(3, -1)
    total = np.zeros((3, 3), object)
    for start in range(0, first.shape[1], _BAND_PIXELS):
        band = slice(start, start + _BAND_PIXELS)
        difference = first[:, band].astype(np.float64) - second[:, band]
        total += (difference @ difference.T).astype(np.int64).astype(object)
    (rr, rg, rb), (_, gg, gb), (_, _, bb) = total.tolist()
    return rr, gg, bb, rg, rb, gb


def _pixels(pair: Pair) -> int:
    """How many count."""
    return pair.reference.cached(_count_of_seen)


def _count_of_seen(image: Samples) -> int:
    return int(np.count_nonzero(seen(image)))


def _decibels(squared_error: float, samples: int, depth: int) -> float:
    peak = (1 << depth) - 1
    return math.inf if squared_error == 0 else 10 * math.log10(peak**2 * samples / squared_error)


def _plane_psnr(products: tuple[int, ...], pair: Pair, weights: tuple[int, int, int], scale: int) -> float:
    """PSNR in dB of the plane (weights · RGB) ÷ scale."""
    rr, gg, bb, rg, rb, gb = products
    r, g, b = weights
    squared_error = r * r * rr + g * g * gg + b * b * bb + 2 * (r * g * rg + r * b * rb + g * b * gb)
    return _decibels(squared_error / scale**2, _pixels(pair), pair.reference.depth)


class PsnrRgb:
    """PSNR from the mean squared error over all RGB samples; infinite for identical images."""

    name = "psnr_rgb"
    title = "PSNR"
    role = "distortion"
    version = "1"
    unit = "dB"
    higher_is_better = True
    depths = ALL_DEPTHS
    channels = ALL_CHANNELS

    def __init__(self, *, device: str = "cpu") -> None:
        self._products = _products_on(self.name, device)

    def __call__(self, pair: Pair) -> float:
        """The value for one pair, in dB."""
        rr, gg, bb, *_ = pair.cached(self._products)
        return _decibels(rr + gg + bb, 3 * _pixels(pair), pair.reference.depth)


class PsnrY:
    """PSNR of full-range BT.601 luma, 0.299 R + 0.587 G + 0.114 B, which is not rounded."""

    name = "psnr_y"
    title = "PSNR-Y"
    role = "distortion"
    version = "1"
    unit = "dB"
    higher_is_better = True
    depths = ALL_DEPTHS
    channels = ALL_CHANNELS

    def __init__(self, *, device: str = "cpu") -> None:
        self._products = _products_on(self.name, device)

    def __call__(self, pair: Pair) -> float:
        """The value for one pair, in dB."""
        return _plane_psnr(pair.cached(self._products), pair, _Y, _Y_SCALE)


class PsnrYuv:
    """(6·PSNR_Y + PSNR_Cb + PSNR_Cr) ÷ 8 over full-range BT.601 planes without subsampling.

    The PSNRs of the planes are averaged in dB, not their squared errors: J.-R. Ohm et al., "Comparison of the
    Coding Efficiency of Video Coding Standards", IEEE Trans. Circuits Syst. Video Technol. 22(12), 2012, eq.
    1. Chroma is compared at full resolution, since a decoded image is RGB.
    """

    name = "psnr_yuv"
    title = "PSNR-YUV"
    role = "distortion"
    version = "1"
    unit = "dB"
    higher_is_better = True
    depths = ALL_DEPTHS
    channels = ALL_CHANNELS

    def __init__(self, *, device: str = "cpu") -> None:
        self._products = _products_on(self.name, device)

    def __call__(self, pair: Pair) -> float:
        """The value for one pair, in dB.

        Raises
        ------
        bench.errors.MetricUndefined
            Some planes are identical and others are not, as can happen with grey images: the average would
            be infinite although the images differ.
        """
        products = pair.cached(self._products)
        y = _plane_psnr(products, pair, _Y, _Y_SCALE)
        cb = _plane_psnr(products, pair, _CB, _CB_SCALE)
        cr = _plane_psnr(products, pair, _CR, _CR_SCALE)
        exact = [name for name, value in (("Y", y), ("Cb", cb), ("Cr", cr)) if math.isinf(value)]
        if 0 < len(exact) < 3:
            raise MetricUndefined(f"no psnr_yuv: {' and '.join(exact)} identical, the other planes not")
        return (6 * y + cb + cr) / 8


class PsnrAlpha:
    """PSNR of the alpha plane; infinite where it is identical, and undefined without one."""

    name = "psnr_alpha"
    title = "PSNR-A"
    role = "diagnostic"
    version = "1"
    unit = "dB"
    higher_is_better = True
    depths = ALL_DEPTHS
    channels = ("rgba",)

    def __call__(self, pair: Pair) -> float:
        """The value for one pair, in dB."""
        check(pair)
        difference = pair.reference.image[..., 3].astype(np.float64) - pair.decoded[..., 3]
        return _decibels(float(np.square(difference).sum()), difference.size, pair.reference.depth)
