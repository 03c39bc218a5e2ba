"""ImageNet trunks of the learned metrics: AlexNet and VGG-16 without their classifiers.

Weights come from a folder that the variable RDBENCH_WEIGHTS names (``alexnet_features.safetensors``,
``vgg16_features.safetensors``, with torchvision's names), or from torchvision's download in torch's cache.
Nothing is downloaded here: half a gigabyte is the user's decision.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from bench.codec import Image
from bench.errors import CodecUnavailable
from bench.host.device import require

if TYPE_CHECKING:
    import torch

TrunkName = Literal["alexnet", "vgg16"]

WEIGHTS_VARIABLE = "RDBENCH_WEIGHTS"
INSTALL = "pip install 'rdbench[perceptual]'"

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Mean and standard deviation of RGB in 0 to 1, with which the trunks' input is normalised."""

_ENUMS: Mapping[TrunkName, str] = {"alexnet": "AlexNet_Weights", "vgg16": "VGG16_Weights"}
_VGG_STAGES = ((3, 64, 2), (64, 128, 2), (128, 256, 3), (256, 512, 3), (512, 512, 3))
"""Channels in, channels out, and number of convolutions of each stage."""

Modules: TypeAlias = "Iterator[torch.nn.Module]"


@dataclass(frozen=True)
class Trunk:
    """The layers of a trunk, ready for inference."""

    layers: Any
    """``torch.nn.Sequential``, with the indices of torchvision's ``features``."""
    sha256: str
    """Hash of the float32 weights."""


def load_torch(metric: str) -> Any:
    """The module ``torch``.

    Raises
    ------
    CodecUnavailable
        It is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise CodecUnavailable(f"{metric} needs PyTorch ({error}): {INSTALL}") from error
    return torch


def load_trunk(name: TrunkName, metric: str, device: str = "cpu") -> Trunk:
    """A trunk with its weights on a device.

    Parameters
    ----------
    name : the network
    metric : what needs it; error messages begin with this
    device : ``"cpu"`` or ``"cuda"``

    Raises
    ------
    CodecUnavailable
        PyTorch, the weights or the device are missing; the message says how to get them.
    """
    torch = load_torch(metric)
    require(metric, device)
    state = {
        key.removeprefix("features."): value.to(torch.float32)
        for key, value in _state(name, metric).items()
        if key.startswith("features.")
    }
    # On the meta device, layers take neither memory nor time before the weights are assigned.
    with torch.device("meta"):
        layers = torch.nn.Sequential(*(_alexnet() if name == "alexnet" else _vgg16()))
    try:
        layers.load_state_dict(state, assign=True)
    except RuntimeError as error:
        raise CodecUnavailable(f"{metric}: the weights found are not those of {name}: {error}") from error
    digest = hashlib.sha256()
    for key in sorted(state):
        digest.update(state[key].numpy().tobytes())
    return Trunk(layers.to(device).eval().requires_grad_(False), digest.hexdigest())


def to_tensor(image: Image, device: str) -> Any:
    """An image as a float32 tensor of shape (1, 3, height, width), values 0 to 255."""
    import torch

    return torch.from_numpy(np.array(image.transpose(2, 0, 1)[None])).to(device, torch.float32)


def exact_convolutions() -> Any:
    """A context manager that turns TensorFloat-32 off, so that a GPU gives the same numbers as a CPU."""
    import torch

    return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)


def _alexnet() -> Modules:
    from torch.nn import Conv2d, MaxPool2d, ReLU

    yield from (Conv2d(3, 64, 11, stride=4, padding=2), ReLU(), MaxPool2d(3, 2))
    yield from (Conv2d(64, 192, 5, padding=2), ReLU(), MaxPool2d(3, 2))
    yield from (Conv2d(192, 384, 3, padding=1), ReLU())
    yield from (Conv2d(384, 256, 3, padding=1), ReLU())
    yield from (Conv2d(256, 256, 3, padding=1), ReLU(), MaxPool2d(3, 2))


def _vgg16() -> Modules:
    from torch.nn import Conv2d, MaxPool2d, ReLU

    convolution = partial(Conv2d, kernel_size=3, padding=1)
    for before, after, count in _VGG_STAGES:
        for index in range(count):
            yield convolution(after if index else before, after)
            yield ReLU()
        yield MaxPool2d(2, 2)


def _state(name: TrunkName, metric: str) -> Mapping[str, Any]:
    path = _own_file(name)
    return _read_safetensors(path, metric) if path and path.is_file() else _from_torchvision(name, metric)


def _own_file(name: TrunkName) -> Path | None:
    """The path of the weights in the user's own folder; None where no folder is named."""
    folder = os.environ.get(WEIGHTS_VARIABLE)
    return Path(folder).expanduser() / f"{name}_features.safetensors" if folder else None


def _read_safetensors(path: Path, metric: str) -> Mapping[str, Any]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        raise CodecUnavailable(f"{metric} needs safetensors to read {path}: {INSTALL}") from error
    try:
        state: Mapping[str, Any] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise CodecUnavailable(f"{metric}: {path} is damaged ({error}); copy it again") from error
    return state


def _from_torchvision(name: TrunkName, metric: str) -> Mapping[str, Any]:
    import torch

    own = _own_file(name)
    absent = f"; {own} does not exist" if own else ""
    remedy = (
        f"or put {name}_features.safetensors into the folder that {WEIGHTS_VARIABLE} names"
        if own
        else f"or set {WEIGHTS_VARIABLE} to a folder that holds {name}_features.safetensors"
    )
    try:
        import torchvision.models
    except ImportError as error:
        raise CodecUnavailable(f"{metric} needs torchvision{absent}: {INSTALL}\n{remedy}") from error
    weights = getattr(torchvision.models, _ENUMS[name]).IMAGENET1K_V1
    path = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rpartition("/")[2]
    if not path.is_file():
        places = " and ".join(str(it) for it in (own, path) if it)
        raise CodecUnavailable(
            f"{metric} needs the ImageNet weights of {name}; looked for {places}. Download them with\n"
            f'  python -c "from torchvision.models import {_ENUMS[name]} as W;'
            ' W.IMAGENET1K_V1.get_state_dict(check_hash=True)"\n'
            f"{remedy}"
        )
    state: Mapping[str, Any] = weights.get_state_dict(progress=False, check_hash=True)
    return state
