"""Cut-outs of two decoders' pictures side by side, and of other codecs' at the nearest rate.

Nothing is picked by eye. Of every image the operating point nearest to 0.2 bpp is taken; the images are those
with the largest, the median and the smallest gain; the cut-out lies where the two pictures differ most.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.codec import Image
from bench.inputs.image import read_image
from bench.rd import DB_METRICS, to_db
from bench.report.board import Board
from bench.report.decoder_pairs import Twins, cost_of, find_twins
from bench.report.perception import DISTORTION, PERCEPTION, Measure, measures
from bench.report.reconstructions.bitstreams import KeptBitstreams, Originals
from bench.report.reconstructions.decoded import Stored, decode_all

if TYPE_CHECKING:
    import pandas as pd

SIDE = 192
"""Pixels of a cut-out's side; less where a picture is smaller."""
RATE = 0.2
"""Bits per pixel: the middle of 0.1 to 0.3, where decoders differ most to the eye."""
COMPANIONS = ("jpeg", "jpeg2000")
"""Codecs whose first configuration stands beside the pair, where a run has them."""
_STEP = 8
_NOT_KEPT = "bitstreams were not kept: run again with --keep-bitstreams, then make the report again"


@dataclass(frozen=True)
class Crop:
    """One codec's cut-out; the values are those of the whole picture, as shown."""

    label: str
    quality: float
    bpp: float
    values: Mapping[str, float]
    pixels: Image | None
    problem: str = ""


@dataclass(frozen=True)
class CropRow:
    """One image: why it was chosen, where the cut-out lies (left, top), and the pictures."""

    image: str
    reason: str
    place: tuple[int, int]
    original: Image | None
    crops: tuple[Crop, ...]


@dataclass(frozen=True)
class Crops:
    """The cut-outs of a pair of codecs, or why there are none."""

    twins: Twins
    measures: tuple[Measure, ...]
    """What the captions give: a distortion metric and a perceptual one, as far as measured."""
    rows: tuple[CropRow, ...] = ()
    problem: str = ""


def crops_of(board: Board, source: KeptBitstreams, folder: Path) -> tuple[Crops, ...]:
    """The cut-outs of every pair of codecs that a board has; see :func:`find_crops`."""
    return tuple(find_crops(board, it, source, folder) for it in find_twins(board))


def find_crops(board: Board, twins: Twins, source: KeptBitstreams, folder: Path) -> Crops:
    """The cut-outs of a pair; what has to be decoded for them is stored in ``folder``."""
    chosen = _captions(board)
    rows = source.rows
    images = _images(rows, twins, chosen)
    if not images:
        return Crops(twins, chosen, problem=_NOT_KEPT)
    picked = {it.image: [*it.pair, *_companions(board, rows, twins, it)] for it in images}
    trials = rows.loc[[index for its in picked.values() for index in its]]
    jobs = source.jobs(trials)
    if not jobs:
        return Crops(twins, chosen, problem=_NOT_KEPT)
    pictures = dict(zip(jobs, decode_all(list(jobs.values()), folder), strict=True))
    originals = _originals(board, source, list(picked), folder)
    reasons = {it.image: it.reason for it in images}
    made = []
    for name, indices in picked.items():
        shown = [pictures.get(it, Stored(None, _NOT_KEPT)) for it in indices]
        whole = [None if it.file is None else read_image(it.file).pixels for it in shown]
        left, top = _place(whole[0], whole[1])
        crops = tuple(
            _crop(trials.loc[index], chosen, _cut(pixels, left, top), stored.problem)
            for index, pixels, stored in zip(indices, whole, shown, strict=True)
        )
        made.append(CropRow(name, reasons[name], (left, top), _cut(originals[name], left, top), crops))
    return Crops(twins, chosen, tuple(made))


def _captions(board: Board) -> tuple[Measure, ...]:
    known = {it.name: it for it in measures(board)}
    first = [next((known[it] for it in names if it in known), None) for names in (DISTORTION, PERCEPTION)]
    return tuple(it for it in first if it is not None)


def _gap(one: float, other: float) -> float:
    return abs(math.log(one / other))


@dataclass(frozen=True)
class _Picked:
    """An image with its two trials at the operating point nearest to the wanted rate."""

    image: str
    pair: tuple[Any, Any]
    bpp: float
    gain: float
    reason: str = ""


