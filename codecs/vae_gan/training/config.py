"""The configuration of a training run of the generator, and its presets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from bench.errors import ConfigError
from bench_codecs.vae.training.config import Preset, RunConfig

LOG_COLUMNS = (
    "step",
    "seconds",
    "loss",
    "mse",
    "lpips_vgg",
    "texture",
    "grid",
    "adversarial",
    "discriminator",
    "real_logit",
    "fake_logit",
    "learning_rate",
)


@dataclass(frozen=True)
class GanConfig(RunConfig):
    """The configuration of a training of ``vae-gan``; sample images are made with each validation."""

    weights: Path | None = None
    """The VAE to start from; None is the shipped one."""
    steps: int = 2_600
    warm_up: int = 800
    """The first of the steps, which train without the discriminator; at most a third of all."""
    crop: int = 128
    rate: float = 2e-4
    """Learning rate of the generator."""
    distortion: float = 0.0002
    """Weight of the mean squared error in squared 8-bit levels, against LPIPS with weight 1."""
    texture: float = 0.25
    """Weight of the texture loss in 8-bit levels."""
    excess: float = 6.0
    """Weight of too much texture relative to what the original has there, beside that of any difference."""
    grid: float = 0.25
    """Weight of the energy of a repeated pattern relative to that of the original's detail."""
    adversarial: float = 0.001
    """Weight of the adversarial loss."""
    validate_every: int = 500


def preset(name: Preset, out: Path) -> GanConfig:
    """The configuration behind ``--preset``: ``tiny`` takes seconds, ``base`` is the shipped generator's."""
    if name == "base":
        return GanConfig(out=out)
    if name == "tiny":
        config = GanConfig(out=out, preset="tiny", steps=24, warm_up=8, batch=2, crop=64)
        return replace(config, checkpoint_every=6, log_every=4, validate_every=12)
    raise ConfigError(f"unknown preset {name!r}: use tiny or base")
