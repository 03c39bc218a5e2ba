"""The loop of a training: steps, log, checkpoints, validation, and the watch for divergence."""

from __future__ import annotations

import math
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from bench.errors import BenchError
from bench.trainer import Observer, TrainProgress
from bench_codecs.vae.training.checkpoint import latest_checkpoint, save_checkpoint
from bench_codecs.vae.training.config import RunConfig
from bench_codecs.vae.training.data import require_images
from bench_codecs.vae.training.log import TRACES, Log, trim
from bench_codecs.vae.training.resume import identity, open_run

if TYPE_CHECKING:
    from bench_codecs.vae.training.optim import Optimised

_DIVERGED = 4.0
_PATIENCE = 10
"""Bad steps in a row. A single one may reach six times the usual loss while the entropy model is young, and
the next is normal again."""

C = TypeVar("C", bound=RunConfig)


class TrainingDiverged(BenchError):
    """The loss or its gradient stopped being finite, or the loss grew without bound."""


class TrainingRun(ABC, Generic[C]):
    """A training run at some step: all that does not depend on what is trained.

    A subclass builds its networks after ``super().__init__``, sets ``_optimised`` and then calls
    :meth:`_begin`; from there on :meth:`advance` takes one step and :meth:`save` makes it permanent.

    Parameters
    ----------
    images : files to train on
    """

    trainer: ClassVar[str]
    """Name of the codec, as checkpoints have it."""
    columns: ClassVar[tuple[str, ...]]
    """Columns of ``log.csv``."""
    shown: ClassVar[dict[str, str]]
    """What of a line of the log is worth showing: label -> column."""

    _optimised: tuple[Optimised, ...]

    def __init__(self, config: C, images: Sequence[Path]) -> None:
        config.out.mkdir(parents=True, exist_ok=True)
        self._config, self._found = open_run(config, self.trainer, images)
        self._images = images
        self._log = Log(config.out / "log.csv", self.columns)
        self.step = 0
        self.seconds = 0.0

    def _begin(self) -> None:
        """Continue from the checkpoint that was found, or settle the configuration of a new run."""
        if self._found is None:
            self._config = self._settled()
        else:
            for part in self._optimised:
                part.restore(self._found.groups)
            meta = self._found.meta
            self.step = int(meta["step"])
            self.seconds = float(meta["seconds"])
            self._log.recent = list(meta["recent"])
            for name in TRACES:
                trim(self.out / name, self.step)
        self._identity = identity(self.trainer, self._config, self._images)

    @abstractmethod
    def _settled(self) -> C:
        """The configuration of a new run, its steps chosen to fit ``minutes`` where these are given."""

    @abstractmethod
    def advance(self) -> float:
        """Take one step and return its loss; NaN where the loss or a gradient is not finite.

        Parameters whose gradient is not finite are left unchanged.
        """

    def _origin(self) -> dict[str, Any]:
        """What a checkpoint records beside the run's own identity."""
        return {}

    @property
    def out(self) -> Path:
        """The folder of the run."""
        return self._config.out

    @property
    def steps(self) -> int:
        """The step at which it ends."""
        return self._config.steps

    @property
    def intervals(self) -> Intervals:
        """How often it logs, saves and validates."""
        return Intervals(self._config.log_every, self._config.checkpoint_every, self._config.validate_every)

    def left(self) -> float:
        """The steps still to do, in units of the duration of the last one."""
        return self.steps - self.step

    def summary(self) -> str:
        """What is about to happen, for the user."""
        if self.step >= self.steps:
            return f"finished before, at step {self.step}; --resume --steps N trains longer"
        precision = "bfloat16" if self._config.bfloat16 else "float32"
        return f"from step {self.step} to {self.steps}, convolutions on {self._config.device} in {precision}"

    def log(self) -> dict[str, float]:
        """Append the means since the last call to ``log.csv``; those worth showing, by label."""
        row = self._log.write(self.step, self.seconds)
        return {label: row[column] for label, column in self.shown.items()}

    def save(self) -> Path:
        """Write a checkpoint of the current step, and return its folder."""
        meta = {"seconds": self.seconds, "recent": self._log.recent, **self._origin(), **self._identity}
        tensors = {name: group for part in self._optimised for name, group in part.tensors().items()}
        return save_checkpoint(self.out, self.step, tensors, meta)


