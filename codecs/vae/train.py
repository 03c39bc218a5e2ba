"""Training: a resumable loop whose every step depends on the seed and the step number alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from bench.errors import ConfigError
from bench.trainer import Observer

from .loop import Rhythm, has_step, run

Preset = Literal["tiny", "base"]

LOG_COLUMNS = ("step", "seconds", "loss", "rate_bpp", "hyper_bpp", "mse", "elbo_bpp", "learning_rate")


@dataclass(frozen=True)
class TrainConfig:
    """What a training run is. On resume ``steps`` may change, which the joint stage gains; the rest stays."""

    out: Path
    preset: Preset = "base"
    steps: int = 8_000
    entropy_steps: int = 2_500
    """The first of the steps, which train the entropy model on the linear transform alone."""
    minutes: float = 0.0
    """Instead of both: about how long a run may take; a quarter goes to the first stage."""
    batch: int = 4
    crop: int = 256
    seed: int = 1
    device: str = "cpu"
    checkpoint_every: int = 250
    log_every: int = 20
    validate_every: int = 2_000
    """Steps between validations with real bitstreams; 0 validates at the end only."""
    use_branches: bool = True
    """Off trains the linear transform's entropy model alone, for ablations."""
    bfloat16: bool | None = None
    """Convolve in bfloat16 while training: about 1.4 times faster where the device has it; None asks it."""
    resume: bool = False


def preset(name: Preset, out: Path) -> TrainConfig:
    """The configuration behind ``--preset``: ``tiny`` takes seconds, ``base`` is the shipped model's."""
    if name == "base":
        return TrainConfig(out=out)
    if name == "tiny":
        config = TrainConfig(out=out, preset="tiny", steps=150, entropy_steps=110, batch=2, crop=64)
        return replace(config, checkpoint_every=30, log_every=10, validate_every=0)
    raise ConfigError(f"unknown preset {name!r}: use tiny or base")


def train(
    config: TrainConfig,
    images: Sequence[Path],
    validation: Sequence[Path] = (),
    observer: Observer | None = None,
) -> Path:
    """Train on the pictures at ``images`` and return the folder of the last checkpoint.

    ``config.out`` receives checkpoints, ``log.csv``, ``training.png``, and where ``validation`` holds
    pictures ``validation.csv`` (RD points of real bitstreams).

    Raises
    ------
    TrainingDiverged
        Loss or gradient stopped being finite; ``config.out`` still holds the last good checkpoint.
    bench.errors.ConfigError
        ``config.out`` holds a run and ``resume`` is off, or is on and the run is another one.
    """
    from .data import require_pictures
    from .figure import draw_training
    from .trainer import Trainer
    from .validate import validate

    config.out.mkdir(parents=True, exist_ok=True)
    observer = observer or Observer()
    trainer = Trainer(config, images)
    require_pictures(validation)
    observer.note(trainer.summary())
    points = config.out / "validation.csv"

    def check() -> None:
        if validation and not has_step(points, trainer.step):
            observer.note(f"step {trainer.step}: coding {len(validation)} pictures for {points}")
            validate(trainer.averaged(), trainer.step, images, validation, points)
        draw_training(config.out)

    run(trainer, Rhythm(config.log_every, config.checkpoint_every, config.validate_every), check, observer)
    return trainer.save()
