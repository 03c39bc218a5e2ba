"""The pictures behind a loss: the original, and what each of the two codecs made of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from bench.codec import Image
from bench.engines import LOCAL, open_engine
from bench.engines.engine import EngineOptions, Slot, Task
from bench.engines.kept import Undecodable, decoded_again
from bench.errors import BenchError, ConfigError
from bench.inputs.image import read_image
from bench.inputs.originals import Originals
from bench.inputs.pixels import displayed
from bench.losses.place import cut, densest
from bench.losses.ranking import ImageLoss, Losses
from bench.metrics.maps import error_map
from bench.runs.store import read_info
from bench.studies.session import Bitstreams
from bench.studies.study import Asked, FinishedTrial

SIDE = 192
"""Pixels of a crop's side; less where an image is smaller."""

Made: TypeAlias = Image | str
"""A picture, or why there is none."""


@dataclass(frozen=True)
class LossCrops:
    """The crops of an image where the new codec is worse by most."""

    loss: ImageLoss
    place: tuple[int, int]
    """Left and top."""
    original: Made
    old: Made
    new: Made

    @property
    def problems(self) -> list[str]:
        """Why pictures are missing."""
        return [it for it in (self.original, self.old, self.new) if isinstance(it, str)]

    @property
    def has_both(self) -> bool:
        """Whether there are pictures of what both codecs made: one alone shows no loss."""
        return not isinstance(self.old, str) and not isinstance(self.new, str)


@dataclass(frozen=True)
class PictureOptions:
    """With what means pictures are made."""

    datasets: tuple[str, ...] = ()
    """Where the originals are, for data sets that are folders."""
    map: str = "ssim"
    """The metric of :data:`bench.metrics.maps.MAPS` that says where pictures differ."""
    engine: str = LOCAL
    timeout: float = 300.0


def loss_crops(losses: Losses, count: int, options: PictureOptions) -> list[LossCrops]:
    """Crops of the first ``count`` images, where the map of the new one exceeds that of the old one most.

    Bitstreams that a run kept are decoded; others are made again, which gives the same bytes or no picture.
    """
    shown = losses.images[:count]
    files = original_files([it.old for it in shown], (losses.old.run, losses.new.run), options)
    old = reconstructions(losses.old.run, [it.old for it in shown], files, options)
    new = reconstructions(losses.new.run, [it.new for it in shown], files, options)
    return [_crops(*parts, options.map) for parts in zip(shown, files, old, new, strict=True)]


def reconstructions(
    run: Path, trials: Sequence[FinishedTrial], files: Sequence[Path | str], options: PictureOptions
) -> list[Made]:
    """What the decoder makes of each trial of a run.

    Parameters
    ----------
    files : the original of each trial, or why it is not at hand: those bitstreams can't be made again
    """
    asked = [
        Asked(trial, file if isinstance(file, Path) else Path(trial.image.name), str(place))
        for place, (trial, file) in enumerate(zip(trials, files, strict=True))
    ]
    found: dict[str, Made] = {}
    with open_engine(options.engine, EngineOptions(timeout=options.timeout)) as engine:
        for key, picture in engine.run(_Reconstruct(Bitstreams.of(run)), asked):
            found[key] = picture
    return [found[it.key] for it in asked]


@dataclass(frozen=True)
class _Reconstruct(Task[Asked[FinishedTrial], tuple[str, Made]]):
    """The pixels that were measured, as they are shown, by the key of what was asked."""

    bitstreams: Bitstreams

    def __call__(self, work: Asked[FinishedTrial], slot: Slot) -> tuple[str, Made]:
        trial = work.question
        try:
            bitstream = self.bitstreams.whole(work, slot)
            pixels = decoded_again(bitstream, trial.codec, trial.pixels_sha256, slot)
        except ConfigError as error:
            why = str(error).removeprefix(f"{work}: ")
            return work.key, f"the bitstream was not kept, and can't be made again: {why}"
        except Undecodable as error:
            return work.key, str(error)
        return work.key, displayed(pixels, trial.depth)


def original_files(
    trials: Sequence[FinishedTrial], runs: Iterable[Path], options: PictureOptions
) -> list[Path | str]:
    """The file of each trial's original, or why it is not at hand.

    Parameters
    ----------
    runs : those that name the folders that were measured, where the options name none
    """
    named = dict.fromkeys(place for run in runs for place in read_info(run).sources.values())
    folders = [it for it in named if Path(it).is_absolute() and Path(it).exists()]
    originals = Originals(options.datasets or folders)
    return [_original_file(it, originals) for it in trials]


def _original_file(trial: FinishedTrial, originals: Originals) -> Path | str:
    image = trial.image
    try:
        return originals.find(image.dataset, image.name, image.sha256)
    except BenchError as error:
        return str(error)


def _crops(loss: ImageLoss, file: Path | str, old: Made, new: Made, name: str) -> LossCrops:
    return LossCrops(loss, *windows(shown_original(file, loss.new), old, new, name))


def shown_original(file: Path | str, trial: FinishedTrial) -> Made:
    """The picture that the codec of a trial was given, as it is shown; or why it is not at hand.

    Transparent pixels lie over what the run had them laid over, or else over white.
    """
    if isinstance(file, str):
        return file
    picture = read_image(file, accepted=trial.codec.accepted)
    return displayed(picture.pixels, picture.depth)


def windows(original: Made, old: Made, new: Made, name: str) -> tuple[tuple[int, int], Made, Made, Made]:
    """Left and top of the window in which the new picture is worse by most, and the three pictures in it.

    Parameters
    ----------
    original, old, new : whole pictures; where one is missing, the window is where the others differ most
    name : of the error map that tells
    """
    place = _place(original, old, new, name)
    first, second, third = (
        it if isinstance(it, str) else cut(it, place, SIDE) for it in (original, old, new)
    )
    return place, first, second, third


def _place(original: Made, old: Made, new: Made, name: str) -> tuple[int, int]:
    if isinstance(original, str):
        if isinstance(old, str) or isinstance(new, str):
            return 0, 0
        return densest(np.abs(old.astype(np.int32) - new).sum(axis=2), SIDE)
    maps = [None if isinstance(it, str) else error_map(name, original, it) for it in (old, new)]
    before, after = maps
    if before is None or after is None:
        known = before if after is None else after
        return (0, 0) if known is None else densest(known, SIDE)
    worse = np.maximum(after - before, 0)
    return densest(worse if worse.any() else np.abs(after - before), SIDE)
