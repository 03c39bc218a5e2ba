"""The state of a training run: model, optimiser, moving average, data and log."""

from __future__ import annotations

import dataclasses
import json
import math
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.errors import ConfigError

from .checkpoint import latest_checkpoint, load_checkpoint, save_checkpoint
from .data import Crops, load_rgb
from .levels import code_to_quality, lagrangian, typical_cost, typical_rate
from .loop import Log
from .model import PATCH, VaeModel
from .optimised import Optimised
from .presets import model_spec
from .schedule import Schedule
from .train import LOG_COLUMNS, TrainConfig

_TIMED_STEPS = 4
_FIT_IMAGES = 40
"""Pictures that the closed-form start is computed from."""


class Trainer:
    """One run; :meth:`advance` does a step, :meth:`save` makes it permanent."""

    def __init__(self, config: TrainConfig, images: Sequence[Path]) -> None:
        if config.device != "cpu" and not torch.cuda.is_available():
            raise ConfigError(
                f"device {config.device} is not available: train on cpu, or check the CUDA driver"
            )
        if config.threads:
            torch.set_num_threads(config.threads)
        self._config = config
        self.schedule = Schedule(config.entropy_steps if config.use_branches else config.steps, config.steps)
        self._crops = Crops(images, config.crop, config.seed)
        self._log = Log(config.out / "log.csv", LOG_COLUMNS)
        self.step = 0
        self.seconds = 0.0
        found = latest_checkpoint(config.out)
        if found is not None and not config.resume:
            raise ConfigError(
                f"{config.out} already holds a run: pass --resume to continue it, or another folder"
            )
        torch.manual_seed(config.seed)
        self.model = VaeModel(model_spec(config.preset))
        if found is None:
            self.model.initialise(_fit_images(images))
        self.model.to(config.device)
        self.model.train_mixed(config.bfloat16)
        if config.device == "cpu":
            self.model.to(memory_format=torch.channels_last)
        self._optimised = Optimised(self.model, self._groups())
        if found is not None:
            self._restore(found)
        elif config.minutes:
            self.schedule = self._timed(config.minutes)

    @property
    def steps(self) -> int:
        """The step it ends at."""
        return self.schedule.steps

    def advance(self) -> float:
        """One optimisation step; returns its loss. A loss that is not a number changes nothing."""
        config, step = self._config, self.step
        joint = config.use_branches and self.schedule.joint(step)
        rate = self.schedule.rate(step)
        for group in self._optimised.groups:
            group["lr"] = rate * self.schedule.multiplier(group["name"], step)
            for parameter in group["params"]:
                parameter.requires_grad_(group["lr"] > 0)
        loss, losses = self._loss(step, joint)
        self._optimised.clear()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        if math.isfinite(losses["loss"]):
            self._optimised.apply(step)
        self.step += 1
        self._log.add({**losses, "learning_rate": rate})
        return losses["loss"]

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
        return self._optimised.averaged(self.model)

    @torch.no_grad()
    def loss_at(self, step: int) -> float:
        """The loss of the present model on the crops of ``step``, without learning from them."""
        return self._loss(step, self._config.use_branches and self.schedule.joint(step))[1]["loss"]

    def log(self) -> dict[str, float]:
        """Append the means since the last call to ``log.csv`` and return them."""
        return self._log.write(self.step, self.seconds)

    def save(self) -> Path:
        """Write a checkpoint of the current step."""
        meta = {
            "seconds": self.seconds,
            "recent": self._log.recent,
            "schedule": dataclasses.asdict(self.schedule),
            "config": json.loads(json.dumps(dataclasses.asdict(self._config), default=str)),
        }
        return save_checkpoint(self._config.out, self.step, self._optimised.tensors(), meta)

    def _timed(self, minutes: float) -> Schedule:
        """The schedule that fits into ``minutes`` at the speed of both stages on this machine."""
        seconds = []
        for joint in (False, True):
            self._loss(0, joint)[0].backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            started = time.monotonic()
            for step in range(_TIMED_STEPS):
                self._loss(step, joint)[0].backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            seconds.append((time.monotonic() - started) / _TIMED_STEPS)
        self._optimised.clear()
        if not self._config.use_branches:
            steps = max(1, round(60 * minutes / seconds[0]))
            return Schedule(steps, steps)
        entropy = max(1, round(0.25 * 60 * minutes / seconds[0]))
        return Schedule(entropy, entropy + max(1, round(0.75 * 60 * minutes / seconds[1])))

    def _groups(self) -> list[dict[str, Any]]:
        """Parameters that always move at the same rate, named after one of them."""
        groups: dict[tuple[float, float], dict[str, Any]] = {}
        for name, parameter in self.model.named_parameters():
            if not parameter.requires_grad:
                continue
            rates = (self.schedule.multiplier(name, 0), self.schedule.multiplier(name, self.schedule.steps))
            groups.setdefault(rates, {"name": name, "params": []})["params"].append(parameter)
        return list(groups.values())

    def _restore(self, path: Path) -> None:
        groups, meta = load_checkpoint(path)
        self._optimised.restore(groups)
        if self._config.minutes:
            self.schedule = Schedule(**meta["schedule"])
        self.step = int(meta["step"])
        self.seconds = float(meta["seconds"])
        self._log.recent = list(meta["recent"])
        self._log.trim(self.step)


def _fit_images(images: Sequence[Path]) -> list[Tensor]:
    chosen = list(images)
    if len(chosen) > _FIT_IMAGES:
        chosen = random.Random(0).sample(chosen, _FIT_IMAGES)
    tensors = []
    for path in chosen:
        pixels = load_rgb(path)
        height, width = (side // PATCH * PATCH for side in pixels.shape[:2])
        if height and width:
            x = torch.from_numpy(pixels[:height, :width].copy()).permute(2, 0, 1)[None].float() - 128
            tensors.append(x)
    if not tensors:
        raise ConfigError(f"the closed-form start needs pictures of at least {PATCH}×{PATCH} samples")
    return tensors
