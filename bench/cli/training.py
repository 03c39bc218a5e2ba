"""``rdbench train`` and ``rdbench sample``."""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench import registry
from bench.cli import console
from bench.errors import ConfigError
from bench.files.access import write_atomically
from bench.host.device import resolve
from bench.inputs.datasets import open_dataset
from bench.trainer import TRAINERS, Observer, SampleRequest, Trainer, TrainProgress, TrainRequest

_PLAIN_INTERVAL = 10.0


@dataclass(frozen=True)
class TrainOptions:
    """What the command line asks for besides the request to the trainer."""

    name: str
    data: str
    validation: str | None
    limit: int | None
    export: Path | None
    recursive: bool = False


def train(options: TrainOptions, request: TrainRequest) -> None:
    """Train, and export the weights if asked to."""
    if options.export is not None:
        _require_writable(options.export)
    trainer = _trainer(options.name)
    request = replace(request, device=resolve(request.device))
    images = _images(options.data, options, options.limit)
    validation = _images(options.validation, options) if options.validation else ()
    console.note(f"{len(images)} training pictures, {len(validation)} for validation; logs in {request.out}")
    with _Shown() as shown:
        checkpoint = trainer.train(request, images, validation, shown)
    print(f"checkpoint: {checkpoint}")
    if options.export is not None:
        console.note(f"exporting to {options.export}")
        digest = trainer.export(checkpoint, images, options.export)
        print(f"weights: {options.export}, SHA-256 {digest}")


def sample(name: str, request: SampleRequest, out: Path) -> None:
    """Draw images from the prior and write them side by side."""
    import numpy as np
    from PIL import Image

    if out.suffix.lower() != ".png":
        raise ConfigError(f"{out}: samples are written as PNG; end the name in .png")
    _require_writable(out)
    trainer = _trainer(name)
    images = trainer.sample(request)
    count = len(images)
    columns = int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    height, width = images.shape[1:3]
    grid = np.full((rows * height, columns * width, 3), 255, np.uint8)
    for index, image in enumerate(images):
        top, left = index // columns * height, index % columns * width
        grid[top : top + height, left : left + width] = image
    buffer = io.BytesIO()
    Image.fromarray(grid).save(buffer, "PNG")
    write_atomically(out, buffer.getvalue())
    print(f"{out}: {count} samples of {name} at quality {request.quality:g}, seed {request.seed}")
    print(trainer.sample_note(request))


def _trainer(name: str) -> Trainer:
    trainer: Trainer = registry.load(registry.find(TRAINERS, name))()
    return trainer


def _require_writable(out: Path) -> None:
    """Refuse a file that cannot be written, before the work whose result it is for."""
    if out.is_dir():
        raise ConfigError(f"{out} is a folder: give the name of a file")
    parent = next(it for it in out.absolute().parents if it.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise ConfigError(f"{out} cannot be written: {parent} is no folder that you may write to")


def _images(source: str, options: TrainOptions, limit: int | None = None) -> Sequence[Path]:
    dataset = open_dataset(source, recursive=options.recursive)
    if dataset.left_out:
        console.note(dataset.left_out)
    return [it.path for it in dataset.images[:limit]]


class _Shown(Observer):
    """Shows the progress of a training: a bar on a terminal, occasional lines in a pipe."""

    def __init__(self) -> None:
        self._last = 0.0
        self._bar = None
        if sys.stderr.isatty():
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            self._bar = Progress(
                TextColumn("training"),
                BarColumn(bar_width=None),
                MofNCompleteColumn(),
                TextColumn("{task.fields[figures]}"),
                console=console.console(stderr=True),
            )

    def __enter__(self) -> _Shown:
        if self._bar is not None:
            self._bar.start()
            self._task = self._bar.add_task("", total=None, figures="")
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def note(self, text: str) -> None:
        if self._bar is not None:
            self._bar.console.print(f"rdbench: {text}", markup=False)
        else:
            console.note(text)

    def progress(self, progress: TrainProgress) -> None:
        step, steps = progress.step, progress.steps
        parts = [f"{name} {value:.4g}" for name, value in progress.figures.items()]
        figures = ", ".join([f"{progress.seconds_left:.0f} s left", *parts])
        if self._bar is not None:
            self._bar.update(self._task, completed=step, total=steps, figures=figures)
        elif time.monotonic() - self._last > _PLAIN_INTERVAL or step == steps:
            self._last = time.monotonic()
            console.note(f"step {step}/{steps}, {figures}")