def _images(rows: pd.DataFrame, twins: Twins, chosen: Sequence[Measure]) -> list[_Picked]:
    """Up to three images by what the second of the pair gains."""
    here = rows[rows["quality"].isin(list(twins.qualities))].assign(trial=lambda it: it.index)
    first, second = (
        here[here["label"] == it].set_index(["image", "quality"]) for it in (twins.first, twins.second)
    )
    both = first.join(second, how="inner", lsuffix="_1", rsuffix="_2")
    both = both[both["pixels_sha256_1"] != both["pixels_sha256_2"]]
    found = []
    for name, points in both.groupby(level="image", observed=True, sort=True):
        point = min((row for _, row in points.iterrows()), key=lambda it: _gap(it["bpp_1"], RATE))
        gain = 0.0
        if chosen:
            measure = chosen[-1]
            before, after = (float(point[f"{measure.name}_{k}"]) for k in (1, 2))
            gain = cost_of(measure, before) - cost_of(measure, after)
        trials = (point["trial_1"], point["trial_2"])
        found.append(_Picked(str(name), trials, float(point["bpp_1"]), gain))
    if len(found) < 2 or not chosen:
        return found[:1]
    found.sort(key=lambda it: -it.gain)
    ends = {0: "largest gain", len(found) // 2: "median gain", len(found) - 1: "smallest gain"}
    return [replace(found[k], reason=reason) for k, reason in sorted(ends.items())]


def _companions(board: Board, rows: pd.DataFrame, twins: Twins, picked: _Picked) -> list[Any]:
    """Indices of other codecs' trials of an image, at the rate nearest to that of the pair."""
    of_image = rows[(rows["image"] == picked.image) & ~rows["lossless"]]
    found = []
    for codec in COMPANIONS:
        label = next((it.label for it in board.lossy if it.codec == codec), None)
        trials = of_image[of_image["label"] == label]
        if label not in (None, twins.first, twins.second) and len(trials):
            found.append(min(trials.index, key=lambda it: _gap(float(of_image.at[it, "bpp"]), picked.bpp)))
    return found


def _originals(
    board: Board, source: KeptBitstreams, names: Sequence[str], folder: Path
) -> dict[str, Image | None]:
    """The original pictures, or lossless reconstructions of them, as far as either is at hand."""
    known = Originals(board.dataset, folder)
    rows = board.frame.drop_duplicates("image").set_index("image")
    files = {it: known.get(it, str(rows.at[it, "image_sha256"])).file for it in names}
    exact = (
        source.rows[source.rows["exact"].astype(bool)].drop_duplicates("image").set_index("image", drop=False)
    )
    missing = [it for it in names if files[it] is None and it in exact.index]
    if missing:
        jobs = source.jobs(exact.loc[missing])
        stored = decode_all(list(jobs.values()), folder)
        files |= {str(name): it.file for name, it in zip(jobs, stored, strict=True)}
    return {name: None if file is None else read_image(file).pixels for name, file in files.items()}


def _place(first: Image | None, second: Image | None) -> tuple[int, int]:
    """Left and top of the cut-out in which two pictures differ most, on a grid of 8 pixels."""
    if first is None or second is None:
        return 0, 0
    gap = np.abs(first.astype(np.int32) - second).sum(axis=2)
    height, width = (min(SIDE, it) for it in gap.shape)
    total = np.pad(gap.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    sums = (
        total[height:, width:] - total[:-height, width:] - total[height:, :-width] + total[:-height, :-width]
    )
    grid = sums[::_STEP, ::_STEP]
    top, left = np.unravel_index(int(grid.argmax()), grid.shape)
    return int(left) * _STEP, int(top) * _STEP


def _cut(pixels: Image | None, left: int, top: int) -> Image | None:
    return None if pixels is None else np.ascontiguousarray(pixels[top : top + SIDE, left : left + SIDE])


def _crop(trial: pd.Series, chosen: Sequence[Measure], pixels: Image | None, problem: str) -> Crop:
    values = {
        it.name: float(to_db(trial[it.name]) if it.name in DB_METRICS else trial[it.name]) for it in chosen
    }
    return Crop(str(trial["label"]), float(trial["quality"]), float(trial["bpp"]), values, pixels, problem)
