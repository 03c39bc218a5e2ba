"""DISTS, deep image structure and texture similarity.

K. Ding et al., "Image quality assessment: unifying structure and texture similarity", IEEE TPAMI 44(5), 2022.
Weights and values are those of the package ``dists-pytorch``. Images are compared at their own size; the
authors' demonstration first reduces them to 256 pixels, but their network does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version as installed
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from bench.codec import Image
from bench.errors import CodecUnavailable, MetricUndefined
from bench.metrics._trunk import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    INSTALL,
    exact_convolutions,
    load_torch,
    load_trunk,
    to_tensor,
)
from bench.metrics.base import Pair

_TAPS = (3, 8, 15, 22, 29)
"""Last layer of each stage of VGG-16."""
_CHANNELS = (3, 64, 128, 256, 512, 512)
_SMALLEST = 16
_STABLE = 1e-6
_KEPT_PIXELS = 2_000_000


class Dists:
    """DISTS, from 0 for identical images to 1."""

    name = "dists"
    title = "DISTS"
    role = "perception"
    unit = ""
    higher_is_better = False
    learned = True

    def __init__(self, *, device: str = "cpu") -> None:
        torch = load_torch(self.name)
        found = find_spec("DISTS_pytorch")
        if found is None or not found.submodule_search_locations:
            raise CodecUnavailable(f"dists needs the weights in the package dists-pytorch: {INSTALL}")
        trunk = load_trunk("vgg16", self.name, device)
        path = Path(next(iter(found.submodule_search_locations))) / "weights.pt"
        weights = torch.load(path, map_location=device, weights_only=True)
        alpha, beta = (weights[it].flatten().to(torch.float32) for it in ("alpha", "beta"))
        total = alpha.sum() + beta.sum()
        self._alpha, self._beta = ((it / total).split(list(_CHANNELS)) for it in (alpha, beta))
        self._layers = trunk.layers
        self._device = device
        self._window = _hanning(torch, device)
        self.version = f"3+dists-pytorch {installed('dists-pytorch')}+vgg16 {trunk.sha256[:12]}"

    def __call__(self, pair: Pair) -> float:
        """The distance of one pair.

        Raises
        ------
        bench.errors.MetricUndefined
            A side is shorter than 16 pixels.
        """
        import torch

        image = pair.reference.image
        height, width = image.shape[:2]
        if min(height, width) < _SMALLEST:
            raise MetricUndefined(
                f"DISTS needs {_SMALLEST} pixels on each side; the picture is {width}×{height}"
            )
        if np.array_equal(image, pair.decoded):
            return 0.0  # in single precision, flat images would be some thousandths away from themselves
        with torch.inference_mode(), exact_convolutions():
            kept = height * width <= _KEPT_PIXELS
            reference = pair.reference.cached(self._stages) if kept else self._features(image)
            likeness = torch.zeros((), device=self._device)
            stages = zip(reference, self._features(pair.decoded), strict=True)
            for (x, y), alpha, beta in zip(stages, self._alpha, self._beta, strict=True):
                x_mean, y_mean = x.mean((2, 3)), y.mean((2, 3))
                # Features are centred first. As a difference of means, the covariance of nearly flat features
                # would be rounding noise greater than both variances, and the distance negative.
                x, y = x - x_mean[..., None, None], y - y_mean[..., None, None]
                x_spread, y_spread, shared = (it.mean((2, 3)) for it in (x * x, y * y, x * y))
                texture = (2 * x_mean * y_mean + _STABLE) / (x_mean.square() + y_mean.square() + _STABLE)
                structure = (2 * shared + _STABLE) / (x_spread + y_spread + _STABLE)
                likeness += (alpha * texture + beta * structure).sum()
            return float(1 - likeness)

    def _stages(self, image: Image) -> list[Any]:
        return list(self._features(image))

    def _features(self, image: Image) -> Iterator[Any]:
        """The image itself, then the output of each stage, shape (1, channels, h, w)."""
        import torch

        pixels = to_tensor(image, self._device) / 255
        yield pixels
        mean, deviation = (
            torch.tensor(it, device=self._device)[:, None, None] for it in (IMAGENET_MEAN, IMAGENET_STD)
        )
        features = (pixels - mean) / deviation
        for index in range(_TAPS[-1] + 1):
            if type(self._layers[index]) is torch.nn.MaxPool2d:
                features = self._pooled(features)
            else:
                features = self._layers[index](features)
            if index in _TAPS:
                yield features

    def _pooled(self, features: Any) -> Any:
        """L2 pooling under a Hann window with stride 2, which unlike VGG's maximum does not alias."""
        import torch

        channels = features.shape[1]
        window = self._window.expand(channels, 1, 3, 3)
        energy = torch.nn.functional.conv2d(features.square(), window, stride=2, padding=1, groups=channels)
        return (energy + 1e-12).sqrt()


def _hanning(torch: Any, device: str) -> Any:
    """The inner 3 × 3 taps of a Hann window of length 5, normalised to a sum of 1."""
    taps = torch.tensor((0.5, 1.0, 0.5), dtype=torch.float64)
    window = torch.outer(taps, taps)
    return (window / window.sum()).to(device, torch.float32)
