"""The loop of a training: steps, log, checkpoints, validation, and the watch for divergence."""

from __future__ import annotations

import csv
import math
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bench.errors import BenchError, ConfigError
from bench.trainer import Observer, TrainProgress
from bench_codecs.vae.training.checkpoint import latest_checkpoint

TRACES = ("log.csv", "validation.csv")
"""What a run writes line by line."""
_DIVERGED = 4.0
_PATIENCE = 10
"""Steps in a row: single ones reach sixfold while the entropy model is young, and the next is as ever."""


class TrainingDiverged(BenchError):
    """The loss or its gradient stopped being finite, or the loss grew without bound."""


class Trained(Protocol):
    """The state of a training run."""

    step: int
    seconds: float

    @property
    def out(self) -> Path:
        """The folder of the run."""
        ...

    @property
    def steps(self) -> int:
        """The step it ends at."""
        ...

    def left(self) -> float:
        """The steps still to do, counted in steps as long as the last one."""
        ...

    def advance(self) -> float:
        """One step; its loss, or NaN where that or a gradient is not finite and nothing changes."""
        ...

    def log(self) -> dict[str, float]:
        """Write a line of the log and return it."""
        ...

    def shown(self, row: dict[str, float]) -> dict[str, float]:
        """What of a line of the log is worth showing, by name."""
        ...

    def save(self) -> Path:
        """Write a checkpoint of the current step."""
        ...


@dataclass(frozen=True)
class Rhythm:
    """How often something happens, in steps, besides the end; 0 is at the end only."""

    log: int
    checkpoint: int
    validate: int

    @staticmethod
    def due(every: int, trained: Trained) -> bool:
        """Whether something is due after the step just done."""
        last = trained.step >= trained.steps
        return last or bool(every and trained.step and trained.step % every == 0)


def run(trained: Trained, rhythm: Rhythm, validate: Callable[[], None], observer: Observer) -> None:
    """Train to the last step. Ctrl-C ends the step at hand and saves before it is raised.

    ``validate`` is called again for a step that a resumed run stands at, and sees itself what is done.

    Raises
    ------
    TrainingDiverged
        The loss or its gradient stopped being finite, or the loss grew fourfold and stayed there; what is
        saved is from before.
    """
    started = time.monotonic() - trained.seconds
    watch = _Watch()
    took: list[float] = []
    try:
        while True:
            if rhythm.due(rhythm.validate, trained):
                validate()
            if trained.step >= trained.steps:
                return
            with _undivided():
                begun = time.monotonic()
                loss = trained.advance()
                if watch.diverges(loss):
                    raise _diverged(trained, loss, watch.usual)
                trained.seconds = time.monotonic() - started
                took.append(time.monotonic() - begun)
                if rhythm.due(rhythm.log, trained):
                    left = trained.left() * sum(took) / len(took)
                    took = []
                    figures = trained.shown(trained.log())
                    observer.progress(TrainProgress(trained.step, trained.steps, left, figures))
            if rhythm.due(rhythm.checkpoint, trained) and not watch.alarmed:
                trained.save()
    except KeyboardInterrupt:
        if trained.step:
            kept = trained.save()
            observer.note(
                f"interrupted; {kept} is kept, and the same command with --resume goes on from there"
            )
        raise


class _Watch:
    """Tells a divergence from a step that went badly."""

    def __init__(self) -> None:
        self.usual = math.nan
        """Moving average of the loss."""
        self._above = 0

    @property
    def alarmed(self) -> bool:
        """Whether the last step went badly."""
        return self._above > 0

    def diverges(self, loss: float) -> bool:
        """Whether training is lost after a step with this loss."""
        if not math.isfinite(loss):
            return True
        if loss > _DIVERGED * max(self.usual, 1.0):
            self._above += 1
        else:
            self._above = 0
            self.usual = loss if math.isnan(self.usual) else 0.98 * self.usual + 0.02 * loss
        return self._above >= _PATIENCE


def opening(trained: Trained, device: str, bfloat16: bool | None) -> str:
    """What is about to happen, for the log."""
    if trained.step >= trained.steps:
        return f"finished before, at step {trained.step}; --resume --steps N trains longer"
    precision = "bfloat16" if bfloat16 else "float32"
    return f"from step {trained.step} to {trained.steps}, convolutions on {device} in {precision}"


@contextmanager
def _undivided() -> Iterator[None]:
    """Let Ctrl-C wait until the block is done, so that what is saved then is whole."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[Any] = []
    before = signal.signal(signal.SIGINT, lambda *it: caught.append(it))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if caught:
        raise KeyboardInterrupt


def _diverged(trained: Trained, loss: float, usual: float) -> TrainingDiverged:
    found = f"the loss is {loss:.4g}, for {_PATIENCE} steps far above the {usual:.4g} before"
    if not math.isfinite(loss):
        found = "loss or gradient is not finite"
    kept = latest_checkpoint(trained.out)
    state = f"the last good state is {kept}" if kept else "no checkpoint had been written yet"
    return TrainingDiverged(
        f"step {trained.step}: {found}; stopped, {state}. --resume would take the same steps into it: "
        "start another run with another --seed in another --out"
    )


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
        append(self._path, self._columns, [[f"{row[c]:.6g}" if c != "step" else step for c in self._columns]])
        return row


def append(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Add rows to a CSV file, whose first column is the step; a new one gets a line of names first."""
    fresh = not path.exists()
    with path.open("a", newline="") as handle:
        writer = csv.writer(handle)
        if fresh:
            writer.writerow(columns)
        writer.writerows(rows)


def take_up(trained: Trained, log: Log, meta: dict[str, Any]) -> None:
    """Stand where the checkpoint with this metadata was written; later rows of the files are dropped."""
    trained.step = int(meta["step"])
    trained.seconds = float(meta["seconds"])
    log.recent = list(meta["recent"])
    for name in TRACES:
        trim(trained.out / name, trained.step)


def has_step(path: Path, step: int) -> bool:
    """Whether a CSV file exists and has a row of ``step``."""
    return path.exists() and any(it.startswith(f"{step},") for it in path.read_text().splitlines())


def trim(path: Path, step: int) -> None:
    """Drop rows after ``step``, which a checkpoint does not know, so that none appears twice."""
    try:
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        if not lines or not lines[0].startswith("step,"):
            return
        kept = lines[:1] + [line for line in lines[1:] if int(line.split(",", 1)[0]) <= step]
    except ValueError as error:
        raise ConfigError(f"{path}: damaged ({error}); remove it, or use another --out") from error
    path.write_text("".join(kept))
