"""The discriminator, which tells photographs from decoded images, given the latents."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from bench_codecs.vae_gan.training.losses import detail

_SLOPE = 0.2
_SAMPLE_SCALE = 64.0
_DETAIL_SCALE = 6.0
_GAIN = 4.0
"""Gain of the logits, which spectral normalisation keeps small."""


@dataclass(frozen=True)
class DiscriminatorSpec:
    """Widths of the discriminator's layers; every layer halves the resolution."""

    widths: tuple[int, ...] = (32, 64, 128, 256)
    condition: int = 12
    """Number of channels to which the latents are reduced."""


class Discriminator(nn.Module):
    """A conditional PatchGAN (P. Isola et al., CVPR 2017) with spectral normalisation, after HiFiC.

    There is one logit for each 16×16 samples, with a receptive field of about 46×46; positive means
    "original". The finest detail (samples minus their 3×3 mean) is a separate input with its own scale. Under
    spectral normalisation it would be too faint as part of the image, and without it such a small network
    learned nothing in hundreds of steps.
    """

    def __init__(self, spec: DiscriminatorSpec, latents: int) -> None:
        super().__init__()
        self.condition = spectral_norm(nn.Conv2d(latents, spec.condition, 3, padding=1))
        widths = (6 + spec.condition, *spec.widths)
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(before, after, 4, stride=2, padding=1))
            for before, after in pairwise(widths)
        )
        self.head = spectral_norm(nn.Conv2d(widths[-1], 1, 1))

    def forward(self, samples: Tensor, latents: Tensor) -> Tensor:
        """Classify each patch.

        Parameters
        ----------
        samples : (batch, 3, H, W), in 8-bit levels, centred on 0
        latents : (batch, channels, H/8, W/8), of about unit variance

        Returns
        -------
        Logits, (batch, 1, H/16, W/16).
        """
        condition = F.leaky_relu(self.condition(latents), _SLOPE)
        condition = F.interpolate(condition, size=samples.shape[2:]).to(samples.dtype)
        x = torch.cat([samples / _SAMPLE_SCALE, detail(samples) / _DETAIL_SCALE, condition], 1)
        for layer in self.layers:
            x = F.leaky_relu(layer(x), _SLOPE)
        logits: Tensor = self.head(x)
        return _GAIN * logits.float()
