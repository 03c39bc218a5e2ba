"""Reconstructions for the site: crops of a few images of each data set, of every codec near two rates."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.boards.board import Board
from bench.boards.results import BoardResults, SetResults
from bench.codec import Image
from bench.engines import open_engine
from bench.engines.engine import Slot, Task
from bench.engines.kept import KeptBitstream, Undecodable, decoded
from bench.files.access import write_atomically
from bench.inputs.image import read_image
from bench.inputs.pixels import displayed
from bench.report.page.data import rounded
from bench.report.reconstructions.bitstreams import RunBitstreams, RunFolders, StoredOriginals
from bench.report.reconstructions.decoded import lossless_bytes
from bench.trials.trust import Trust

if TYPE_CHECKING:
    import pandas as pd

PICTURE_FOLDER = "pictures"
SIDE = 256
"""Pixels of a crop."""
RATES = (0.25, 0.75)
"""Bits per pixel whose nearest operating points are shown."""


@dataclass(frozen=True)
class _Crop(Task[KeptBitstream, "tuple[str, tuple[bytes, str] | str]"]):
    """The middle of a reconstruction as a lossless file, or why there is none."""

    def __call__(self, work: KeptBitstream, slot: Slot) -> tuple[str, tuple[bytes, str] | str]:
        try:
            pixels = displayed(decoded(work, slot), work.depth)
            return work.pixels_sha256, lossless_bytes(_middle(pixels), effort=4)
        except (Undecodable, OSError, ValueError) as error:
            return work.pixels_sha256, str(error)


def write_pictures(
    board: Board, results: BoardResults, site: Path, count: int, trust: Trust
) -> dict[str, list[dict[str, Any]]]:
    """Decode and store crops below ``site``, and say which there are, by data set.

    Parameters
    ----------
    count : images of each data set
    trust : which codecs may decode besides the installed ones
    """
    folders = RunFolders({it.slug: it.folder for it in board.entries}, trust)
    return {it.dataset: _of_set(it, folders, results, site, count) for it in results.sets} if count else {}


def addresses(shown: Sequence[Mapping[str, Any]]) -> set[str]:
    """The pictures of one data set by their places below the site."""
    of_cells = {cell[3] for it in shown for cell in it["cells"]}
    return {it for it in of_cells | {its["original"] for its in shown} if it is not None}


def _of_set(
    of: SetResults, folders: RunFolders, results: BoardResults, site: Path, count: int
) -> list[dict[str, Any]]:
    place = {it.key: index for index, it in enumerate(results.rows)}
    source = RunBitstreams(list(of.entries.values()), of.frame, folders)
    rows = source.rows[~source.rows["lossless"].astype(bool)]
    names = list(dict.fromkeys(map(str, rows["image"])))[:count]
    nearest = rows.loc[[index for name in names for index in _nearest(rows[rows["image"] == name])]]
    jobs = source.jobs(nearest)
    pictures = _decoded(list(jobs.values()), site)
    shown = []
    for name in names:
        of_image = nearest[(nearest["image"] == name) & nearest.index.isin(list(jobs))]
        cells = [
            [place[str(row.label)], rate, rounded(row.bpp, 4), *pictures[jobs[row.Index].pixels_sha256]]
            for rate, row in _by_rate(of_image)
        ]
        sha256 = str(rows[rows["image"] == name].iloc[0]["image_sha256"])
        original = _original(of.dataset, name, sha256, site, folders)
        shown.append({"image": name, "original": original, "cells": cells})
    return [it for it in shown if it["cells"]]


def _nearest(rows: pd.DataFrame) -> list[Any]:
    return [row.Index for _, row in _by_rate(rows)]


def _by_rate(rows: pd.DataFrame) -> Iterator[tuple[float, Any]]:
    """Of every codec the trial nearest to each rate, by their ratio."""
    for _, its in rows.groupby("label", observed=True, sort=False):
        trials = [*its.itertuples()]
        for rate in RATES:
            yield rate, min(trials, key=lambda it: max(it.bpp / rate, rate / max(it.bpp, 1e-9)))


def _decoded(jobs: Sequence[KeptBitstream], site: Path) -> dict[str, tuple[str | None, str]]:
    """By hash of the pixels the address of the crop below the site, or why there is none."""
    todo = {it.pixels_sha256: it for it in jobs}
    found: dict[str, tuple[str | None, str]] = {}
    if todo:
        with open_engine() as engine:
            for sha256, made in engine.run(_Crop(), list(todo.values())):
                found[sha256] = (None, made) if isinstance(made, str) else (_stored(site, sha256, made), "")
    return found


def _original(dataset: str, name: str, sha256: str, site: Path, folders: RunFolders) -> str | None:
    with tempfile.TemporaryDirectory() as scratch:
        stored = StoredOriginals(dataset, Path(scratch), folders).get(name, sha256)
        if stored.file is None:
            return None
        return _stored(site, sha256, lossless_bytes(_middle(read_image(stored.file).pixels), effort=4))


def _stored(site: Path, sha256: str, made: tuple[bytes, str]) -> str:
    data, suffix = made
    name = f"{PICTURE_FOLDER}/{sha256[:32]}{suffix}"
    write_atomically(site / name, data)
    return name


def _middle(pixels: Image) -> Image:
    height, width = pixels.shape[:2]
    top, left = (max(0, (it - SIDE) // 2) for it in (height, width))
    return pixels[top : top + SIDE, left : left + SIDE].copy()
