"""Parameters in training: their optimiser, their moving average, and what a checkpoint holds of both."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from bench.errors import ConfigError

_CLIP = 1.0
_EMA_DECAY = 0.998

Groups = dict[str, dict[str, Tensor]]
"""The tensors of a checkpoint: file name -> tensor name -> tensor."""

M = TypeVar("M", bound=nn.Module)


class Optimised:
    """The trainable parameters of a module under Adam, with gradient clipping and a moving average.

    ``prefix`` starts the names of its files in a checkpoint, so that several fit into one.
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
        """Forget the gradients."""
        self._adam.zero_grad(set_to_none=True)

    def apply(self, step: int) -> bool:
        """Move along the clipped gradients; a gradient that is not finite changes nothing and is False."""
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
        """Go back to the state of a checkpoint."""
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
