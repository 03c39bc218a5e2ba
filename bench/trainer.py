"""The contract of a trainer of a learned codec: a plug-in of the entry-point group ``bench.trainers``.

The entry point names a class whose constructor takes no arguments. Its methods do the heavy imports.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

TRAINERS = "bench.trainers"
"""The entry-point group."""


@dataclass(frozen=True)
class TrainRequest:
    """What ``rdbench train`` asks for. None leaves a choice to the trainer's preset."""

    out: Path
    """Folder of checkpoints and logs."""
    preset: str | None = None
    steps: int | None = None
    minutes: float | None = None
    """About how long the training may take, instead of ``steps``."""
    validate_every: int | None = None
    """Steps between validations."""
    device: str = "cpu"
    """Where to train, as resolved by :func:`bench.host.device.resolve`."""
    seed: int | None = None
    resume: bool = False
    """Continue from the newest checkpoint in ``out``; settings that are None are then those of that run."""
    weights: Path | None = None
    """Weights to start from, of this codec or of another, for trainers that can; None leaves it to them."""


@dataclass(frozen=True)
class SampleRequest:
    """What ``rdbench sample`` asks for."""

    count: int
    quality: float
    seed: int
    weights: Path | None = None
    """The codec's weights; None for the shipped ones."""
    generator: Path | None = None
    """Weights of a separate decoder, for codecs that have one; None for the shipped ones."""


@dataclass(frozen=True)
class TrainProgress:
    """How far a training has come; an observer receives it at every logged step."""

    step: int
    steps: int
    """The step at which the training ends."""
    seconds_left: float
    """Estimated from the speed of the latest steps."""
    figures: dict[str, float]
    """What is worth showing, by name: loss, rate in bpp, ELBO in bits per pixel."""


class Observer:
    """Receives the progress of a training. This one ignores it."""

    def progress(self, progress: TrainProgress) -> None:
        """Called when a step was logged."""

    def note(self, text: str) -> None:
        """Called when something happened that is worth a line."""


class Trainer(Protocol):
    """Trains, exports and samples one learned codec."""

    name: str

    def train(
        self, request: TrainRequest, images: Sequence[Path], validation: Sequence[Path], observer: Observer
    ) -> Path:
        """Train a model.

        Parameters
        ----------
        request : what to train, and for how long
        images : files to train on
        validation : files to measure real bitstreams on; may be empty
        observer : receives progress and notes

        Returns
        -------
        The folder of the last checkpoint.

        Raises
        ------
        bench.errors.BenchError
            The request cannot be met, or the training diverged; the last good checkpoint is kept.
        """
        ...

    def export(self, checkpoint: Path, images: Sequence[Path], out: Path) -> str:
        """Write the weights file of a checkpoint, ready for distribution.

        Parameters
        ----------
        checkpoint : folder of a checkpoint, or of a run
        images : the files that were trained on
        out : the file to write

        Returns
        -------
        The file's SHA-256.
        """
        ...

    def sample(self, request: SampleRequest) -> NDArray[np.uint8]:
        """Draw images from the learned prior, uint8 (count, height, width, 3)."""
        ...

    def sample_note(self, request: SampleRequest) -> str:
        """Say what these samples show, in a sentence or two."""
        ...
