"""The configuration of a training run of the VAE, and its presets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from bench.errors import ConfigError
from bench_codecs.vae.context import GridSpec
from bench_codecs.vae.levels import LEVELS
from bench_codecs.vae.model import ModelSpec
from bench_codecs.vae.networks import BranchSpec
from bench_codecs.vae.transform import LOW

Preset = Literal["tiny", "base"]

LOG_COLUMNS = ("step", "seconds", "loss", "rate_bpp", "hyper_bpp", "mse", "elbo_bpp", "learning_rate")


@dataclass(frozen=True)
class RunConfig:
    """What every training run is configured by. On resume only ``steps`` may change."""

    out: Path
    steps: int
    crop: int
    validate_every: int
    """Steps between validations; 0 validates at the end only."""
    preset: Preset = "base"
    minutes: float = 0.0
    """Instead of ``steps``: about how long a run may take."""
    batch: int = 4
    seed: int = 1
    device: str = "cpu"
    checkpoint_every: int = 150
    log_every: int = 20
    bfloat16: bool | None = None
    """Convolve in bfloat16 while training: about 1.4 times faster where the device has it; None asks it."""
    resume: bool = False


@dataclass(frozen=True)
class TrainConfig(RunConfig):
    """The configuration of a training of ``vae``; ``steps`` may change for the joint stage."""

    steps: int = 8_000
    entropy_steps: int = 2_500
    """The first of the steps, which train the entropy model on the linear transform alone. Of ``minutes`` a
    quarter goes to them."""
    crop: int = 256
    validate_every: int = 2_000
    weights: Path | None = None
    """A weights file to start from, widened where the preset is wider; None starts in closed form."""
    use_branches: bool = True
    """Off trains the linear transform's entropy model alone, for ablations."""


def preset(name: Preset, out: Path) -> TrainConfig:
    """The configuration behind ``--preset``: ``tiny`` takes seconds, ``base`` is the shipped model's."""
    if name == "base":
        return TrainConfig(out=out)
    if name == "tiny":
        config = TrainConfig(out=out, preset="tiny", steps=150, entropy_steps=110, batch=2, crop=64)
        return replace(config, checkpoint_every=30, log_every=10, validate_every=0)
    raise ConfigError(f"unknown preset {name!r}: use tiny or base")


def model_spec(preset: Preset) -> ModelSpec:
    """``base`` is the shipped architecture; ``tiny`` has the same shape and trains in seconds."""
    if preset == "base":
        first = ModelSpec()  # as the first weights that shipped had it
        return ModelSpec(
            coarse=replace(first.coarse, hidden=96, wide=192),
            fine=replace(first.fine, hidden=96, wide=192),
            branches=replace(first.branches, analysis_blocks=2, latent_blocks=2),
            levels=LEVELS,
        )
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
        branches=BranchSpec(
            analysis=8, latent=8, pixel=8, blocks=1, shared=4, analysis_blocks=1, latent_blocks=1
        ),
        levels=LEVELS,
    )
