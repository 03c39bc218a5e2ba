"""The contract of a learned codec that can be trained: a plug-in of the group ``bench.trainers``.

The entry point names a class whose constructor takes no argument; its methods do the heavy imports.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    preset: str = "base"
    steps: int | None = None
    minutes: float | None = None
    device: str = "auto"
    seed: int = 1
    resume: bool = False
    weights: Path | None = None
    """Weights of another codec to start from, for trainers that do; None leaves it to them."""


@dataclass(frozen=True)
class TrainProgress:
    """Told to the observer after every logged step."""

    step: int
    steps: int
    seconds_left: float
    figures: dict[str, float]
    """What is worth showing, by name: loss, rate in bpp, ELBO in bits per pixel."""


Observer = Callable[[TrainProgress], None]


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

    def sample(self, weights: Path | None, count: int, quality: float, seed: int) -> NDArray[np.uint8]:
        """Pictures drawn from the learned prior, uint8 (count, height, width, 3)."""
        ...

    def sample_note(self) -> str:
        """What such samples show, in a sentence or two."""
        ...
