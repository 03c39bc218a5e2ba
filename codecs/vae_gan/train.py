"""Training of the generator: first towards pictures that look alike, then against a discriminator as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench_codecs.vae.loop import Rhythm, has_step, run
from bench_codecs.vae.train import Preset

from bench.errors import ConfigError
from bench.trainer import Observer

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
    """What a training run is. On resume ``steps`` may change, the rest stays."""

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
    """Steps between sample pictures and validations."""
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


def train(
    config: GanConfig,
    images: Sequence[Path],
    validation: Sequence[Path] = (),
    observer: Observer | None = None,
) -> Path:
    """Train on the pictures at ``images`` and return the folder of the last checkpoint.

    ``config.out`` receives checkpoints, ``log.csv``, ``training.png`` and ``samples/``: original, VAE and
    generator side by side, of ``validation`` pictures where there are some, else of training pictures; and
    for ``validation`` pictures ``validation.csv``, rates of real bitstreams with PSNR and LPIPS of both.

    Raises
    ------
    bench_codecs.vae.loop.TrainingDiverged
        Loss or gradient stopped being finite; ``config.out`` still holds the last good checkpoint.
    bench.errors.CodecUnavailable
        The VAE's, VGG's or AlexNet's weights are missing.
    bench.errors.ConfigError
        ``config.out`` holds a run and ``resume`` is off, or is on and the run is another one.
    """
    from bench_codecs.vae.data import require_pictures

    from .figure import draw_training
    from .samples import draw_samples
    from .trainer import GanTrainer
    from .validate import Validation

    config.out.mkdir(parents=True, exist_ok=True)
    observer = observer or Observer()
    trainer = GanTrainer(config, images)
    measured = Validation(config.weights, validation) if validation else None
    require_pictures(validation)
    observer.note(trainer.summary())
    points = config.out / "validation.csv"

    def look() -> None:
        trained = trainer.averaged()
        drawn = config.out / "samples" / f"{trainer.step}.png"
        draw_samples(trainer.plain, trained, (validation or images)[:2], drawn)
        if measured is not None and not has_step(points, trainer.step):
            observer.note(f"step {trainer.step}: coding {len(validation)} pictures for {points}")
            measured(trained.synthesis_branch, trainer.step, points)
        draw_training(config.out)

    run(trainer, Rhythm(config.log_every, config.checkpoint_every, config.validate_every), look, observer)
    return trainer.save()
