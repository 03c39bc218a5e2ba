"""Training: a resumable loop whose every step depends on the seed and the step number alone."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from bench.errors import BenchError, ConfigError

_DIVERGED = 4.0
LOG_COLUMNS = ("step", "seconds", "loss", "rate_bpp", "hyper_bpp", "mse", "elbo_bpp", "learning_rate")


class TrainingDiverged(BenchError):
    """The loss became infinite or grew without bound; the last good checkpoint is kept."""


@dataclass(frozen=True)
class TrainConfig:
    """What a training run is. On resume ``steps`` and ``entropy_steps`` may change, the rest stays."""

    out: Path
    preset: Literal["tiny", "base"] = "base"
    steps: int = 5_150
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


@dataclass(frozen=True)
class Progress:
    """Handed to the observer after every logged step."""

    step: int
    steps: int
    seconds: float
    loss: float
    rate_bpp: float
    elbo_bpp: float

    @property
    def seconds_left(self) -> float:
        """Estimated from the mean speed so far."""
        return self.seconds / max(1, self.step) * (self.steps - self.step)


Observer = Callable[[Progress], None]


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
    steps = trainer.schedule.steps
    started = time.monotonic() - trainer.seconds
    usual = math.nan
    while trainer.step < steps:
        loss = trainer.advance()
        if not math.isfinite(loss) or loss > _DIVERGED * max(usual, 1.0):
            raise TrainingDiverged(
                f"loss {loss:.4g} at step {trainer.step}: stopped; the last good state is in {config.out}, "
                "resume from it with a larger batch or fewer steps"
            )
        usual = loss if math.isnan(usual) else 0.98 * usual + 0.02 * loss
        trainer.seconds = time.monotonic() - started
        last = trainer.step == steps
        if trainer.step % config.log_every == 0 or last:
            row = trainer.log()
            if observer is not None:
                values = (row["loss"], row["rate_bpp"], row["elbo_bpp"])
                observer(Progress(trainer.step, steps, trainer.seconds, *values))
        if trainer.step % config.checkpoint_every == 0 or last:
            trainer.save()
        if validation and (last or (config.validate_every and trainer.step % config.validate_every == 0)):
            validate(trainer.averaged(), trainer.step, images, validation, config.out / "validation.csv")
    if validation:
        draw_training(config.out, config.out / "training.png")
    return trainer.save()
