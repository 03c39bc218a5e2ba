"""The architectures behind the training presets."""

from __future__ import annotations

from .context import GridSpec
from .model import ModelSpec
from .networks import BranchSpec
from .train import Preset
from .transform import LOW


def model_spec(preset: Preset) -> ModelSpec:
    """``base`` is the shipped architecture; ``tiny`` has the same shape and trains in seconds."""
    if preset == "base":
        return ModelSpec()
    return ModelSpec(
        coarse=GridSpec((3, 7, 14), 3, hyper_channels=4, hyper_stages=2, features=8, hidden=8, wide=8),
        fine=GridSpec(
            (LOW, 8, 16, 36, 62),
            3,
            hyper_channels=4,
            hyper_stages=3,
            given=True,
            features=8,
            hidden=8,
            wide=8,
        ),
        branches=BranchSpec(analysis=8, latent=8, pixel=8, blocks=1, shared=4),
    )
