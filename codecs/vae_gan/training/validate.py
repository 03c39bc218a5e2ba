"""Validation during training: bitstreams of real images, decoded by the VAE and by the generator."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.image import read_image
from bench.metrics.base import Pair, Reference
from bench.metrics.lpips import LpipsAlex
from bench.metrics.psnr import PsnrRgb
from bench_codecs.vae.codec import Vae
from bench_codecs.vae.training.log import append
from bench_codecs.vae_gan.codec import VaeGan
from bench_codecs.vae_gan.weights import save_generator

if TYPE_CHECKING:
    from torch import nn

QUALITIES = (1.0, 2.0, 3.0)
COLUMNS = ("step", "quality", "bpp", "psnr_vae", "psnr_rgb", "lpips_alex_vae", "lpips_alex")


class Validation:
    """Measures generators for the VAE in ``weights``, by default the shipped one, on ``images``.

    LPIPS over AlexNet is not what they are trained with.

    Raises
    ------
    bench.errors.CodecUnavailable
        AlexNet's weights are missing.
    """

    def __init__(self, weights: Path | None, images: Sequence[Path]) -> None:
        self._weights = str(weights or "")
        self._images = images
        self._vae = Vae(weights=self._weights)
        self._metrics = (PsnrRgb(), LpipsAlex())

    def __call__(self, generator: nn.Module, step: int, log: Path) -> None:
        """Means by quality, appended to the CSV file ``log``."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "generator.safetensors"
            save_generator(file, dict(generator.state_dict()), self._vae.weights_sha256, {})
            trained = VaeGan(weights=self._weights, generator=str(file))
        rows = []
        for quality in QUALITIES:
            found = np.mean([self._measured(trained, path, quality) for path in self._images], 0)
            rows.append([step, quality, *(f"{value:.6f}" for value in found)])
        append(log, COLUMNS, rows)

    def _measured(self, trained: VaeGan, path: Path, quality: float) -> list[float]:
        reference = Reference(read_image(path).pixels)
        bitstream = self._vae.encode(reference.image, quality)
        pairs = [Pair(reference, codec.decode(bitstream)) for codec in (self._vae, trained)]
        height, width = reference.image.shape[:2]
        scores = [metric(pair) for metric in self._metrics for pair in pairs]
        return [8 * len(bitstream) / (height * width), *scores]
