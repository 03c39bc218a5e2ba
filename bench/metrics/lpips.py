"""LPIPS, a distance between deep features, over AlexNet and over VGG-16.

R. Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric", CVPR 2018, with
version 0.1 of the linear heads. Values agree with those of the package ``lpips`` to 1e-5. The features of an
original are computed once for all its reconstructions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version as installed
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.codec import Image
from bench.errors import CodecUnavailable, MetricUndefined
from bench.metrics._trunk import (
    INSTALL,
    Trunk,
    TrunkName,
    exact_convolutions,
    load_torch,
    load_trunk,
    to_tensor,
)
from bench.metrics.base import Pair

_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)
"""Mean and standard deviation of RGB in −1 to 1, as the heads were trained."""

_KEPT_FLOATS = 1 << 28
"""Most features of an original that are kept, 1 GiB."""


@dataclass(frozen=True)
class _Net:
    """A trunk, the layers whose features are compared, and what they cost."""

    trunk: TrunkName
    heads: str
    taps: tuple[int, ...]
    """Layers after which features are taken, counted as in torchvision's ``features``."""
    smallest: int
    """Shortest side, in pixels, for which the last tap has an output."""
    floats: int
    """Features per pixel, rounded up."""


_ALEX = _Net("alexnet", "alex", (1, 4, 7, 9, 11), smallest=31, floats=9)
_VGG = _Net("vgg16", "vgg", (3, 8, 15, 22, 29), smallest=16, floats=122)


class _Backbone:
    """A trunk divided at its taps, and the weights of the differences at each."""

    def __init__(self, name: str, net: _Net, device: str) -> None:
        import numpy as np

        torch = load_torch(name)
        folder = _package_folder(name)
        trunk = load_trunk(net.trunk, name, device)
        path = folder / "weights" / "v0.1" / f"{net.heads}.pth"
        state = torch.load(path, map_location=device, weights_only=True)
        self.heads = tuple(state[f"lin{index}.model.1.weight"] for index in range(len(net.taps)))
        self._slices = _sliced(trunk, net.taps)
        shift, scale = np.array(_SHIFT, np.float32), np.array(_SCALE, np.float32)
        self._shift, self._scale = (torch.from_numpy(it[:, None, None]).to(device) for it in (shift, scale))
        self.version = f"1+lpips {installed('lpips')} v0.1+{net.trunk} {trunk.sha256[:12]}"

    def features(self, pixels: Any) -> Iterator[Any]:
        """Features of each tap, (batch, channels, h, w), of ``pixels`` (batch, 3, H, W) in 0 to 255."""
        features = (pixels / 127.5 - 1 - self._shift) / self._scale
        for part in self._slices:
            features = part(features)
            yield features


class LpipsLoss:
    """LPIPS over VGG-16 as a training loss, differentiable in its first argument.

    Convolutions run in bfloat16. A model should not be evaluated by the metric that it was trained with:
    report ``lpips_alex``.

    Parameters
    ----------
    device : ``"cpu"`` or ``"cuda"``

    Raises
    ------
    bench.errors.CodecUnavailable
        PyTorch, the package ``lpips`` or VGG's weights are missing.
    """

    def __init__(self, device: str = "cpu") -> None:
        self._backbone = _Backbone("the LPIPS loss", _VGG, device)
        self._device = device

    def __call__(self, decoded: Any, original: Any) -> Any:
        """The distances of a batch, of shape (batch,).

        Parameters
        ----------
        decoded, original : tensors (batch, 3, height, width), values 0 to 255, sides of at least 16
        """
        import torch

        def unit(features: Any) -> Any:
            features = features.float()
            return features / (torch.linalg.vector_norm(features, dim=1, keepdim=True) + 1e-10)

        with torch.no_grad(), torch.autocast(self._device, torch.bfloat16):
            targets = [unit(it) for it in self._backbone.features(original)]
        distance = torch.zeros(len(decoded), device=self._device)
        with torch.autocast(self._device, torch.bfloat16):
            outputs = list(self._backbone.features(decoded))
        for head, one, other in zip(self._backbone.heads, targets, outputs, strict=True):
            difference = torch.nn.functional.conv2d((unit(other) - one).square(), head)
            distance = distance + difference.mean((1, 2, 3))
        return distance


class _Lpips:
    """The distance over one of the two networks."""

    def __init__(self, name: str, net: _Net, device: str) -> None:
        self._backbone = _Backbone(name, net, device)
        self._net = net
        self._device = device
        self.version = self._backbone.version

    def __call__(self, pair: Pair) -> float:
        import torch

        image = pair.reference.image
        height, width = image.shape[:2]
        if min(height, width) < self._net.smallest:
            raise MetricUndefined(
                f"LPIPS over {self._net.trunk} needs {self._net.smallest} pixels on each side;"
                f" the picture is {width}×{height}"
            )
        with torch.inference_mode(), exact_convolutions():
            if height * width * self._net.floats <= _KEPT_FLOATS:
                reference = iter(pair.reference.cached(self._kept))
            else:
                reference = self._features(image)
            distance = torch.zeros((), dtype=torch.float64, device=self._device)
            decoded = self._features(pair.decoded)
            for head, one, other in zip(self._backbone.heads, reference, decoded, strict=True):
                difference = torch.nn.functional.conv2d(other.sub_(one).square_(), head)
                distance += difference.mean(dtype=torch.float64)
            return float(distance)

    def _kept(self, image: Image) -> list[Any]:
        return list(self._features(image))

    def _features(self, image: Image) -> Iterator[Any]:
        """Features of each tap, shape (1, channels, h, w), normalised to unit length at every position."""
        import torch

        for features in self._backbone.features(to_tensor(image, self._device)):
            length = torch.linalg.vector_norm(features, dim=1, keepdim=True)
            yield features / (length + 1e-10)


class LpipsAlex:
    """LPIPS over AlexNet, the variant that papers report; 0 for identical images."""

    name = "lpips_alex"
    title = "LPIPS"
    role = "perception"
    unit = ""
    higher_is_better = False
    learned = True

    def __init__(self, *, device: str = "cpu") -> None:
        self._distance = _Lpips(self.name, _ALEX, device)
        self.version = self._distance.version

    def __call__(self, pair: Pair) -> float:
        """The distance of one pair.

        Raises
        ------
        bench.errors.MetricUndefined
            A side is shorter than 31 pixels.
        """
        return self._distance(pair)


class LpipsVgg:
    """LPIPS over VGG-16, the variant that codecs are trained with; 0 for identical images."""

    name = "lpips_vgg"
    title = "LPIPS-VGG"
    role = "perception"
    unit = ""
    higher_is_better = False
    learned = True

    def __init__(self, *, device: str = "cpu") -> None:
        self._distance = _Lpips(self.name, _VGG, device)
        self.version = self._distance.version

    def __call__(self, pair: Pair) -> float:
        """The distance of one pair.

        Raises
        ------
        bench.errors.MetricUndefined
            A side is shorter than 16 pixels.
        """
        return self._distance(pair)


def _package_folder(metric: str) -> Path:
    """The folder of the package ``lpips``, found without importing it, since only its weights are needed."""
    found = find_spec("lpips")
    if found is None or not found.submodule_search_locations:
        raise CodecUnavailable(f"{metric} needs the heads in the package lpips: {INSTALL}")
    return Path(next(iter(found.submodule_search_locations)))


def _sliced(trunk: Trunk, taps: tuple[int, ...]) -> list[Any]:
    starts = (0, *(it + 1 for it in taps[:-1]))
    return [trunk.layers[start : tap + 1] for start, tap in zip(starts, taps, strict=True)]
