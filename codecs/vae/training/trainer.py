"""A training run of the ``vae``: model, optimiser, moving average and data."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from bench.errors import ConfigError
from bench.image import read_image
from bench_codecs.vae.fixed import limit_weights
from bench_codecs.vae.levels import code_to_quality, lagrangian, quality_to_code, typical_cost, typical_rate
from bench_codecs.vae.model import PATCH, VaeModel
from bench_codecs.vae.training.config import LOG_COLUMNS, TrainConfig, model_spec
from bench_codecs.vae.training.data import Crops
from bench_codecs.vae.training.growth import grow
from bench_codecs.vae.training.loop import TrainingRun
from bench_codecs.vae.training.optim import Optimised, Schedule
from bench_codecs.vae.weights import load_weights

_TIMED_STEPS = 4
_FIT_IMAGES = 40
"""Images that the closed-form start is computed from."""
_FIT_SIDE = 1024
"""Largest side in pixels; only the middle of larger images is used, since all are in memory at once."""


class Trainer(TrainingRun[TrainConfig]):
    """A run that trains the entropy model on the linear transform first, then everything jointly."""

    trainer = "vae"
    columns = LOG_COLUMNS
    shown: ClassVar = {"loss": "loss", "bpp": "rate_bpp", "ELBO": "elbo_bpp"}

    def __init__(self, config: TrainConfig, images: Sequence[Path]) -> None:
        super().__init__(config, images)
        config = self._config
        spec = model_spec(config.preset)
        self._crops = Crops(images, config.crop, config.seed, quality_to_code(spec.levels))
        torch.manual_seed(config.seed)
        self.model = VaeModel(spec)
        self._start = self._started(images) if self._found is None else self._found.meta
        self.model.to(config.device)
        self.model.train_mixed(bool(config.bfloat16))
        if config.device == "cpu":
            self.model.to(memory_format=torch.channels_last)
        self._parameters = Optimised(self.model, self._groups())
        self._optimised = (self._parameters,)
        self._begin()

    def _started(self, images: Sequence[Path]) -> dict[str, Any]:
        """Set the parameters of a new run; the hash of weights that they come from, and their time."""
        weights = self._config.weights
        if weights is None:
            self.model.initialise(_fit_images(images))
            return {}
        package = load_weights(weights, exact=False)
        grow(self.model, package.model)
        return {"start": package.sha256, "seconds_before": float(package.meta.get("seconds", 0.0))}

    def _origin(self) -> dict[str, Any]:
        return {name: self._start[name] for name in ("start", "seconds_before") if name in self._start}

    @property
    def schedule(self) -> Schedule:
        """Stages and learning rates of the run."""
        config = self._config
        return Schedule(config.entropy_steps if config.use_branches else config.steps, config.steps)

    def left(self) -> float:
        """The steps still to do, in units of the duration of the last one."""
        return self.schedule.left(self.step)

    def advance(self) -> float:
        """Take one step and return its loss; see :meth:`TrainingRun.advance`."""
        step, schedule = self.step, self.schedule
        joint = self._config.use_branches and schedule.joint(step)
        rate = schedule.rate(step)
        for group in self._parameters.groups:
            group["lr"] = rate * schedule.multiplier(group["name"], step)
            for parameter in group["params"]:
                parameter.requires_grad_(group["lr"] > 0)
        loss, losses = self._loss(step, joint)
        self._parameters.clear()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        healthy = math.isfinite(losses["loss"]) and self._parameters.apply(step)
        limit_weights(self.model)
        self.step += 1
        self._log.add({**losses, "learning_rate": rate})
        return losses["loss"] if healthy else math.nan

    def _loss(self, step: int, joint: bool) -> tuple[Tensor, dict[str, float]]:
        config = self._config
        self.model.use_branches = joint
        pixels, codes = self._crops.batch(step, config.batch)
        x = torch.from_numpy(pixels).to(config.device).float() - 128
        x = x.contiguous(memory_format=torch.channels_last)
        code = torch.from_numpy(codes).to(config.device)
        qualities = [code_to_quality(int(c)) for c in codes]
        estimate = self.model(x, code)
        area = x.shape[2] * x.shape[3]
        bpp, hyper = estimate.bits / area, estimate.hyper_bits / area
        mse = (estimate.samples - x).square().mean((1, 2, 3))
        multiplier = torch.tensor([lagrangian(q) for q in qualities], device=x.device)
        cost = bpp + multiplier * mse
        typical = typical_cost if joint else typical_rate
        weight = 1 / torch.tensor([typical(q) for q in qualities], device=x.device)
        loss = ((cost if joint else bpp) * weight).mean()
        losses = {
            "loss": loss.item(),
            "rate_bpp": bpp.mean().item(),
            "hyper_bpp": hyper.mean().item(),
            "mse": mse.mean().item(),
            "elbo_bpp": -cost.mean().item(),
        }
        return loss, losses

    def averaged(self) -> VaeModel:
        """A copy of the model with the moving average of its parameters."""
        return self._parameters.averaged(self.model)

    @torch.no_grad()
    def figures_at(self, step: int, *, joint: bool) -> dict[str, float]:
        """What the log would show of the current model on the crops of ``step``; nothing is learned."""
        return self._loss(step, joint)[1]

    def _settled(self) -> TrainConfig:
        if not self._config.minutes:
            return self._config
        entropy, joint = self._timed(self._config.minutes)
        return replace(self._config, entropy_steps=entropy, steps=entropy + joint)

    def _timed(self, minutes: float) -> tuple[int, int]:
        """The numbers of steps of both stages that take ``minutes`` at their speed on this machine."""
        seconds = []
        for joint in (False, True):
            self._loss(0, joint)[0].backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            started = time.monotonic()
            for step in range(_TIMED_STEPS):
                self._loss(step, joint)[0].backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            seconds.append((time.monotonic() - started) / _TIMED_STEPS)
        self._parameters.clear()
        if not self._config.use_branches:
            return max(1, round(60 * minutes / seconds[0])), 0
        entropy = max(1, round(0.25 * 60 * minutes / seconds[0]))
        return entropy, max(1, round(0.75 * 60 * minutes / seconds[1]))

    def _groups(self) -> list[dict[str, Any]]:
        """Parameters that always move at the same rate, each group named after its first parameter."""
        schedule = self.schedule
        groups: dict[tuple[float, float], dict[str, Any]] = {}
        for name, parameter in self.model.named_parameters():
            if not parameter.requires_grad:
                continue
            rates = (schedule.multiplier(name, 0), schedule.multiplier(name, schedule.steps))
            groups.setdefault(rates, {"name": name, "params": []})["params"].append(parameter)
        return list(groups.values())


def _fit_images(images: Sequence[Path]) -> list[Tensor]:
    chosen = list(images)
    if len(chosen) > _FIT_IMAGES:
        chosen = random.Random(0).sample(chosen, _FIT_IMAGES)
    tensors = []
    for path in chosen:
        pixels = read_image(path).pixels
        top, left = (max(0, side - _FIT_SIDE) // 2 for side in pixels.shape[:2])
        height, width = (min(_FIT_SIDE, side // PATCH * PATCH) for side in pixels.shape[:2])
        if height and width:
            x = (
                torch.from_numpy(pixels[top : top + height, left : left + width].copy())
                .permute(2, 0, 1)[None]
                .float()
                - 128
            )
            tensors.append(x)
    if not tensors:
        raise ConfigError(f"the closed-form start needs pictures of at least {PATCH}×{PATCH} samples")
    return tensors
