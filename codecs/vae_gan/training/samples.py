"""Sample images of a training run, which show what the losses do not."""

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
    """Draw the middle of each image at quality 1, 2 and 3, in rows of original, VAE and generator."""
    rows = []
    for path in paths:
        image = _middle(read_image(path).pixels)
        for quality in _QUALITIES:
            rows.append(np.concatenate([image, *_decoded((plain, trained), image, quality)], 1))
    widest = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, 0), (0, widest - row.shape[1]), (0, 0))) for row in rows]
    out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(padded)).save(out)


def _decoded(
    models: tuple[VaeModel, VaeModel], image: NDArray[np.uint8], quality: float
) -> list[NDArray[np.uint8]]:
    device = next(models[0].parameters()).device
    x = torch.from_numpy(image).permute(2, 0, 1)[None].to(device).float() - 128
    code = torch.tensor([quality_to_code(quality)], device=device)
    latents = models[0].estimate(x, code)
    images = []
    for model in models:
        samples = model.synthesise(latents.decoded, latents.log_scales, latents.features, code)
        pixels = (samples[0] + 128).round().clamp(0, 255).to(torch.uint8)
        images.append(pixels.permute(1, 2, 0).cpu().numpy())
    return images


def _middle(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    margin = [(0, max(0, PATCH - side)) for side in image.shape[:2]]
    image = np.pad(image, (*margin, (0, 0)), "edge")
    height, width = (min(_SIDE, side // PATCH * PATCH) for side in image.shape[:2])
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width].copy()
