"""From a checkpoint to a weights file: averaged weights in half precision, and calibrated coding tables."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.image import read_image
from bench_codecs.vae.levels import CODING_STRENGTH, STEPS_PER_LEVEL
from bench_codecs.vae.training.checkpoint import open_checkpoint

if TYPE_CHECKING:
    from bench_codecs.vae.model import VaeModel
    from bench_codecs.vae.tables import CodingTables
    from bench_codecs.vae.weights import Package

HYPER_RADIUS = 64


def export(checkpoint: Path, images: Sequence[Path], out: Path, training: dict[str, Any]) -> str:
    """Write a weights file from a checkpoint.

    Parameters
    ----------
    checkpoint : folder of a checkpoint, or of a run
    images : training images on which the coding tables are calibrated; 20 to 40 are enough
    out : the file to write
    training : facts for its metadata (data, hardware)

    Returns
    -------
    The file's SHA-256.

    Raises
    ------
    bench.errors.ConfigError
        There is no checkpoint.
    """
    from bench_codecs.vae.model import VaeModel
    from bench_codecs.vae.training.config import model_spec

    groups, meta = open_checkpoint(checkpoint)
    model = VaeModel(model_spec(meta["config"]["preset"]))
    model.load_state_dict(groups["model"])
    averages = groups["average"]
    parameters = dict(model.named_parameters())
    for name, value in averages.items():
        parameters[name].data.copy_(value)
    seconds = meta["seconds"] + meta.get("seconds_before", 0.0)
    facts = {"steps": meta["step"], "seconds": seconds, **training}
    branches = bool(meta["config"]["use_branches"]) and meta["step"] > meta["config"]["entropy_steps"]
    return write_calibrated(model, images, out, {"branches": branches, **facts})


def write_calibrated(model: VaeModel, images: Sequence[Path], out: Path, facts: dict[str, Any]) -> str:
    """Calibrate the coding tables on ``images`` and write a weights file; returns its SHA-256."""
    from bench_codecs.vae.fixed import limit_weights
    from bench_codecs.vae.weights import load_weights, save_weights

    model = copy.deepcopy(model).cpu()
    limit_weights(model)
    masses = _prior_masses(model)
    slices = len(model.coarse.context.slices) + len(model.fine.context.slices)
    tables = _uncalibrated(slices, masses)
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "draft.safetensors"
        save_weights(draft, model, tables, facts)
        package = load_weights(draft)
        histogram, hyper = count_symbols(package, images, slices, masses.shape)
    from bench_codecs.vae.tables import build_tables

    return save_weights(out, model, build_tables(histogram, masses, hyper), facts)


def count_symbols(
    package: Package, images: Sequence[Path], slices: int, hyper_shape: tuple[int, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Count the symbols that a model codes on images, at all levels.

    Returns
    -------
    Histograms of latents, (slices, scales, values), and of hyper-latents, (levels, channels, values).
    """
    import torch

    from bench_codecs.vae.entropy import TileCoder
    from bench_codecs.vae.rate import SCALES
    from bench_codecs.vae.tables import HISTOGRAM_RADIUS
    from bench_codecs.vae.tiling import analyse_window, windows

    width = 2 * HISTOGRAM_RADIUS + 1
    histogram = np.zeros((slices, SCALES, width))
    hyper = np.zeros(hyper_shape)
    coder = TileCoder(package.model, package.tables)

    def tap(index: int, scale: NDArray[np.int64], symbols: NDArray[np.int32]) -> None:
        near = np.abs(symbols) <= HISTOGRAM_RADIUS
        flat = scale[near] * width + symbols[near] + HISTOGRAM_RADIUS
        histogram[index] += np.bincount(flat, minlength=SCALES * width).reshape(SCALES, width)

    for path in images:
        pixels = read_image(path).pixels
        for level in range(len(hyper)):
            code = level * STEPS_PER_LEVEL
            codes = torch.tensor([code])

            def hyper_tap(first: int, symbols: NDArray[np.int32], level: int = level) -> None:
                near = symbols.clip(-HYPER_RADIUS, HYPER_RADIUS) + HYPER_RADIUS
                for channel, values in enumerate(near):
                    hyper[level, first + channel] += np.bincount(values, minlength=hyper_shape[2])

            with torch.no_grad():
                for window in windows(*pixels.shape[:2]):
                    latents = analyse_window(package.model, pixels, window, codes)
                    coder.encode(latents, code, CODING_STRENGTH, (tap, hyper_tap))
    return histogram, hyper


def _uncalibrated(slices: int, masses: NDArray[np.float64]) -> CodingTables:
    from bench_codecs.vae.rate import SCALES
    from bench_codecs.vae.tables import HISTOGRAM_RADIUS, build_tables

    return build_tables(np.zeros((slices, SCALES, 2 * HISTOGRAM_RADIUS + 1)), masses, np.zeros_like(masses))


def _prior_masses(model: VaeModel) -> NDArray[np.float64]:
    """(levels, channels of both grids, 2·R + 1) probabilities of the hyper-latents."""
    import torch

    values = torch.arange(-HYPER_RADIUS, HYPER_RADIUS + 1).float()[None, None, :, None]
    rows = []
    with torch.no_grad():
        for level in range(model.spec.levels):
            levels = torch.tensor([level])
            parts = []
            for grid in (model.coarse, model.fine):
                channels = grid.context.spec.hyper_channels
                mass = grid.prior.mass(values.expand(1, channels, -1, 1), levels)
                parts.append(mass[0, :, :, 0].double().numpy())
            rows.append(np.concatenate(parts))
    masses: NDArray[np.float64] = np.stack(rows) + 1e-12
    return masses
