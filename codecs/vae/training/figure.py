"""The figure of a training run: losses against step, and the points of its validations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench_codecs.vae.training.log import columns


def draw_training(run: Path) -> None:
    """Draw ``log.csv`` and, where present, ``validation.csv`` of a run's folder to its ``training.png``."""
    steps, elbo, rate = columns(run / "log.csv", ("step", "elbo_bpp", "rate_bpp"))
    losses = {"R + λD (negative ELBO)": [-it for it in elbo], "R": rate}
    curves = by_step(run / "validation.csv", "psnr_rgb")
    draw(run / "training.png", steps, losses, curves, ("bits per pixel", "PSNR (RGB), dB"))


def draw(
    out: Path,
    steps: Sequence[float],
    losses: Mapping[str, Sequence[float]],
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    units: tuple[str, str],
) -> None:
    """Draw losses against steps, and RD curves beside them if there are any.

    Parameters
    ----------
    out : the file to write
    steps : of the losses
    losses : by label
    curves : rates and scores, by label
    units : axis labels for losses and scores
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 2 if curves else 1, squeeze=False)[0]
    for label, values in losses.items():
        axes[0].plot(steps, values, label=label)
    axes[0].set(xlabel="step", ylabel=units[0])
    for label, (rates, scores) in curves.items():
        axes[1].plot(rates, scores, "o-", label=label)
        axes[1].set(xlabel="bits per pixel", ylabel=units[1], title="validation, real bitstreams")
    for axis in axes:
        axis.legend()
    figure.savefig(out, dpi=150)


def by_step(path: Path, score: str) -> dict[str, tuple[list[float], list[float]]]:
    """The RD curves in a ``validation.csv``, by step; empty if there is no such file.

    Parameters
    ----------
    path : the file
    score : name of the column of scores

    Returns
    -------
    Rates in bpp and scores, by ``"step N"``.
    """
    curves: dict[str, tuple[list[float], list[float]]] = {}
    for step, rate, value in zip(*columns(path, ("step", "bpp", score)), strict=True):
        rates, values = curves.setdefault(f"step {step:.0f}", ([], []))
        rates.append(rate)
        values.append(value)
    return curves
