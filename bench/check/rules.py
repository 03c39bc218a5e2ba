"""What counts as a difference between two snapshots, and what passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from bench.check.baseline import Snapshot
from bench.host.environment import Environment
from bench.inputs.gate import Gate
from bench.metrics.agreement import tolerance_across_environments

_SAME_ENVIRONMENT = 1e-6
_IRRELEVANT = frozenset({"kernel", "memory", "cores"})
"""Parts of an environment that affect at most times, and never a result of a codec."""


def differences(before: Snapshot, after: Snapshot) -> tuple[str, ...]:
    """What is another environment and may have changed a result: ``("numpy 1.26.4 -> 2.1.0",)``.

    Of several machines all values count: ``"numpy 1.26.4, 2.1.0 -> 2.1.0"``.
    """
    return _relevant(summed_up(before.environments), summed_up(after.environments))


def summed_up(environments: Sequence[Environment]) -> Environment:
    """The environments as one, whose values are those of all of them: ``"1.26.4, 2.1.0"``."""
    return Environment(
        _joined([it.machine for it in environments]), _joined([it.software for it in environments])
    )


def _joined(facts: Sequence[Mapping[str, str]]) -> dict[str, str]:
    values: dict[str, set[str]] = {}
    for of_one in facts:
        for key, value in of_one.items():
            values.setdefault(key, set()).add(value)
    return {key: ", ".join(sorted(its)) for key, its in values.items()}


def _relevant(before: Environment, after: Environment) -> tuple[str, ...]:
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
        that is not in decibels. Of several machines nobody knows which one takes a trial the next time.
        """
        return _SAME_ENVIRONMENT if self._one_environment else tolerance_across_environments(unit)

    @cached_property
    def _one_environment(self) -> bool:
        first, *others = (*self.baseline.environments, *self.run.environments)
        return not any(_relevant(first, it) for it in others)
