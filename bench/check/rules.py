"""What counts as a difference between two snapshots, and what passes."""

from __future__ import annotations

from dataclasses import dataclass

from bench.check.baseline import Snapshot
from bench.host.environment import Environment
from bench.inputs.gate import Gate

_SAME_ENVIRONMENT = 1e-6
_OTHER_ENVIRONMENT_DB = 1e-3
_OTHER_ENVIRONMENT = 1e-4
_IRRELEVANT = frozenset({"kernel", "memory", "cores"})
"""Parts of an environment that affect at most times, and never a result of a codec."""


def differences(before: Environment, after: Environment) -> tuple[str, ...]:
    """What differs between two environments and may have changed a result: ``("numpy 1.26.4 -> 2.1.0",)``."""
    return tuple(it for it in before.differences(after) if it.split(" ", 1)[0] not in _IRRELEVANT)


@dataclass(frozen=True)
class Rules:
    """What passes for a codec, and the two snapshots that are compared."""

    gate: Gate
    baseline: Snapshot
    run: Snapshot

    def replaced(self, image: str) -> bool:
        """Whether the image of this name is a different one now."""
        return self.baseline.images[image].sha256 != self.run.images[image].sha256

    def tolerance(self, unit: str) -> float:
        """The smallest difference of a metric with this unit that counts.

        Codecs are deterministic, but sums of floating-point numbers depend on the library and the processor:
        within one environment differences count from 1e-6 on, otherwise from 1e-3 dB, or 1e-4 for a metric
        that is not in decibels.
        """
        same = not differences(self.baseline.environment, self.run.environment)
        return _SAME_ENVIRONMENT if same else tolerance_across_environments(unit)


def tolerance_across_environments(unit: str) -> float:
    """The smallest difference of a metric with this unit that counts between two environments."""
    return _OTHER_ENVIRONMENT_DB if unit == "dB" else _OTHER_ENVIRONMENT
