"""The times that a codec's process tells, held against what was seen of it from outside."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.engines.encoding import moved, moves
from bench.engines.engine import Spent
from bench.engines.messages import NoAnswer, Repeat, Took
from bench.trials.output_checks import clock_problem, may_be_kept, reuse_problem

if TYPE_CHECKING:
    from bench.engines.engine import Original

_TRIES = 3
"""Other pictures that a codec is given before it is said to keep results."""


@dataclass(frozen=True)
class TimedCalls:
    """Calls of a codec on one picture, which were timed alone."""

    took: Took
    spent: Spent
    """What their request took."""
    repeat: Repeat
    threads: int
    """That share the codec's processor time."""
    original: Original

    @property
    def seconds(self) -> tuple[float, ...]:
        """Of the repetitions."""
        return self.took.calls[self.repeat.warmup :]

    @property
    def claimed(self) -> float:
        """Seconds inside the codec."""
        return sum(self.took.calls) + self.took.programs

    @property
    def cost(self) -> float:
        """The same, without those in which other processes had the processor."""
        cpu = self.spent.cpu
        return self.claimed if cpu is None or self.took.gpu_bytes is not None else min(self.claimed, cpu)

    def problem(self) -> str | None:
        """Why these times don't add up to what was seen of the process."""
        sample = 1 if self.original.depth == 8 else 2
        handled = sample * math.prod(self.original.shape) * (self.repeat.calls + 2)
        cpu = None if self.spent.cpu is None else self.spent.cpu / self.threads
        return clock_problem(self.claimed, cpu, self.spent.wall, handled)

    def reuse_problem(self, again: Callable[[Original], TimedCalls]) -> str | None:
        """Why the repetitions are no measure of the work, if on other pictures the codec takes longer.

        Nothing is asked of a codec whose first call took no longer than the others.

        Parameters
        ----------
        again : the same calls on another picture
        """
        took = self.took
        if not may_be_kept(took.calls[: self.repeat.warmup], took.programs, self.seconds):
            return None
        costs: list[float] = []
        problem = None
        for place in moves(self.original, _TRIES):
            try:
                with moved(self.original, place) as other:
                    calls = again(other)
            except NoAnswer as stop:
                return f"the same picture, moved, has no result: {stop.failed.reason}"
            if (problem := calls.problem()) is not None:
                return problem
            costs.append(calls.cost)
            problem = reuse_problem(costs, self.repeat.calls, bool(took.programs), self.seconds)
            if problem is None:
                return None
        return problem
