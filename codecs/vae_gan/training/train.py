"""Training the generator, first on perceptual losses and then against a discriminator as well."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.trainer import Observer
from bench_codecs.vae.training.log import has_step
from bench_codecs.vae_gan.training.config import GanConfig


def train(
    config: GanConfig,
    images: Sequence[Path],
    validation: Sequence[Path] = (),
    observer: Observer | None = None,
) -> Path:
    """Train on ``images`` and return the folder of the last checkpoint.

    ``config.out`` receives checkpoints, ``log.csv``, ``training.png`` and ``samples/``: original, VAE and
    generator side by side, of ``validation`` images where there are some, else of training images; and
    for ``validation`` images ``validation.csv``, rates of real bitstreams with PSNR and LPIPS of both.

    Raises
    ------
    bench_codecs.vae.training.loop.TrainingDiverged
        Loss or gradient stopped being finite; ``config.out`` still holds the last good checkpoint.
    bench.errors.CodecUnavailable
        The VAE's, VGG's or AlexNet's weights are missing.
    bench.errors.ConfigError
        ``config.out`` holds a run and ``resume`` is off, or is on and the run is another one.
    """
    from bench_codecs.vae.training.loop import complete
    from bench_codecs.vae_gan.training.figure import draw_training
    from bench_codecs.vae_gan.training.samples import draw_samples
    from bench_codecs.vae_gan.training.trainer import GanTrainer
    from bench_codecs.vae_gan.training.validate import Validation

    observer = observer or Observer()
    trainer = GanTrainer(config, images)
    measured = Validation(config.weights, validation) if validation else None
    points = config.out / "validation.csv"

    def check() -> None:
        trained = trainer.averaged()
        drawn = config.out / "samples" / f"{trainer.step}.png"
        draw_samples(trainer.plain, trained, (validation or images)[:2], drawn)
        if measured is not None and not has_step(points, trainer.step):
            observer.note(f"step {trainer.step}: coding {len(validation)} pictures for {points}")
            measured(trained.synthesis_branch, trainer.step, points)
        draw_training(config.out)

    return complete(trainer, validation, check, observer)
