"""Training the VAE, in a resumable loop of which every step depends only on the seed and its number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.trainer import Observer
from bench_codecs.vae.training.config import TrainConfig
from bench_codecs.vae.training.log import has_step


def train(
    config: TrainConfig,
    images: Sequence[Path],
    validation: Sequence[Path] = (),
    observer: Observer | None = None,
) -> Path:
    """Train on ``images`` and return the folder of the last checkpoint.

    ``config.out`` receives checkpoints, ``log.csv``, ``training.png``, and where ``validation`` holds
    images ``validation.csv`` (RD points of real bitstreams).

    Raises
    ------
    TrainingDiverged
        Loss or gradient stopped being finite; ``config.out`` still holds the last good checkpoint.
    bench.errors.ConfigError
        ``config.out`` holds a run and ``resume`` is off, or is on and the run is another one.
    """
    from bench_codecs.vae.training.figure import draw_training
    from bench_codecs.vae.training.loop import complete
    from bench_codecs.vae.training.trainer import Trainer
    from bench_codecs.vae.training.validate import validate

    observer = observer or Observer()
    trainer = Trainer(config, images)
    points = config.out / "validation.csv"

    def check() -> None:
        if validation and not has_step(points, trainer.step):
            observer.note(f"step {trainer.step}: coding {len(validation)} pictures for {points}")
            validate(trainer.averaged(), trainer.step, images, validation, points)
        draw_training(config.out)

    return complete(trainer, validation, check, observer)
