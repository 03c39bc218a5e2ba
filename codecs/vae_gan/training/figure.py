"""The figure of a training run: losses against step, and the points of its validations."""

from __future__ import annotations

from pathlib import Path

from bench_codecs.vae.training.figure import by_step, columns, draw


def draw_training(run: Path) -> None:
    """Draw ``log.csv`` and, where present, ``validation.csv`` of a run's folder to its ``training.png``."""
    log = columns(run / "log.csv")
    losses = {name: log[name] for name in ("loss", "lpips_vgg", "texture", "discriminator")}
    curves = by_step(run / "validation.csv", "lpips_alex")
    if curves:
        curves = {"vae": next(iter(by_step(run / "validation.csv", "lpips_alex_vae").values()))} | curves
    draw(run / "training.png", log["step"], losses, curves, ("loss", "LPIPS (AlexNet)"))
