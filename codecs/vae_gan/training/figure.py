"""The figure of a training run: losses against step, and the points of its validations."""

from __future__ import annotations

from pathlib import Path

from bench_codecs.vae.training.figure import by_step, draw
from bench_codecs.vae.training.log import columns

_LOSSES = ("loss", "lpips_vgg", "texture", "discriminator")


def draw_training(run: Path) -> None:
    """Draw ``log.csv`` and, where present, ``validation.csv`` of a run's folder to its ``training.png``."""
    steps, *values = columns(run / "log.csv", ("step", *_LOSSES))
    losses = dict(zip(_LOSSES, values, strict=True))
    curves = by_step(run / "validation.csv", "lpips_alex")
    if curves:
        curves = {"vae": next(iter(by_step(run / "validation.csv", "lpips_alex_vae").values()))} | curves
    draw(run / "training.png", steps, losses, curves, ("loss", "LPIPS (AlexNet)"))
