"""The loop of a training: steps, log, checkpoints, and the watch for divergence."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.errors import BenchError

_DIVERGED = 4.0


class TrainingDiverged(BenchError):
    """The loss became infinite or grew without bound; the last good checkpoint is kept."""


@dataclass(frozen=True)
class Progress:
    """Handed to the observer after every logged step."""

    step: int
    steps: int
    seconds: float
    figures: dict[str, float]
    """The logged columns: means since the last logged step."""

    @property
    def seconds_left(self) -> float:
        """Estimated from the mean speed so far."""
        return self.seconds / max(1, self.step) * (self.steps - self.step)


Observer = Callable[[Progress], None]


class Trained(Protocol):
    """The state of a training run."""

    step: int
    seconds: float

    @property
    def steps(self) -> int:
        """The step it ends at."""
        ...

    def advance(self) -> float:
        """One optimisation step; returns its loss. A loss that is not a number changes nothing."""
        ...

    def log(self) -> dict[str, float]:
        """Write a line of the log and return it."""
        ...

    def save(self) -> Path:
        """Write a checkpoint of the current step."""
        ...


@dataclass(frozen=True)
class Rhythm:
    """How often something happens, in steps; 0 is at the end only."""

    log: int
    checkpoint: int
    validate: int = 0


def run(trained: Trained, rhythm: Rhythm, validate: Callable[[], None], observer: Observer | None) -> None:
    """Train to the last step.

    Raises
    ------
    TrainingDiverged
        The loss stopped being finite, or grew fourfold; nothing is saved after that.
    """
    started = time.monotonic() - trained.seconds
    usual = math.nan
    while trained.step < trained.steps:
        loss = trained.advance()
        if not math.isfinite(loss) or loss > _DIVERGED * max(usual, 1.0):
            raise TrainingDiverged(
                f"loss {loss:.4g} at step {trained.step}: stopped; the last good state is the newest "
                "checkpoint, resume from it with a larger batch or fewer steps"
            )
        usual = loss if math.isnan(usual) else 0.98 * usual + 0.02 * loss
        trained.seconds = time.monotonic() - started
        last = trained.step == trained.steps
        if last or trained.step % rhythm.log == 0:
            row = trained.log()
            if observer is not None:
                observer(Progress(trained.step, trained.steps, trained.seconds, row))
        if last or trained.step % rhythm.checkpoint == 0:
            trained.save()
        if last or (rhythm.validate and trained.step % rhythm.validate == 0):
            validate()


class Log:
    """``log.csv`` of a run: means over the steps since the line before."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._path = path
        self._columns = tuple(columns)
        self.recent: list[dict[str, float]] = []
        """The steps since the last line."""

    def add(self, row: dict[str, float]) -> None:
        """Remember one step."""
        self.recent.append(row)

    def write(self, step: int, seconds: float) -> dict[str, float]:
        """Append a line and return it."""
        row = {name: sum(it[name] for it in self.recent) / len(self.recent) for name in self.recent[0]}
        self.recent = []
        row |= {"step": step, "seconds": seconds}
        fresh = not self._path.exists()
        with self._path.open("a", newline="") as handle:
            writer = csv.writer(handle)
            if fresh:
                writer.writerow(self._columns)
            writer.writerow([f"{row[c]:.6g}" if c != "step" else step for c in self._columns])
        return row

    def trim(self, step: int) -> None:
        """Drop lines after ``step``, which a checkpoint does not know, so that none appears twice."""
        if not self._path.exists():
            return
        lines = self._path.read_text().splitlines(keepends=True)
        kept = lines[:1] + [line for line in lines[1:] if int(line.split(",", 1)[0]) <= step]
        self._path.write_text("".join(kept))
