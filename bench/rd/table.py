"""From the table of a run to curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.errors import ConfigError
from bench.rd.curve import Array, ImageCurves

if TYPE_CHECKING:
    import pandas as pd

_NUMBERS_BUT_NO_METRICS = frozenset(
    (
        *(
            "quality",
            "width",
            "height",
            "bytes",
            "bpp",
            "estimated_bpp",
            "encode_s",
            "decode_s",
            "encode_iqr_s",
            "decode_iqr_s",
        ),
        *("repeats", "encode_cpu_share", "decode_cpu_share"),
    )
)
LOWER_IS_BETTER = (
    "lpips",
    "dists",
    "mse",
    "rmse",
    "mae",
    "butteraugli",
    "flip",
    "dssim",
    "gmsd",
    "ciede",
    "fid",
    "kid",
)


def higher_is_better(metric: str) -> bool:
    """Whether the metric of a column measures similarity, like PSNR, or distance, like LPIPS, by its name."""
    return not metric.lower().startswith(LOWER_IS_BETTER)


def metric_columns(frame: pd.DataFrame) -> list[str]:
    """The columns of a run's table that hold metrics.

    They are listed in ``frame.attrs["metrics"]``; in a table of other origin they are all numeric columns
    that are not known to be something else, such as bpp and times.
    """
    named = frame.attrs.get("metrics")
    if named is not None:
        return [name for name in named if name in frame.columns]
    return [
        str(name)
        for name in frame.columns
        if name not in _NUMBERS_BUT_NO_METRICS and frame[name].dtype.kind in "fiu"
    ]


def lossy_trials(frame: pd.DataFrame) -> pd.Series[bool]:
    """Which rows of a run's table are of lossy codecs.

    A lossy codec may have a single operating point without a quality, so the quality tells only where the
    table has no column ``lossless``.
    """
    return ~frame["lossless"].astype(bool) if "lossless" in frame.columns else frame["quality"].notna()


def image_curves(frame: pd.DataFrame, metric: str, dataset: str | None = None) -> dict[str, ImageCurves]:
    """The curves of all lossy configurations in a run's table, by label, in the table's order.

    Points are ordered by quality setting. A trial that is absent or not ``ok`` is NaN. An empty PSNR of a
    trial that is ``ok`` means identical pixels and becomes ``inf``, unless a column ``exact`` says that they
    differ.

    Parameters
    ----------
    frame : a table as :func:`bench.load` returns it, with the columns ``dataset, image, label, quality,
        status, bpp`` and ``metric``, and optionally ``lossless, exact, width, height``;
        ``frame.attrs["lower_is_better"]`` may list metrics whose direction :func:`higher_is_better` does not
        know
    metric : name of a column
    dataset : which data set; None if the table has only one

    Raises
    ------
    ConfigError
        The metric is not a column, ``dataset`` is not given although there are several, or a label has two
        rows for the same image at the same quality.
    """
    return image_curves_by_metric(frame, [metric], dataset)[metric]


def image_curves_by_metric(
    frame: pd.DataFrame, metrics: Sequence[str], dataset: str | None = None
) -> dict[str, dict[str, ImageCurves]]:
    """:func:`image_curves` in several metrics, by metric; the curves of one label share their rates."""
    for metric in metrics:
        if metric not in frame.columns:
            measured = ", ".join(metric_columns(frame))
            raise ConfigError(f"metric {metric!r} is not in this run; it has {measured}")
    lossy = lossy_trials(frame)
    if dataset is not None:
        lossy &= frame["dataset"] == dataset
    elif frame["dataset"].nunique() > 1:
        raise ConfigError(f"several data sets ({', '.join(map(str, frame['dataset'].unique()))}): name one")
    exact = ["exact"] if "exact" in frame.columns else []
    size = ["width", "height"] if {"width", "height"} <= set(frame.columns) else []
    names = ["label", "image", "quality", "status", "bpp", *exact, *size, *metrics]
    lower = frame.attrs.get("lower_is_better", ())
    frame = frame.loc[lossy, list(dict.fromkeys(names))]
    codes, labels = frame["label"].factorize()
    order = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes[order], np.arange(len(labels) + 1))
    image_codes, images = frame["image"].factorize(sort=True)
    pixels = np.full(len(images), np.nan)
    if size:
        width, height = (frame[name].to_numpy(np.float64, na_value=np.nan) for name in size)
        # A failed trial may lack the size of its image; another trial of the same image has it.
        np.fmax.at(pixels, image_codes, width * height)
    trials = _Trials(
        image_codes,
        frame["quality"].to_numpy(np.float64),
        (frame["status"] == "ok").to_numpy(bool),
        frame["exact"].to_numpy(bool) if exact else np.ones(len(frame), bool),
        frame["bpp"].to_numpy(np.float64, na_value=np.nan),
    )
    rows = [order[ends[k] : ends[k + 1]] for k in range(len(labels))]
    every = _Images(tuple(str(name) for name in images), pixels if size else None)
    grids = [_grid(str(label), trials.take(its), every) for label, its in zip(labels, rows, strict=True)]
    result: dict[str, dict[str, ImageCurves]] = {}
    for metric in metrics:
        better = metric not in lower and higher_is_better(metric)
        values = frame[metric].to_numpy(np.float64, na_value=np.nan)
        result[metric] = {
            grid.label: grid.curves(metric, values[its], better)
            for grid, its in zip(grids, rows, strict=True)
        }
    return result


@dataclass(frozen=True, eq=False)
class _Images:
    """All images of a table, sorted by name, and the number of pixels of each where it is known."""

    names: tuple[str, ...]
    pixels: Array | None

    def take(self, rows: NDArray[np.intp]) -> _Images:
        pixels = None if self.pixels is None else self.pixels[rows]
        return _Images(tuple(self.names[row] for row in rows), pixels)


@dataclass(frozen=True, eq=False)
class _Trials:
    """Columns of a table, each of shape (trials,); ``image`` has indices into the sorted image names."""

    image: NDArray[np.intp]
    quality: Array
    ok: NDArray[np.bool_]
    exact: NDArray[np.bool_]
    bpp: Array

    def take(self, rows: NDArray[np.intp]) -> _Trials:
        return _Trials(self.image[rows], self.quality[rows], self.ok[rows], self.exact[rows], self.bpp[rows])


@dataclass(frozen=True, eq=False)
class _Grid:
    """The trials of one label on a grid of shape (images, points)."""

    label: str
    images: _Images
    cells: NDArray[np.intp]
    """Flat index on the grid of each trial that is ``ok``."""
    ok: NDArray[np.bool_]
    """Of all trials of the label."""
    exact: NDArray[np.bool_]
    """Of those that are ``ok``."""
    rate: Array
    """Bits per pixel on the grid."""

    def curves(self, metric: str, values: Array, better: bool) -> ImageCurves:
        values = values[self.ok]
        if metric.startswith("psnr"):
            values = np.where(np.isnan(values) & self.exact, np.inf, values)
        quality = np.full(self.rate.shape, np.nan)
        quality.flat[self.cells] = values
        return ImageCurves(
            self.label, metric, self.images.names, self.rate, quality, better, self.images.pixels
        )


def _grid(label: str, trials: _Trials, every: _Images) -> _Grid:
    images, row = np.unique(trials.image, return_inverse=True)
    qualities, column = np.unique(trials.quality, return_inverse=True)
    cells = row * len(qualities) + column
    if len(np.unique(cells)) != len(cells):
        raise ConfigError(f"label {label!r} measures one image twice at one quality: give each its own label")
    rate = np.full((len(images), len(qualities)), np.nan)
    rate.flat[cells[trials.ok]] = trials.bpp[trials.ok]
    ok = trials.ok
    return _Grid(label, every.take(images), cells[ok], ok, trials.exact[ok], rate)
