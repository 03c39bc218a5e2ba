"""The contract of a learned codec that can be trained: a plug-in of the group ``bench.trainers``.

The entry point names a class whose constructor takes no argument; its methods do the heavy imports.
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
    """What ``rdbench train`` asks for; None leaves a choice to the trainer's preset."""

    out: Path
    """Folder of checkpoints and logs."""
    preset: str | None = None
    steps: int | None = None
    minutes: float | None = None
    """Instead of ``steps``: about how long it may take."""
    validate_every: int | None = None
    """Steps between validations."""
    device: str = "cpu"
    """Where to train, after :func:`bench.host.device.resolve`."""
    seed: int | None = None
    resume: bool = False
    """Go on from the newest checkpoint in ``out``; what is None is then as the run was started."""
    weights: Path | None = None
    """Weights of another codec to start from, for trainers that do; None leaves it to them."""


@dataclass(frozen=True)
class SampleRequest:
    """What ``rdbench sample`` asks for."""

    count: int
    quality: float
    seed: int
    weights: Path | None = None
    """The codec's weights; None are the shipped ones."""
    generator: Path | None = None
    """Weights of a separate decoder, for codecs that have one; None are the shipped ones."""


@dataclass(frozen=True)
class TrainProgress:
    """How far a training is; an observer hears of it at every logged step."""

    step: int
    steps: int
    seconds_left: float
    """By the latest steps' speed and what is known of the steps to come."""
    figures: dict[str, float]
    """What is worth showing, by name: loss, rate in bpp, ELBO in bits per pixel."""


class Observer:
    """Told how a training goes; this one shows nothing."""

    def progress(self, it: TrainProgress) -> None:
        """A step was logged."""

    def note(self, text: str) -> None:
        """Something worth a line happened."""


class Trainer(Protocol):
    """Trains, exports and samples one learned codec."""

    name: str

    def train(
        self, request: TrainRequest, images: Sequence[Path], validation: Sequence[Path], observer: Observer
    ) -> Path:
        """Train on image files; the folder of the last checkpoint.

        Raises
        ------
        bench.errors.BenchError
            The request can't be met, or training diverged; the last good checkpoint is kept.
        """
        ...

    def export(self, checkpoint: Path, images: Sequence[Path], out: Path) -> str:
        """Write the shippable weights file of a checkpoint; its SHA-256."""
        ...

    def sample(self, request: SampleRequest) -> NDArray[np.uint8]:
        """Images drawn from the learned prior, uint8 (count, height, width, 3)."""
        ...

    def sample_note(self, request: SampleRequest) -> str:
        """What these samples show, in a sentence or two."""
        ...
