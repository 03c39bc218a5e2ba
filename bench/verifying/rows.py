"""The rows of a run: each planned trial, and the line of the journal that decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TypeAlias

import msgspec

from bench.errors import ConfigError, DatasetError
from bench.inputs.datasets import ImageFile, is_known, open_dataset
from bench.runs.store import LineSelector, RunInfo, read_journal
from bench.trials.measurement import Measurement
from bench.trials.plan import CodecPlan, ImagePlan, Plan, trials

_Cell: TypeAlias = tuple[ImagePlan, str, float | None]
"""Image, label and quality."""


@dataclass(frozen=True)
class RecordedRow:
    """A planned trial and what the journal says of it."""

    place: int
    """In the plan's product."""
    image: ImagePlan
    codec: CodecPlan
    quality: float | None
    """Of a search, the one that came nearest."""
    line: Measurement | None
    """The last one that counts; None where there is none."""
    earlier: tuple[Measurement, ...] = ()
    """Those that it replaced, as far as they are results too."""
    astray: bool = False
    """Whether ``line`` has the trial's key, and says of codec or image what the plan does not."""

    @property
    def claims(self) -> bool:
        """Whether the record claims a result."""
        return self.line is not None and self.line.status == "ok"


def recorded_rows(
    run: Path, info: RunInfo, codecs: Iterable[CodecPlan], files: Mapping[ImagePlan, ImageFile]
) -> list[RecordedRow]:
    """The rows of a run, in the order of the plan.

    Parameters
    ----------
    run : the run folder
    info : its ``run.json``
    codecs : those of ``info`` in its order, marked as trusted where they are
    files : the images at hand

    Raises
    ------
    StoreError
        A line of the journal is damaged.
    """
    selector = LineSelector(info)
    lines: dict[int, list[Measurement]] = {}
    history: dict[tuple[str, str, str], Measurement] = {}
    for it in read_journal(run):
        row = selector.row(it)
        if row is None:
            history[it.dataset, it.image, it.key] = it
        else:
            lines.setdefault(row, []).append(it)
    keys = expected_keys(info.plan, files, [it.name for it in info.metrics])
    points = ((codec, quality) for codec in codecs for quality in codec.qualities)
    rows = []
    for place, ((codec, quality), image) in enumerate(product(points, info.images)):
        own = lines.get(place, [])
        key = keys.get((image, codec.label, quality), "")
        stray = None if own else history.get((image.dataset, image.name, key))
        earlier = tuple(it for it in own[:-1] if it.status == "ok")
        line = own[-1] if own else stray
        if codec.goal is not None and line is not None:
            quality = line.quality
        rows.append(RecordedRow(place, image, codec, quality, line, earlier, stray is not None))
    return rows


def expected_keys(
    plan: Plan, files: Mapping[ImagePlan, ImageFile], metrics: Iterable[str]
) -> dict[_Cell, str]:
    """The key of each trial, as far as it can be told.

    Parameters
    ----------
    plan : of the run
    files : the images at hand; the key of another one can be told where every codec takes 8-bit RGB alone
    metrics : the names of those that were taken; a run may have gained others since
    """
    taken = {*metrics}
    known = {it: files.get(it, ImageFile(it.name, Path(), it.sha256)) for it in plan.images}
    if any(it.accepted.depths != (8,) or it.accepted.channels != ("rgb",) for it in plan.codecs):
        known = {it: file for it, file in known.items() if it in files}
    measured = Plan(plan.images, plan.codecs, tuple(it for it in plan.metrics if it.name in taken))
    return {(it.image, it.codec.label, it.quality): it.key for it in trials(measured, known)}


def plain(codec: CodecPlan, rows: Iterable[RecordedRow]) -> CodecPlan:
    """A codec that was searched, as if what came nearest on some image had been its operating points."""
    if codec.goal is None:
        return codec
    found = {it.quality for it in rows if it.codec.label == codec.label and it.line is not None}
    return msgspec.structs.replace(
        codec, goal=None, qualities=tuple(sorted(it for it in found if it is not None))
    )


def without_needs(codec: CodecPlan) -> CodecPlan:
    """A codec of ``run.json`` without what the folder says that it needs of the machine."""
    decoder = codec.decoder and msgspec.structs.replace(codec.decoder, needs=None)
    return msgspec.structs.replace(codec, needs=None, decoder=decoder)


def images_at_hand(info: RunInfo, datasets: Iterable[str] = ()) -> dict[ImagePlan, ImageFile]:
    """The originals of a run on this machine, known by their hashes.

    Parameters
    ----------
    info : ``run.json``; a folder that it names is looked into where it is here
    datasets : folders or names that the user gives

    Raises
    ------
    ConfigError, DatasetError
        A data set that was given does not exist.
    """
    found = {it.sha256: it for given in datasets for it in _images(given)}
    for name in dict.fromkeys(it.dataset for it in info.images if it.sha256 not in found):
        source = info.sources.get(name, "")
        for place in (name,) if is_known(name) else (source,) if Path(source).is_absolute() else ():
            with suppress(ConfigError, DatasetError, OSError):
                found |= {it.sha256: it for it in _images(place)}
    return {it: found[it.sha256] for it in info.images if it.sha256 in found}


def _images(place: str) -> tuple[ImageFile, ...]:
    recursive = not is_known(place) and Path(place).is_dir()
    return open_dataset(place, download=False, recursive=recursive).images
