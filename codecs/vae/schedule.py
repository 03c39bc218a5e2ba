"""Learning rates: which stage a step belongs to, and how fast each group of parameters moves."""

from __future__ import annotations

import math
from dataclasses import dataclass

_ENTROPY_RATE = 2e-3
_JOINT_RATE = 1e-3
_ENTROPY_WARM_UP = 60
_JOINT_WARM_UP = 200
_DECAY_SHARE = 0.35
_FLOOR = 0.02
_JOINT_COST = 2.5
"""The time of a joint step ÷ that of one of the first stage: 0.5 s and 0.2 s for the shipped model."""


@dataclass(frozen=True)
class Schedule:
    """First the entropy model on the fixed linear transform, then everything jointly.

    Each stage warms up, and the joint one holds its rate until its last third. A run that is given more
    steps before that goes on at the same rate; in the last third, or after its end, the rate rises again.
    """

    entropy_steps: int
    steps: int

    def joint(self, step: int) -> bool:
        """Whether ``step`` trains the convolutional branches too."""
        return step >= self.entropy_steps

    def left(self, step: int) -> float:
        """The steps after the first ``step``, counted in steps as long as the last of these."""
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
        """Factor on the base rate of the parameter with this name; 0 where it is frozen."""
        joint = self.joint(step)
        if ".linear" in parameter:
            return 0.005 if joint else 0.02
        if parameter.startswith(("coarse.", "fine.")):
            return 0.6 if joint else 1.0
        if not joint:
            return 0.0
        if parameter.startswith("fine_transform."):
            return 0.003
        return 0.4 if parameter.startswith("analysis_branch.") else 1.0
