"""Samples of the learned prior: what the model assumes images look like before it has seen one.

Hyper-latents are drawn independently at every position, latents from the distributions of the context model,
and both are decoded. Such a prior knows nothing about objects: samples show textures, edges and blobs of
plausible colour, never scenes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.errors import ConfigError
from bench_codecs.vae.levels import quality_to_code

if TYPE_CHECKING:
    from bench_codecs.vae.model import VaeModel
    from bench_codecs.vae.tables import CodingTables

NOTE = (
    "Samples of a compression prior are textures and colours without objects: the hyper-latents are drawn "
    "independently at every position, as the entropy coder assumes them to be."
)


@dataclass(frozen=True)
class Samples:
    """Which samples to draw. Equal values give the same images on the same device."""

    count: int = 8
    quality: float = 3.0
    seed: int = 1
    side: int = 256
    """Height and width in pixels, a multiple of 64."""


def sample(weights: Path, samples: Samples) -> NDArray[np.uint8]:
    """Draw images from the prior of the model in a weights file; see :func:`draw`."""
    from bench_codecs.vae.weights import load_weights

    package = load_weights(weights)
    return draw(package.model, package.tables, samples)


def draw(model: VaeModel, tables: CodingTables, samples: Samples) -> NDArray[np.uint8]:
    """Draw images from the prior, uint8 (count, side, side, 3).

    Raises
    ------
    bench.errors.ConfigError
        A value of ``samples`` is out of range.
    """
    side, levels = samples.side, model.spec.levels
    if samples.count < 1 or not 1.0 <= samples.quality <= levels or side < 64 or side % 64:
        raise ConfigError(f"sample: need n ≥ 1, quality 1 to {levels} and a side that is a multiple of 64")
    import torch

    from bench_codecs.vae.prior import level_row

    random = np.random.default_rng(samples.seed)
    generator = torch.Generator().manual_seed(samples.seed)
    codes = torch.tensor([quality_to_code(samples.quality)])
    level = int(level_row(codes)[0])

    def draw(start: int, mask: torch.Tensor, mean: torch.Tensor, log_scale: torch.Tensor) -> torch.Tensor:
        noise = torch.randn(mean.shape, generator=generator, dtype=mean.dtype)
        return (torch.round(noise * log_scale.exp()) + mean) * mask

    images = []
    with torch.no_grad():
        for _ in range(samples.count):
            given = None
            first = 0
            for grid in (model.coarse, model.fine):
                channels = grid.context.spec.hyper_channels
                rows = tables.hyper_rows[level, first : first + channels]
                hyper = np.stack(
                    [_draw_row(tables.frequencies, int(row), (side // 64) ** 2, random) for row in rows]
                )
                latents = torch.from_numpy(hyper).double().reshape(1, channels, side // 64, side // 64)
                features = grid.context.features(latents)
                decoded, log_scales = grid.context.walk(features, codes, draw, given)
                if given is None:
                    given = model.coarse_transform.inverse(decoded)
                first += channels
            pixels = model.synthesise(decoded.float(), log_scales.float(), features.float(), codes)[0] + 128
            images.append(pixels.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy())
    return np.stack(images)


def _draw_row(tables: object, row: int, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    from bench_codecs.vae.rans import FrequencyTables

    assert isinstance(tables, FrequencyTables)
    start, size = int(tables.start[row]), int(tables.size[row])
    slots = random.integers(0, 1 << 16, count)
    cumulative = tables.cumulative[start : start + size + 1]
    index = np.searchsorted(cumulative, slots, side="right") - 1
    # An escape stands for any integer outside the table: the smallest integer of the table is drawn instead.
    return np.where(index >= size - 1, 0, index) + int(tables.low[row])
