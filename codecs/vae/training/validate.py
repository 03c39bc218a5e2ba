"""Validation during training: RD points of real bitstreams, which are written and decoded."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bench.image import read_image
from bench_codecs.vae.training.log import append

if TYPE_CHECKING:
    from bench_codecs.vae.model import VaeModel

COLUMNS = ("step", "quality", "bpp", "psnr_rgb")
_CALIBRATION_IMAGES = 8


class Point(NamedTuple):
    """One operating point, averaged over the images."""

    quality: float
    bpp: float
    psnr_rgb: float
    """Mean over images of the PSNR over all RGB samples, in dB."""


def rate_distortion(weights: Path, images: Sequence[Path]) -> list[Point]:
    """Encode ``images`` at every default quality with a weights file, decode, and measure."""
    from bench_codecs.vae.codec import Vae

    codec = Vae(weights=str(weights))
    points = []
    for quality in codec.qualities:
        rates, scores = [], []
        for path in images:
            pixels = read_image(path).pixels
            bitstream = codec.encode(pixels, quality)
            error = codec.decode(bitstream).astype(np.float64) - pixels
            rates.append(8 * len(bitstream) / (pixels.shape[0] * pixels.shape[1]))
            scores.append(10 * np.log10(255.0**2 / max(float(np.mean(error**2)), 1e-10)))
        points.append(Point(quality, float(np.mean(rates)), float(np.mean(scores))))
    return points


def validate(
    model: VaeModel, step: int, calibration: Sequence[Path], images: Sequence[Path], log: Path
) -> list[Point]:
    """Export ``model`` to a temporary file, measure it, append the points to the CSV file ``log``."""
    from bench_codecs.vae.training.export import write_calibrated

    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.safetensors"
        spread = max(1, len(calibration) // _CALIBRATION_IMAGES)
        facts = {"branches": model.use_branches, "steps": step}
        write_calibrated(model, calibration[::spread][:_CALIBRATION_IMAGES], weights, facts)
        points = rate_distortion(weights, images)
    append(log, COLUMNS, [[step, p.quality, f"{p.bpp:.6f}", f"{p.psnr_rgb:.4f}"] for p in points])
    return points
