"""What the VAE-GAN is for, on real images and with the real perceptual metric."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.errors import CodecUnavailable
from bench.inputs.image import read_image
from bench.metrics.base import Pair, Reference
from bench_codecs.vae import Vae
from bench_codecs.vae_gan import VaeGan


def test_it_looks_more_like_the_original_at_the_same_bytes(vae: Vae, kodak: Path) -> None:
    """On Kodak images LPIPS falls by over 15%, at less than 1.5 dB, with more of the finest detail."""
    from bench.metrics.lpips import LpipsAlex
    from bench.metrics.psnr import PsnrRgb
    from bench.metrics.spectrum import HighBandEnergy

    try:
        perceptual = LpipsAlex()
    except CodecUnavailable as error:
        pytest.skip(str(error))
    gan = VaeGan()
    metrics = (perceptual, PsnrRgb(), HighBandEnergy())
    scores = np.zeros((2, 3))
    for name in ("kodim05", "kodim13", "kodim20"):
        picture = read_image(kodak / f"{name}.png").pixels
        for quality in (1.0, 3.0):
            bitstream = vae.encode(picture, quality)
            for row, codec in zip(scores, (vae, gan), strict=True):
                pair = Pair(Reference(picture), codec.decode(bitstream))
                row += [metric(pair) / 6 for metric in metrics]
    (lpips, psnr, energy), (gan_lpips, gan_psnr, gan_energy) = scores
    assert gan_lpips < 0.85 * lpips
    assert gan_psnr > psnr - 1.5
    assert abs(np.log(gan_energy)) < abs(np.log(energy))
