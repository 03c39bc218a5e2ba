"""Trunks for tests of learned metrics: random weights, which need no download, in torchvision's modules."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def random_trunks(folder: Path) -> dict[str, Any]:
    """Write both trunks to a folder; torchvision's networks that have the same weights."""
    import torch
    from safetensors.torch import save_file
    from torchvision import models

    torch.manual_seed(0)
    nets = {"alexnet": models.alexnet(weights=None), "vgg16": models.vgg16(weights=None)}
    for name, net in nets.items():
        state = {f"features.{key}": value for key, value in net.features.state_dict().items()}
        save_file(state, folder / f"{name}_features.safetensors")
    return {name: net.eval() for name, net in nets.items()}
