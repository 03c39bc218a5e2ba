"""Sample images of a training run: what the losses do not show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from bench.image import read_image
from bench_codecs.vae.levels import quality_to_code
from bench_codecs.vae.model import PATCH, VaeModel

_SIDE = 256
_QUALITIES = (1.0, 2.0, 3.0)


@torch.no_grad()
def draw_samples(plain: VaeModel, trained: VaeModel, paths: Sequence[Path], out: Path) -> None:
    """Rows of original, VAE, generator; for each image and quality 1, 2 and 3; the middle of each."""
    rows = []
    for path in paths:
        picture = _middle(read_image(path).pixels)
        for quality in _QUALITIES:
            rows.append(np.concatenate([picture, *_decoded((plain, trained), picture, quality)], 1))
    widest = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, 0), (0, widest - row.shape[1]), (0, 0))) for row in rows]
    out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(padded)).save(out)


def _decoded(
    models: tuple[VaeModel, VaeModel], picture: NDArray[np.uint8], quality: float
) -> list[NDArray[np.uint8]]:
    device = next(models[0].parameters()).device
    x = torch.from_numpy(picture).permute(2, 0, 1)[None].to(device).float() - 128
    code = torch.tensor([quality_to_code(quality)], device=device)
    latents = models[0].estimate(x, code)
    pictures = []
    for model in models:
        samples = model.synthesise(latents.decoded, latents.log_scales, latents.features, code)
        pixels = (samples[0] + 128).round().clamp(0, 255).to(torch.uint8)
        pictures.append(pixels.permute(1, 2, 0).cpu().numpy())
    return pictures


def _middle(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    margin = [(0, max(0, PATCH - side)) for side in picture.shape[:2]]
    picture = np.pad(picture, (*margin, (0, 0)), "edge")
    height, width = (min(_SIDE, side // PATCH * PATCH) for side in picture.shape[:2])
    top, left = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    return picture[top : top + height, left : left + width].copy()
