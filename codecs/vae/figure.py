"""The picture of a training run: loss against step, and RD points of its validations."""

from __future__ import annotations

import csv
from pathlib import Path


def draw_training(run: Path, out: Path) -> None:
    """Draw ``log.csv`` and, where present, ``validation.csv`` of the folder ``run`` to the file ``out``."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    log = _columns(run / "log.csv")
    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    loss, curve = figure.subplots(1, 2)
    loss.plot(log["step"], [-v for v in log["elbo_bpp"]], label="R + λD (negative ELBO)")
    loss.plot(log["step"], log["rate_bpp"], label="R")
    loss.set(xlabel="step", ylabel="bits per pixel")
    loss.legend()
    if (run / "validation.csv").exists():
        points = _columns(run / "validation.csv")
        for step in sorted(set(points["step"])):
            chosen = [i for i, s in enumerate(points["step"]) if s == step]
            rates, scores = ([points[name][i] for i in chosen] for name in ("bpp", "psnr_rgb"))
            curve.plot(rates, scores, "o-", label=f"step {step:.0f}")
        curve.legend()
    curve.set(xlabel="bits per pixel", ylabel="PSNR (RGB), dB", title="validation, real bitstreams")
    figure.savefig(out, dpi=150)


def _columns(path: Path) -> dict[str, list[float]]:
    with path.open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    return {name: [float(row[name]) for row in rows] for name in (rows[0] if rows else {})}
