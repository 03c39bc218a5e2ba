"""Crops of two decoders' images side by side, and of other codecs' at the nearest rate.

Nothing is picked by eye. Of every image the operating point nearest to 0.2 bpp is taken; the images are those
with the largest, the median and the smallest gain; the crop lies where the two reconstructions differ most.
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
from bench.losses.place import cut, densest
from bench.report.decoder_pairs import DecoderPair, paired
from bench.report.entries import Entry
from bench.report.measures import Measure, first_of
from bench.report.reconstructions.bitstreams import RunBitstreams, StoredOriginals
from bench.report.reconstructions.decoded import Stored, decode_all

if TYPE_CHECKING:
    import pandas as pd

SIDE = 192
"""Pixels of a crop's side; less where an image is smaller."""
RATE = 0.2
"""Bits per pixel: the middle of 0.1 to 0.3, where decoders differ most to the eye."""
COMPANIONS = ("jpeg", "jpeg2000")
"""Codecs whose first configuration stands beside the pair, where a run has them."""
_NO_BITSTREAMS = "bitstreams were not kept: run again with --keep-bitstreams, then make the report again"


@dataclass(frozen=True)
class Crop:
    """One codec's crop; the values are those of the whole image, as shown."""

    label: str
    quality: float
    bpp: float
    values: Mapping[str, float]
    pixels: Image | None
    problem: str = ""


@dataclass(frozen=True)
class CropRow:
    """One image: why it was chosen, where the crop lies (left, top), and its pixels by each codec."""

    image: str
    reason: str
    place: tuple[int, int]
    original: Image | None
    crops: tuple[Crop, ...]


@dataclass(frozen=True)
class Crops:
    """The crops of a pair of decoders, or why there are none."""

    pair: DecoderPair
    measures: tuple[Measure, ...]
    """What the captions give: a distortion metric and a perceptual one, as far as measured."""
    rows: tuple[CropRow, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class CropSource:
    """What crops are made from."""

    dataset: str
    entries: Sequence[Entry]
    frame: pd.DataFrame
    measures: Sequence[Measure]
    bitstreams: RunBitstreams
    folder: Path
    """Where decoded images are stored."""


def find_crops(pair: DecoderPair, source: CropSource) -> Crops:
    """The crops of a pair; what has to be decoded for them is stored in the source's folder."""
    roles = (first_of(source.measures, role) for role in ("distortion", "perception"))
    captions = tuple(it for it in roles if it is not None)
    rows = source.bitstreams.rows
    images = _choose_images(rows, pair, captions)
    if not images:
        return Crops(pair, captions, problem=_NO_BITSTREAMS)
    shown = {it: [*it.pair, *_companions(source.entries, rows, pair, it)] for it in images}
    trials = rows.loc[[index for indices in shown.values() for index in indices]]
    jobs = source.bitstreams.jobs(trials)
    if not jobs:
        return Crops(pair, captions, problem=_NO_BITSTREAMS)
    decoded = dict(zip(jobs, decode_all(list(jobs.values()), source.folder), strict=True))
    originals = _originals(source, [it.name for it in images])
    made = []
    for image, indices in shown.items():
        stored = [decoded.get(index, Stored(None, _NO_BITSTREAMS)) for index in indices]
        pixels = [None if it.file is None else read_image(it.file).pixels for it in stored]
        place = _place(pixels[0], pixels[1])
        crops = tuple(
            _crop(trials.loc[index], captions, _cut(whole, place), its.problem)
            for index, whole, its in zip(indices, pixels, stored, strict=True)
        )
        original = _cut(originals[image.name], place)
        made.append(CropRow(image.name, image.reason, place, original, crops))
    return Crops(pair, captions, tuple(made))


def _gap(one: float, other: float) -> float:
    return abs(math.log(one / other))


@dataclass(frozen=True)
class _ChosenImage:
    """An image with its two trials at the operating point nearest to the wanted rate."""

    name: str
    pair: tuple[Any, Any]
    bpp: float
    gain: float
    reason: str = ""


def _choose_images(rows: pd.DataFrame, pair: DecoderPair, captions: Sequence[Measure]) -> list[_ChosenImage]:
    """Up to three images by what the second of the pair gains."""
    shared = rows[rows["quality"].isin(list(pair.qualities))].assign(trial=lambda it: it.index)
    both = paired(shared, pair.first, pair.second, ["image", "quality"])
    both = both[both["pixels_sha256_1"] != both["pixels_sha256_2"]]
    found = []
    for name, points in both.groupby(level="image", observed=True, sort=True):
        point = min((row for _, row in points.iterrows()), key=lambda it: _gap(it["bpp_1"], RATE))
        gain = 0.0
        if captions:
            measure = captions[-1]
            before, after = (measure.cost_of(float(point[f"{measure.name}_{k}"])) for k in (1, 2))
            gain = before - after
        trials = (point["trial_1"], point["trial_2"])
        found.append(_ChosenImage(str(name), trials, float(point["bpp_1"]), gain))
    if len(found) < 2 or not captions:
        return found[:1]
    found.sort(key=lambda it: -it.gain)
    reasons = {0: "largest gain", len(found) // 2: "median gain", len(found) - 1: "smallest gain"}
    return [replace(found[k], reason=reason) for k, reason in sorted(reasons.items())]


def _companions(
    entries: Sequence[Entry], rows: pd.DataFrame, pair: DecoderPair, image: _ChosenImage
) -> list[Any]:
    """Indices of other codecs' trials of an image, at the rate nearest to that of the pair."""
    of_image = rows[(rows["image"] == image.name) & ~rows["lossless"]]
    found = []
    for codec in COMPANIONS:
        label = next((it.label for it in entries if it.codec == codec and not it.lossless), None)
        trials = of_image[of_image["label"] == label]
        if label not in (None, pair.first, pair.second) and len(trials):
            found.append(min(trials.index, key=lambda it: _gap(float(of_image.at[it, "bpp"]), image.bpp)))
    return found


def _originals(source: CropSource, names: Sequence[str]) -> dict[str, Image | None]:
    """The original images, or lossless reconstructions of them, as far as either is at hand."""
    originals = StoredOriginals(source.dataset, source.folder, source.bitstreams.runs)
    trials = source.frame.drop_duplicates("image").set_index("image")
    files = {it: originals.get(it, str(trials.at[it, "image_sha256"])).file for it in names}
    rows = source.bitstreams.rows
    exact = rows[rows["exact"].astype(bool)].drop_duplicates("image").set_index("image", drop=False)
    missing = [it for it in names if files[it] is None and it in exact.index]
    if missing:
        jobs = source.bitstreams.jobs(exact.loc[missing])
        stored = decode_all(list(jobs.values()), source.folder)
        files |= {str(name): it.file for name, it in zip(jobs, stored, strict=True)}
    return {name: None if file is None else read_image(file).pixels for name, file in files.items()}


def _place(first: Image | None, second: Image | None) -> tuple[int, int]:
    """Left and top of the crop in which two images differ most, on a grid of 8 pixels."""
    if first is None or second is None:
        return 0, 0
    return densest(np.abs(first.astype(np.int32) - second).sum(axis=2), SIDE)


def _cut(pixels: Image | None, place: tuple[int, int]) -> Image | None:
    return None if pixels is None else cut(pixels, place, SIDE)


def _crop(trial: pd.Series, captions: Sequence[Measure], pixels: Image | None, problem: str) -> Crop:
    values = {it.name: it.shown(float(trial[it.name])) for it in captions}
    return Crop(str(trial["label"]), float(trial["quality"]), float(trial["bpp"]), values, pixels, problem)
