"""Training: a resumable loop whose every step depends on the seed and the step number alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from bench.errors import ConfigError

from .loop import Observer, Rhythm, run

LOG_COLUMNS = ("step", "seconds", "loss", "rate_bpp", "hyper_bpp", "mse", "elbo_bpp", "learning_rate")


@dataclass(frozen=True)
class TrainConfig:
    """What a training run is. On resume ``steps`` and ``entropy_steps`` may change, the rest stays."""

    out: Path
    preset: Literal["tiny", "base"] = "base"
    steps: int = 8_000
    entropy_steps: int = 2_500
    """The first of the steps, which train the entropy model on the linear transform alone."""
    minutes: float = 0.0
    """Instead of ``steps``: about how long a fresh run may take; a quarter goes to the first stage."""
    batch: int = 4
    crop: int = 256
    seed: int = 1
    device: str = "cpu"
    threads: int = 0
    """CPU threads; 0 leaves torch's choice."""
    checkpoint_every: int = 250
    log_every: int = 20
    validate_every: int = 0
    """Steps between validations with real bitstreams; 0 validates at the end only."""
    use_branches: bool = True
    """Off trains the linear transform's entropy model alone, for ablations."""
    bfloat16: bool = True
    """Convolve in bfloat16 while training: about 1.4 times faster where the processor has it."""
    resume: bool = False


def preset(name: Literal["tiny", "base"], out: Path) -> TrainConfig:
    """The configuration behind ``--preset``: ``tiny`` takes seconds, ``base`` is the shipped model's."""
    if name == "base":
        return TrainConfig(out=out)
    if name == "tiny":
        config = TrainConfig(out=out, preset="tiny", steps=150, entropy_steps=110, batch=2, crop=64)
        return replace(config, checkpoint_every=30, log_every=10)
    raise ConfigError(f"unknown preset {name!r}: use tiny or base")


def train(
    config: TrainConfig,
    images: Sequence[Path],
    validation: Sequence[Path] = (),
    observer: Observer | None = None,
) -> Path:
    """Train on the pictures at ``images`` and return the folder of the last checkpoint.

    ``config.out`` receives checkpoints, ``log.csv``, and where ``validation`` holds pictures
    ``validation.csv`` (RD points of real bitstreams) and ``training.png``.

    Raises
    ------
    TrainingDiverged
        The loss stopped being finite; ``config.out`` still holds the last good checkpoint.
    bench.errors.ConfigError
        ``config.out`` already holds a run and ``resume`` is off, or the device is absent.
    """
    from .figure import draw_training
    from .trainer import Trainer
    from .validate import validate

    config.out.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(config, images)

    def check() -> None:
        if validation:
            validate(trainer.averaged(), trainer.step, images, validation, config.out / "validation.csv")

    run(trainer, Rhythm(config.log_every, config.checkpoint_every, config.validate_every), check, observer)
    if validation:
        draw_training(config.out, config.out / "training.png")
    return trainer.save()
