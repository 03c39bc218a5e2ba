"""The configuration of a training run of the generator, and its presets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from bench.errors import ConfigError
from bench_codecs.vae.training.config import Preset

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
class GanConfig:
    """The configuration of a training run. On resume only ``steps`` may change."""

    out: Path
    weights: Path | None = None
    """The VAE to start from; None is the shipped one."""
    preset: Preset = "base"
    steps: int = 1_900
    warm_up: int = 600
    """The first of the steps, which train without the discriminator; at most a third of all."""
    minutes: float = 0.0
    """Instead of ``steps``: about how long a run may take."""
    batch: int = 4
    crop: int = 128
    rate: float = 2e-4
    """Learning rate of the generator."""
    distortion: float = 0.0004
    """Weight of the mean squared error in squared 8-bit levels, against LPIPS with weight 1."""
    texture: float = 0.5
    """Weight of the texture loss in 8-bit levels."""
    grid: float = 0.5
    """Weight of the energy of a repeated pattern, in squared 8-bit levels."""
    adversarial: float = 0.002
    """Weight of the adversarial loss."""
    seed: int = 1
    device: str = "cpu"
    checkpoint_every: int = 250
    log_every: int = 20
    validate_every: int = 500
    """Steps between sample images and validations."""
    bfloat16: bool | None = None
    """Convolve in bfloat16 while training, where that is faster; None asks the device."""
    resume: bool = False


def preset(name: Preset, out: Path) -> GanConfig:
    """The configuration behind ``--preset``: ``tiny`` takes seconds, ``base`` is the shipped generator's."""
    if name == "base":
        return GanConfig(out=out)
    if name == "tiny":
        config = GanConfig(out=out, preset="tiny", steps=24, warm_up=8, batch=2, crop=64)
        return replace(config, checkpoint_every=6, log_every=4, validate_every=12)
    raise ConfigError(f"unknown preset {name!r}: use tiny or base")
