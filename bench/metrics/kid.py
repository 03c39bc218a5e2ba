"""Kernel distances between sets of patches: KID over Inception's features, and the same over AlexNet's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.codec import Image
from bench.metrics._inception import Inception
from bench.metrics._mmd import squared_mmd
from bench.metrics._patches import patches
from bench.metrics._trunk import IMAGENET_MEAN, IMAGENET_STD, exact_convolutions, load_trunk
from bench.metrics.dataset import Estimate, Features

_ALEXNET_DIMENSIONS = 256


class Kid:
    """KID over patches of 256 pixels: near 0 for equal distributions, negative for equal sets.

    This is the usual estimator; :mod:`bench.metrics._mmd` explains how it is affected by paired sets.
    """

    name = "kid"
    title = "KID"
    role = "set"
    unit = ""
    higher_is_better = False
    _definition = "2"
    _across_images = False

    def __init__(self, *, device: str = "cpu") -> None:
        self._inception = Inception(self.name, device)
        self.version = f"{self._definition}+{self._inception.version}"

    def features(self, image: Image) -> Features:
        """Inception's 2048 features of each patch."""
        return self._inception.features(image)

    def distance(self, reference: Sequence[Features], decoded: Sequence[Features]) -> Estimate:
        """MMD² between the sets; see :func:`bench.metrics._mmd.squared_mmd`."""
        return squared_mmd(reference, decoded, self.name, across_images=self._across_images)


class KidAcrossImages(Kid):
    """KID without the pairs of patches within one image: 0 for equal sets."""

    name = "kid_across_images"
    title = "KID across images"
    _definition = "1"
    _across_images = True


class KidAlexnet:
    """The distance of KID over AlexNet's features, the spatial mean of its last layer.

    This is not KID: values are comparable with each other, but not with published ones.
    """

    name = "kid_alexnet"
    title = "KID (AlexNet)"
    role = "set"
    unit = ""
    higher_is_better = False
    _definition = "2"
    _across_images = False

    def __init__(self, *, device: str = "cpu") -> None:
        trunk = load_trunk("alexnet", self.name, device)
        self._layers = trunk.layers
        self._device = device
        self.version = f"{self._definition}+alexnet {trunk.sha256[:12]}"

    def features(self, image: Image) -> Features:
        """The 256 channel means of each patch."""
        import torch

        cut = patches(image)
        if not len(cut):
            return np.empty((0, _ALEXNET_DIMENSIONS), np.float32)
        with torch.inference_mode(), exact_convolutions():
            batch = torch.from_numpy(np.ascontiguousarray(cut.transpose(0, 3, 1, 2))).to(self._device)
            mean, deviation = (
                torch.tensor(it, device=self._device)[:, None, None] for it in (IMAGENET_MEAN, IMAGENET_STD)
            )
            features: Features = self._layers((batch / 255 - mean) / deviation).mean((2, 3)).cpu().numpy()
        return features

    def distance(self, reference: Sequence[Features], decoded: Sequence[Features]) -> Estimate:
        """MMD² between the sets; see :func:`bench.metrics._mmd.squared_mmd`."""
        return squared_mmd(reference, decoded, self.name, across_images=self._across_images)


class KidAlexnetAcrossImages(KidAlexnet):
    """``kid_alexnet`` without the pairs of patches within one image: 0 for equal sets."""

    name = "kid_alexnet_across_images"
    title = "KID across images (AlexNet)"
    _definition = "1"
    _across_images = True
