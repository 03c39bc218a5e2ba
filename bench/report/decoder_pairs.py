"""Two decoders of one bitstream: configurations that write the same bytes for every image and show others.

What differs between their images is the decoder's doing alone, so their values are compared point by
point, without interpolation.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.rd import MIN_IMAGES, interval_of_mean, jackknife_interval
from bench.rd.curve import Array
from bench.report.measures import Measure
from bench.studies.set_metrics.record import SetMeasurement, difference_interval

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class MetricDifference:
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
        first, second = (self.measure.cost_of(it) for it in (self.first, self.second))
        return None if first == second else second < first


@dataclass(frozen=True)
class DecoderPair:
    """Two configurations whose bitstreams are identical at the given qualities, image by image."""

    first: str
    second: str
    qualities: tuple[float, ...]
    differences: tuple[MetricDifference, ...]


def numbered(name: str, index: int) -> str:
    """The name of a file about the pair at ``index``: only from the second on it has a number."""
    return f"{name}_{index + 1}" if index else name


def find_decoder_pairs(
    frame: pd.DataFrame,
    labels: Sequence[str],
    measures: Sequence[Measure],
    distances: Sequence[SetMeasurement] = (),
) -> tuple[DecoderPair, ...]:
    """Every pair with the same bytes and other pixels at one operating point or more.

    A point counts where the bitstreams agree in all images that both finished, and the pixels differ in one.
    Equal sizes are not enough: a format of fixed rate has them whatever its encoder writes.

    Parameters
    ----------
    frame : the trials of one data set
    labels : its configurations, in the order that pairs are to have
    measures : what to compare the decoders by
    distances : of data-set metrics, for measures of sets
    """
    rows = frame[(frame["status"] == "ok") & ~frame["lossless"]]
    alike = rows[rows.duplicated(["quality", "image", "bytes"], keep=False)]
    qualities: dict[tuple[str, str], set[float]] = defaultdict(set)
    for (quality, _, _), group in alike.groupby(["quality", "image", "bytes"], observed=True, sort=False):
        for both in itertools.combinations(map(str, group["label"]), 2):
            qualities[both].add(float(quality))
    place = {label: index for index, label in enumerate(labels)}
    found = []
    for first, second in sorted(qualities, key=lambda it: place[it[0]]):
        points = [
            _SharedPoint(first, second, quality, both)
            for quality in sorted(qualities[first, second])
            if _differ_in_pixels_alone(both := paired(rows[rows["quality"] == quality], first, second))
        ]
        if points:
            differences = tuple(it for point in points for it in _differences(point, measures, distances))
            found.append(DecoderPair(first, second, tuple(it.quality for it in points), differences))
    return tuple(found)


@dataclass(frozen=True)
class _SharedPoint:
    """An operating point at which two configurations have the same bitstreams."""

    first: str
    second: str
    quality: float
    both: pd.DataFrame
    """A row for each image, columns of the first with the suffix ``_1``, of the second with ``_2``."""

    @property
    def bpp(self) -> float:
        return float(self.both["bpp_1"].mean())


def paired(rows: pd.DataFrame, first: str, second: str, by: str | list[str] = "image") -> pd.DataFrame:
    """What two configurations both finished, a row for each value of ``by``.

    Columns of the first have the suffix ``_1``, of the second ``_2``.
    """
    one, other = (rows[rows["label"] == label].set_index(by) for label in (first, second))
    return one.add_suffix("_1").join(other.add_suffix("_2"), how="inner")


def _differ_in_pixels_alone(both: pd.DataFrame) -> bool:
    same_bytes = (both["bitstream_sha256_1"] == both["bitstream_sha256_2"]).all()
    return bool(same_bytes) and not (both["pixels_sha256_1"] == both["pixels_sha256_2"]).all()


def _differences(
    point: _SharedPoint, measures: Sequence[Measure], distances: Sequence[SetMeasurement]
) -> Iterator[MetricDifference]:
    for measure in measures:
        made = _of_sets(point, measure, distances) if measure.of_sets else _of_images(point, measure)
        if made is not None:
            yield made


def _of_images(point: _SharedPoint, measure: Measure) -> MetricDifference | None:
    """The difference of two means; None where an image has no finite value."""
    values = [point.both[f"{measure.name}_{k}"].to_numpy(float) for k in (1, 2)]
    if not np.isfinite(values).all():
        return None
    first, second = (measure.shown(float(it.mean())) for it in values)
    interval = _interval(measure, values[0], values[1])
    return MetricDifference(point.quality, point.bpp, len(point.both), measure, first, second, interval)


def _of_sets(
    point: _SharedPoint, measure: Measure, distances: Sequence[SetMeasurement]
) -> MetricDifference | None:
    """The difference of two distances to the originals; None where one was not computed."""
    known = {it.label: it for it in distances if (it.metric, it.quality) == (measure.name, point.quality)}
    first, second = (known.get(label) for label in (point.first, point.second))
    if first is None or second is None or first.value is None or second.value is None:
        return None
    interval = difference_interval(first, second)
    return MetricDifference(
        point.quality, point.bpp, first.images, measure, first.value, second.value, interval
    )


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
