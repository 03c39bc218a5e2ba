"""Every operating point of the lossy configurations: means over the images that were measured."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.rd import Average
from bench.rd.curve import Array
from bench.report.measures import Measure

if TYPE_CHECKING:
    import pandas as pd

_TIMES = ("encode_s", "decode_s", "encode_iqr_s", "decode_iqr_s")


@dataclass(frozen=True)
class PointMeans:
    """One configuration at one quality setting."""

    label: str
    quality: float | None
    """None for a codec that takes none, and so has one point."""
    n_ok: int
    n_planned: int
    bpp: Mapping[Average, float | None]
    """The mean in both ways of averaging; None where no trial finished."""
    values: Mapping[str, float | None]
    """By metric the mean as stored; None where an image that counts has no finite value."""
    encode_s: float | None
    """The mean; None where the trials of the configuration are of several machines."""
    decode_s: float | None
    encode_spread: float | None
    """Interquartile range of a trial's timed repetitions ÷ their median in percent, median over images."""
    decode_spread: float | None


def operating_points(
    frame: pd.DataFrame,
    metrics: Sequence[Measure],
    exact_images: Mapping[str, frozenset[str]],
    average: Average,
    shared: Collection[str] = (),
) -> tuple[PointMeans, ...]:
    """The points of one data set, in the order of their first trials.

    Parameters
    ----------
    frame : its trials
    metrics : columns to average
    exact_images : by metric the images that do not count
    average : that of the metrics' means
    shared : labels whose trials were shared out among different machines, so that times have no mean
    """
    columns = ["width", "height", "bpp", *(it.name for it in metrics), *_TIMES]
    lossy = frame.loc[~frame["lossless"], ["label", "quality", "status", "image", *columns]]
    finished = (lossy["status"] == "ok").to_numpy(bool)
    of_trial = {name: lossy[name].to_numpy(float, na_value=np.nan) for name in columns}
    counted = {name: ~lossy["image"].isin(images).to_numpy(bool) for name, images in exact_images.items()}
    made = []
    for label, quality, trials in _by_point(lossy):
        ok = trials[finished[trials]]
        column = {name: values[ok] for name, values in of_trial.items()}
        weights: dict[Average, Array] = {
            "images": np.ones(len(ok)),
            "pixels": column["width"] * column["height"],
        }
        values = {}
        for metric in metrics:
            its = counted.get(metric.name, finished)[ok]
            values[metric.name] = _mean(column[metric.name][its], weights[average][its], complete=True)
        made.append(
            PointMeans(
                label,
                quality,
                len(ok),
                len(trials),
                {way: _mean(column["bpp"], its) for way, its in weights.items()},
                values,
                None if label in shared else _mean(column["encode_s"], weights["images"]),
                None if label in shared else _mean(column["decode_s"], weights["images"]),
                _spread(column["encode_iqr_s"], column["encode_s"]),
                _spread(column["decode_iqr_s"], column["decode_s"]),
            )
        )
    return tuple(made)


def _by_point(lossy: pd.DataFrame) -> Iterator[tuple[str, float | None, NDArray[np.intp]]]:
    """Label, quality and rows of each operating point, in the order of their first appearance."""
    groups = lossy.groupby(["label", "quality"], sort=False, observed=True, dropna=False)
    point = groups.ngroup().to_numpy()
    order = np.argsort(point, kind="stable")
    bounds = np.searchsorted(point[order], np.arange(point.max(initial=-1) + 2))
    points = [order[start:end] for start, end in itertools.pairwise(bounds.tolist())]
    first = lossy[["label", "quality"]].iloc[[rows[0] for rows in points]]
    for label, quality, rows in zip(first["label"], first["quality"], points, strict=True):
        yield str(label), None if math.isnan(quality) else float(quality), rows


def _mean(values: Array, weights: Array, *, complete: bool = False) -> float | None:
    absent = np.isnan(values)
    if not len(values) or (complete and absent.any()):
        return None
    total = weights[~absent].sum()
    return float(np.where(absent, 0.0, values) @ weights / total) if total else math.nan


def _spread(ranges: Array, medians: Array) -> float | None:
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = ranges / medians
    shares = shares[~np.isnan(shares)]
    return 100 * float(np.median(shares)) if len(shares) else None
