"""Trunks for tests of learned metrics: random weights, which need no download, in torchvision's modules."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def random_trunks(folder: Path, names: Sequence[str] = ("alexnet", "vgg16")) -> dict[str, Any]:
    """Write trunks to a folder; torchvision's networks that have the same weights."""
    import torch
    from safetensors.torch import save_file
    from torchvision import models

    torch.manual_seed(0)
    nets = {name: getattr(models, name)(weights=None) for name in names}
    for name, net in nets.items():
        state = {f"features.{key}": value for key, value in net.features.state_dict().items()}
        save_file(state, folder / f"{name}_features.safetensors")
    return {name: net.eval() for name, net in nets.items()}
