"""Synthetic curves for the tests of RD analysis."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from bench.rd import Curve, ImageCurves


def reference_folder() -> Path:
    """The folder of published curves, or a skip."""
    data = os.environ.get("RDBENCH_DATA")
    folder = Path(data or ".").parent / "reference" / "compressai-kodak"
    if not data or not folder.is_dir():
        pytest.skip("RDBENCH_DATA names no folder beside reference/compressai-kodak")
    return folder


def curve(label: str = "a", offset: float = 1.0, points: int = 8) -> Curve:
    """A smooth, monotone PSNR curve whose rates are scaled by ``offset``."""
    s = np.linspace(0.0, 1.0, points)
    rate = offset * 0.1 * np.exp(3.2 * s)
    quality = 26.0 + 15.0 * s**0.9
    return Curve(label, tuple(rate.tolist()), tuple(quality.tolist()))


def images(label: str = "a", *, count: int = 24, spread: float = 0.0, seed: int = 0) -> ImageCurves:
    """Curves of ``count`` images of varying difficulty, the same for every label and seed.

    ``spread`` is the standard deviation, from ``seed``, of the log-rate offset of each image.
    """
    content = np.random.default_rng(99)
    s = np.linspace(0.0, 1.0, 8)
    rate = content.uniform(0.5, 2.0, (count, 1)) * 0.1 * np.exp(3.2 * s)
    quality = 26.0 + 15.0 * s ** content.uniform(0.7, 1.2, (count, 1)) + content.normal(0.0, 2.0, (count, 1))
    offset = np.exp(spread * np.random.default_rng(seed).normal(size=(count, 1)))
    return ImageCurves(label, "psnr_rgb", tuple(f"{k:03}.png" for k in range(count)), rate * offset, quality)
