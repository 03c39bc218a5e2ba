"""Optimising parameters: learning rates, precision, the optimiser, a moving average, checkpoints."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from bench.errors import ConfigError

_ENTROPY_RATE = 2e-3
_JOINT_RATE = 7e-4
_ENTROPY_WARM_UP = 60
_JOINT_WARM_UP = 200
_DECAY_SHARE = 0.35
_FLOOR = 0.02
_JOINT_COST = 2.5
"""Duration of a joint step ÷ that of a step of the first stage: 0.5 s and 0.2 s for the shipped model."""
_CLIP = 1.0
_AT_EIGHTH = ("analysis_branch.", *(f"synthesis_branch.{it}" for it in ("entry.", "latent", "correction.")))
_EMA_DECAY = 0.998

Groups = dict[str, dict[str, Tensor]]
"""The tensors of a checkpoint: file name -> tensor name -> tensor."""

M = TypeVar("M", bound=nn.Module)


class Optimised:
    """The trainable parameters of a module under Adam, with gradient clipping and a moving average.

    Parameters
    ----------
    module : the network
    groups : parameter groups for Adam; None for a single one
    prefix : begins the names of its files in a checkpoint, so that several can share one
    """

    def __init__(
        self, module: nn.Module, groups: Sequence[dict[str, Any]] | None = None, prefix: str = ""
    ) -> None:
        self.parameters = {n: p for n, p in module.named_parameters() if p.requires_grad}
        self.average = {n: p.detach().clone() for n, p in self.parameters.items()}
        start = list(groups) if groups is not None else [{"params": list(self.parameters.values())}]
        self._module = module
        self._adam = torch.optim.Adam(start, 1e-3)
        self.groups: list[dict[str, Any]] = self._adam.param_groups
        self._prefix = prefix

    def clear(self) -> None:
        """Clear the gradients."""
        self._adam.zero_grad(set_to_none=True)

    def apply(self, step: int) -> bool:
        """Take an optimiser step along the clipped gradients.

        Returns
        -------
        False if a gradient is not finite, in which case nothing is changed.
        """
        norm = torch.nn.utils.clip_grad_norm_(self.parameters.values(), _CLIP)
        if not bool(torch.isfinite(norm)):
            return False
        self._adam.step()
        self._follow(step)
        return True

    def averaged(self, module: M) -> M:
        """A copy of ``module`` with the moving average of the parameters."""
        copied = copy.deepcopy(module)
        for name, parameter in copied.named_parameters():
            if name in self.average:
                parameter.data.copy_(self.average[name])
        return copied

    def tensors(self) -> Groups:
        """Everything that :meth:`restore` needs."""
        groups: Groups = {"exp_avg": {}, "exp_avg_sq": {}, "count": {}}
        for name, parameter in self.parameters.items():
            state = self._adam.state.get(parameter)
            if state:
                groups["exp_avg"][name] = state["exp_avg"]
                groups["exp_avg_sq"][name] = state["exp_avg_sq"]
                groups["count"][name] = state["step"].reshape(1)
        groups |= {"model": dict(self._module.state_dict()), "average": self.average}
        return {self._prefix + name: tensors for name, tensors in groups.items()}

    def restore(self, groups: Groups) -> None:
        """Restore the state of a checkpoint.

        Raises
        ------
        bench.errors.ConfigError
            It is damaged, or of another network.
        """
        try:
            self._restore(groups)
        except (KeyError, RuntimeError) as error:
            told = " ".join(str(error).split())[:200]
            raise ConfigError(f"the checkpoint is of another network, or damaged: {told}") from error

    def _restore(self, groups: Groups) -> None:
        self._module.load_state_dict(groups[self._prefix + "model"])
        for name, value in groups[self._prefix + "average"].items():
            self.average[name].copy_(value)
        first, second, count = (groups[self._prefix + it] for it in ("exp_avg", "exp_avg_sq", "count"))
        for name, parameter in self.parameters.items():
            if name in count:
                self._adam.state[parameter] = {
                    "step": count[name].reshape(()).clone(),
                    "exp_avg": torch.empty_like(parameter).copy_(first[name]),
                    "exp_avg_sq": torch.empty_like(parameter).copy_(second[name]),
                }

    @torch.no_grad()
    def _follow(self, step: int) -> None:
        decay = min(_EMA_DECAY, 1 - 1 / (step / 5 + 1.01))
        for name, parameter in self.parameters.items():
            self.average[name].lerp_(parameter, 1 - decay)


@dataclass(frozen=True)
class Schedule:
    """The learning rates of a run that trains the entropy model first, and then everything jointly.

    The first stage uses the fixed linear transform. Both stages have a warm-up, and the joint one keeps its
    rate until its last third. If a run is given more steps before that, it continues at the same rate; in the
    last third, or after the end, the rate rises again.
    """

    entropy_steps: int
    steps: int

    def joint(self, step: int) -> bool:
        """Whether ``step`` also trains the convolutional branches."""
        return step >= self.entropy_steps

    def left(self, step: int) -> float:
        """The steps that remain after ``step`` steps, in units of the duration of the last one."""
        entropy = max(0, self.entropy_steps - step)
        joint = self.steps - step - entropy
        return joint if self.joint(step - 1) else entropy + _JOINT_COST * joint

    def rate(self, step: int) -> float:
        """Base learning rate at ``step``."""
        if not self.joint(step):
            progress = step / max(1, self.entropy_steps)
            warm = min(1.0, (step + 1) / min(_ENTROPY_WARM_UP, self.entropy_steps / 5))
            return _ENTROPY_RATE * warm * (_FLOOR + (1 - _FLOOR) * 0.5 * (1 + math.cos(math.pi * progress)))
        done = step - self.entropy_steps
        total = max(1, self.steps - self.entropy_steps)
        left = min(1.0, (total - done) / max(1.0, _DECAY_SHARE * total))
        warm = min(1.0, (done + 1) / min(_JOINT_WARM_UP, total / 5))
        return _JOINT_RATE * warm * (_FLOOR + (1 - _FLOOR) * 0.5 * (1 - math.cos(math.pi * left)))

    def multiplier(self, parameter: str, step: int) -> float:
        """Factor on the base rate for the parameter with this name; 0 if it is frozen."""
        joint = self.joint(step)
        if ".linear" in parameter:
            return 0.005 if joint else 0.02
        if parameter.startswith(("coarse.", "fine.")):
            return 0.6 if joint else 1.0
        if not joint:
            return 0.0
        if parameter.startswith("fine_transform."):
            return 0.003
        if parameter.startswith(_AT_EIGHTH):
            return 0.4  # a run in which the latent part of the synthesis had the full rate diverged
        return 1.0


def bfloat16_is_fast(device: str) -> bool:
    """Whether ``device`` has instructions for bfloat16; others have to convert and are slower with it."""
    if device != "cpu":
        return bool(torch.cuda.is_bf16_supported())
    # Missing in early versions of torch, and documented in none.
    probes = (
        getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )
    return any(bool(probe()) for probe in probes if probe is not None)