@dataclass(frozen=True)
class Intervals:
    """Steps between two lines of the log, two checkpoints and two validations.

    Each also happens at the end; 0 is at the end only.
    """

    log: int
    checkpoint: int
    validate: int

    @staticmethod
    def due(every: int, training: TrainingRun[Any]) -> bool:
        """Whether something that happens ``every`` so many steps is due after the step just done."""
        last = training.step >= training.steps
        return last or bool(every and training.step and training.step % every == 0)


def complete(
    training: TrainingRun[Any],
    validation: Sequence[Path],
    validate: Callable[[], None],
    observer: Observer,
) -> Path:
    """Train to the last step and save; the folder of the last checkpoint.

    Parameters
    ----------
    training : a new or resumed run
    validation : image files, all of which are read once before the first step
    validate : called at the run's intervals and at the end; called again for the step that a resumed run
        stands at, and sees for itself what has been done
    observer : told how it goes

    Raises
    ------
    TrainingDiverged
        As for :func:`run`.
    bench.errors.BenchError
        A validation image cannot be read.
    """
    require_images(validation)
    observer.note(training.summary())
    run(training, training.intervals, validate, observer)
    return training.save()


def run(
    training: TrainingRun[Any], intervals: Intervals, validate: Callable[[], None], observer: Observer
) -> None:
    """Train to the last step. Ctrl-C finishes the current step and saves before it is raised.

    Raises
    ------
    TrainingDiverged
        The loss or its gradient stopped being finite, or the loss grew fourfold and stayed there; the last
        checkpoint is from before that.
    """
    started = time.monotonic() - training.seconds
    watch = _Watch()
    durations: list[float] = []
    try:
        while True:
            if intervals.due(intervals.validate, training):
                validate()
            if training.step >= training.steps:
                return
            with _interrupts_deferred():
                begun = time.monotonic()
                loss = training.advance()
                if watch.diverges(loss):
                    raise _diverged(training, loss, watch.usual)
                training.seconds = time.monotonic() - started
                durations.append(time.monotonic() - begun)
                if intervals.due(intervals.log, training):
                    left = training.left() * sum(durations) / len(durations)
                    durations = []
                    observer.progress(TrainProgress(training.step, training.steps, left, training.log()))
            if intervals.due(intervals.checkpoint, training) and not watch.alarmed:
                training.save()
    except KeyboardInterrupt:
        if training.step:
            kept = training.save()
            observer.note(
                f"interrupted; {kept} is kept, and the same command with --resume goes on from there"
            )
        raise


class _Watch:
    """Tells divergence from a single step that went badly."""

    def __init__(self) -> None:
        self.usual = math.nan
        """Moving average of the loss."""
        self._bad_steps = 0

    @property
    def alarmed(self) -> bool:
        """Whether the last step went badly."""
        return self._bad_steps > 0

    def diverges(self, loss: float) -> bool:
        """Whether training has failed, after a step with this loss."""
        if not math.isfinite(loss):
            return True
        if loss > _DIVERGED * max(self.usual, 1.0):
            self._bad_steps += 1
        else:
            self._bad_steps = 0
            self.usual = loss if math.isnan(self.usual) else 0.98 * self.usual + 0.02 * loss
        return self._bad_steps >= _PATIENCE


@contextmanager
def _interrupts_deferred() -> Iterator[None]:
    """Hold Ctrl-C back until the block is done, so that a checkpoint never holds half a step."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: caught.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if caught:
        raise KeyboardInterrupt


def _diverged(training: TrainingRun[Any], loss: float, usual: float) -> TrainingDiverged:
    found = f"the loss is {loss:.4g}, for {_PATIENCE} steps far above the {usual:.4g} before"
    if not math.isfinite(loss):
        found = "loss or gradient is not finite"
    kept = latest_checkpoint(training.out)
    state = f"the last good state is {kept}" if kept else "no checkpoint had been written yet"
    return TrainingDiverged(
        f"step {training.step}: {found}; stopped, {state}. --resume would take the same steps into it: "
        "start another run with another --seed in another --out"
    )
