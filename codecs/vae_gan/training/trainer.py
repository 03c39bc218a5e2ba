"""A training run of ``vae-gan``: generator, discriminator, their optimisers and data."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.errors import ConfigError
from bench_codecs.vae.levels import quality_to_code
from bench_codecs.vae.model import Estimate, VaeModel
from bench_codecs.vae.training.data import Crops
from bench_codecs.vae.training.loop import TrainingRun
from bench_codecs.vae.training.optim import Optimised
from bench_codecs.vae.weights import load_weights, shipped_weights
from bench_codecs.vae_gan.generator import TRAINED_QUALITY, start_from
from bench_codecs.vae_gan.training.config import LOG_COLUMNS, GanConfig
from bench_codecs.vae_gan.training.discriminator import Discriminator, DiscriminatorSpec
from bench_codecs.vae_gan.training.losses import grid_energy, texture_distance

_DECAY_SHARE = 0.35
_FLOOR = 0.02
_TINY = DiscriminatorSpec((4, 8, 8, 8), 2)
_TIMED_STEPS = 3
_HEAD_START = 4.0
"""The discriminator's learning rate ÷ the generator's, so that it can keep up with the generator."""


class GanTrainer(TrainingRun[GanConfig]):
    """A run that alternates steps of generator and discriminator.

    The encoder and the entropy model are left unchanged, and so are the bitstreams.
    """

    trainer = "vae-gan"
    columns = LOG_COLUMNS
    shown: ClassVar = {"loss": "loss", "LPIPS": "lpips_vgg", "G": "adversarial", "D": "discriminator"}

    def __init__(self, config: GanConfig, images: Sequence[Path]) -> None:
        from bench.metrics.lpips import LpipsLoss

        super().__init__(config, images)
        config = self._config
        self._perceptual = LpipsLoss(config.device)
        package = load_weights(config.weights or shipped_weights(), config.device, exact=False)
        self.plain = package.model
        """The VAE as it was."""
        self._vae_sha256 = package.sha256
        self._model = copy.deepcopy(self.plain)
        self._model.train_mixed(bool(config.bfloat16))
        torch.manual_seed(config.seed)
        self.generator = start_from(self.plain.synthesis_branch, self.plain.spec.branches).train()
        self._model.synthesis_branch = self.generator
        spec = DiscriminatorSpec() if config.preset == "base" else _TINY
        self.discriminator = Discriminator(spec, self.generator.correction.out_channels).to(config.device)
        for network in (self.generator, self.discriminator):
            network.to(memory_format=torch.channels_last)
        self._generating = Optimised(self.generator, prefix="generator_")
        self._judging = Optimised(self.discriminator, prefix="discriminator_")
        self._crops = Crops(images, config.crop, config.seed, quality_to_code(TRAINED_QUALITY))
        self._optimised = (self._generating, self._judging)
        self._require_same_vae()
        self._begin()

    def advance(self) -> float:
        """Take a step of the generator and, from half the warm-up on, one of the discriminator.

        Returns
        -------
        The generator's loss; NaN where a loss or a gradient is not finite.
        """
        rate = self._config.rate * self._pace()
        for part, factor in ((self._generating, 1.0), (self._judging, _HEAD_START)):
            for group in part.groups:
                group["lr"] = factor * rate
        loss, row, pictures = self._generate(self.step)
        self._generating.clear()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        healthy = math.isfinite(row["loss"]) and self._generating.apply(self.step)
        if healthy and self.step >= self._config.warm_up // 2:
            # It starts early, so that it has learned something by the time that the generator listens to it.
            judged = self._judge(*pictures)
            healthy = judged is not None
            row |= judged or {}
        self.step += 1
        self._log.add({**row, "learning_rate": rate})
        return row["loss"] if healthy else math.nan

    def _generate(self, step: int) -> tuple[Tensor, dict[str, float], tuple[Tensor, Tensor, Tensor]]:
        config = self._config
        pixels, codes = self._crops.batch(step, config.batch)
        x = torch.from_numpy(pixels).to(config.device).float() - 128
        x = x.contiguous(memory_format=torch.channels_last)
        code = torch.from_numpy(codes).to(config.device)
        with torch.no_grad():
            latents = self._model.estimate(x, code)
        condition = self._condition(latents, code)
        self.generator.seed = step + 1
        samples = self._model.synthesise(latents.decoded, latents.log_scales, latents.features, code)
        mse = (samples - x).square().mean()
        lpips = self._perceptual(samples + 128, x + 128).mean()
        texture = texture_distance(samples, x, config.excess).mean()
        grid = grid_energy(samples, x).mean()
        loss = config.distortion * mse + lpips + config.texture * texture + config.grid * grid
        adversarial = torch.zeros((), device=x.device)
        if step >= config.warm_up:
            # its gradients reach the samples, not the discriminator's own parameters
            with torch.autocast(x.device.type, torch.bfloat16, enabled=bool(config.bfloat16)):
                adversarial = F.softplus(-self.discriminator(samples, condition)).mean()
            loss = loss + config.adversarial * adversarial
        row = {
            "loss": loss.item(),
            "mse": mse.item(),
            "lpips_vgg": lpips.item(),
            "texture": texture.item(),
            "grid": grid.item(),
            "adversarial": adversarial.item(),
            "discriminator": 0.0,
            "real_logit": 0.0,
            "fake_logit": 0.0,
        }
        return loss, row, (x, samples.detach(), condition)

    def _judge(self, real: Tensor, fake: Tensor, condition: Tensor) -> dict[str, float] | None:
        """Take a step of the discriminator; returns its losses, or None if its gradient is not finite."""
        self._judging.clear()
        with torch.autocast(real.device.type, torch.bfloat16, enabled=bool(self._config.bfloat16)):
            logits = self.discriminator(torch.cat([real, fake]), torch.cat([condition, condition]))
        on_real, on_fake = logits.chunk(2)
        loss = F.softplus(-on_real).mean() + F.softplus(on_fake).mean()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        if not self._judging.apply(self.step):
            return None
        return {
            "discriminator": loss.item(),
            "real_logit": on_real.mean().item(),
            "fake_logit": on_fake.mean().item(),
        }

    def _condition(self, latents: Estimate, code: Tensor) -> Tensor:
        return self._model.fine.context.normalise(latents.decoded, code).float()

    def averaged(self) -> VaeModel:
        """The VAE with the moving average of the generator for its synthesis."""
        model = copy.deepcopy(self.plain)
        branch = self._generating.averaged(self.generator)
        branch.seed = 0
        model.synthesis_branch = branch.requires_grad_(False).eval()
        return model

    def _origin(self) -> dict[str, Any]:
        return {"vae": self._vae_sha256}

    def _settled(self) -> GanConfig:
        config = self._config
        steps = self._timed(config.minutes) if config.minutes else config.steps
        return replace(config, steps=steps, warm_up=min(config.warm_up, steps // 3))

    def _pace(self) -> float:
        """The factor on the learning rates, which is constant and then falls along a cosine to almost 0."""
        left = min(1.0, (self.steps - self.step) / max(1.0, _DECAY_SHARE * self.steps))
        return _FLOOR + (1 - _FLOOR) * 0.5 * (1 - math.cos(math.pi * left))

    def _timed(self, minutes: float) -> int:
        """The number of steps that take ``minutes`` on this machine; nothing is learned."""
        started = time.monotonic()
        for step in range(_TIMED_STEPS):
            loss, _, pictures = self._generate(self.steps + step)
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            self.discriminator(pictures[1], pictures[2]).sum().backward()
        for part in self._optimised:
            part.clear()
        return max(6, round(60 * minutes * _TIMED_STEPS / (time.monotonic() - started)))

    def _require_same_vae(self) -> None:
        if self._found is None:
            return
        theirs = self._found.meta["vae"]
        if theirs != self._vae_sha256:
            raise ConfigError(
                f"{self._found.path} was trained from the vae {theirs[:12]}…, not from"
                f" {self._vae_sha256[:12]}…: pass the same --weights"
            )
