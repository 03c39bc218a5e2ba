"""Two decoders of one bitstream: configurations that write the same bytes for every picture and show others.

What differs between their pictures is the decoder's doing alone, so their values are compared point by
point, without interpolation.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.rd import MIN_IMAGES, interval_of_mean, jackknife_interval
from bench.rd.curve import Array
from bench.report.board import Board
from bench.report.perception import Measure, measures
from bench.studies.set_metrics.record import difference_interval

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Difference:
    """One metric of both at one operating point: means over the images, as shown."""

    quality: float
    bpp: float
    images: int
    measure: Measure
    first: float
    second: float
    ci95: tuple[float, float] | None
    """95% interval of second − first, paired over the images; None where they are too few."""

    @property
    def difference(self) -> float:
        """Second − first."""
        return self.second - self.first

    @property
    def second_is_better(self) -> bool | None:
        """None for a tie, and where the interval of the difference holds 0."""
        if self.ci95 is not None and self.ci95[0] <= 0 <= self.ci95[1]:
            return None
        first, second = (cost_of(self.measure, it) for it in (self.first, self.second))
        return None if first == second else second < first


@dataclass(frozen=True)
class Twins:
    """Two configurations whose bitstreams are identical at the given qualities, image by image."""

    first: str
    second: str
    qualities: tuple[float, ...]
    differences: tuple[Difference, ...]


def numbered(name: str, index: int) -> str:
    """The name of a file about the pair at ``index``: the first one's has no number."""
    return f"{name}_{index + 1}" if index else name


def find_twins(board: Board) -> tuple[Twins, ...]:
    """Every pair with the same bytes and other pixels at one operating point or more, in the board's order.

    A point counts where the bitstreams agree in all images that both finished, and the pixels differ in one.
    Equal sizes are not enough: a format of fixed rate has them whatever its encoder writes.
    """
    frame = board.frame
    rows = frame[(frame["status"] == "ok") & ~frame["lossless"]]
    alike = rows[rows.duplicated(["quality", "image", "bytes"], keep=False)]
    pairs: dict[tuple[str, str], set[float]] = defaultdict(set)
    for (quality, _, _), group in alike.groupby(["quality", "image", "bytes"], observed=True, sort=False):
        for pair in itertools.combinations(map(str, group["label"]), 2):
            pairs[pair].add(float(quality))
    order = {it.label: index for index, it in enumerate(board.entries)}
    made = (_twins(board, rows, pair, pairs[pair]) for pair in sorted(pairs, key=lambda it: order[it[0]]))
    return tuple(it for it in made if it is not None)


def _twins(board: Board, rows: pd.DataFrame, pair: tuple[str, str], qualities: set[float]) -> Twins | None:
    first, second = pair
    found, differences = [], []
    for quality in sorted(qualities):
        both = _paired(rows[rows["quality"] == quality], pair)
        same_bytes = (both["bitstream_sha256_1"] == both["bitstream_sha256_2"]).all()
        if not same_bytes or (both["pixels_sha256_1"] == both["pixels_sha256_2"]).all():
            continue
        found.append(quality)
        differences += _differences(board, both, pair, quality)
    return Twins(first, second, tuple(found), tuple(differences)) if found else None


def _paired(rows: pd.DataFrame, pair: tuple[str, str]) -> pd.DataFrame:
    """The images that both finished, a row each."""
    one, other = (rows[rows["label"] == label].set_index("image") for label in pair)
    return one.join(other, how="inner", lsuffix="_1", rsuffix="_2")


def _differences(board: Board, both: pd.DataFrame, pair: tuple[str, str], quality: float) -> list[Difference]:
    bpp = float(both["bpp_1"].mean())
    made = []
    for measure in measures(board):
        if measure.of_sets:
            made += _of_sets(board, measure, pair, (quality, bpp))
            continue
        columns = [both[f"{measure.name}_{k}"].to_numpy(float) for k in (1, 2)]
        if np.isfinite(columns).all():
            first, second = (measure.shown(float(it.mean())) for it in columns)
            interval = _interval(measure, columns[0], columns[1])
            made.append(Difference(quality, bpp, len(both), measure, first, second, interval))
    return made


def _of_sets(
    board: Board, measure: Measure, pair: tuple[str, str], point: tuple[float, float]
) -> list[Difference]:
    """The difference of two distances to the originals; nothing where one was not computed."""
    quality, bpp = point
    known = {it.label: it for it in board.distances if (it.metric, it.quality) == (measure.name, quality)}
    first, second = (known.get(label) for label in pair)
    if first is None or second is None or first.value is None or second.value is None:
        return []
    interval = difference_interval(first, second)
    return [Difference(quality, bpp, first.images, measure, first.value, second.value, interval)]


def _interval(measure: Measure, first: Array, second: Array) -> tuple[float, float] | None:
    """Of the difference of both means as shown, which for decibels is not the mean of differences."""
    if not measure.decibel:
        return interval_of_mean(second - first)
    count = len(first)
    if count < MIN_IMAGES:
        return None
    values = np.stack([first, second], axis=1)
    means = np.vstack([values.mean(axis=0), (values.sum(axis=0) - values) / (count - 1)])
    shown = np.vectorize(measure.shown)(means)
    differences = shown[:, 1] - shown[:, 0]
    return jackknife_interval(float(differences[0]), differences[1:])


def cost_of(measure: Measure, value: float) -> float:
    """A value as a cost, lower is better: turned around, or the distance from the ideal."""
    if measure.ideal is not None:
        return abs(value - measure.ideal)
    return -value if measure.higher_is_better else value
