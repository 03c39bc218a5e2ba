"""From a run's table to curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.errors import ConfigError

from .curve import Array, ImageCurves

if TYPE_CHECKING:
    import pandas as pd

_NUMBERS_BUT_NO_METRICS = frozenset(
    {"quality", "width", "height", "bytes", "bpp", "encode_s", "decode_s", "encode_iqr_s", "decode_iqr_s"}
)
LOWER_IS_BETTER = ("lpips", "dists", "mse", "rmse", "mae", "butteraugli", "flip", "dssim")


def higher_is_better(metric: str) -> bool:
    """Whether a metric of this column name measures likeness (PSNR) or difference (LPIPS)."""
    return not metric.lower().startswith(LOWER_IS_BETTER)


def metric_columns(frame: pd.DataFrame) -> list[str]:
    """The columns of a run's table that hold metrics: columns of numbers that nothing else claims."""
    return [
        str(name)
        for name in frame.columns
        if name not in _NUMBERS_BUT_NO_METRICS and frame[name].dtype.kind in "fiu"
    ]


def image_curves(frame: pd.DataFrame, metric: str, dataset: str | None = None) -> dict[str, ImageCurves]:
    """The curves of every lossy configuration in a run's table, by label, in the table's order.

    ``frame`` has a run's columns (``dataset, image, label, quality, status, bpp`` and ``metric``);
    points are ordered by quality setting; ``frame.attrs["lower_is_better"]`` may name metrics of which the
    name does not tell. A trial that is absent or not ``ok`` is NaN. A PSNR that is
    empty although the trial is ``ok`` means identical pixels and becomes ``inf``.

    Raises
    ------
    ConfigError
        The metric is not a column, ``dataset`` is not given although there are several, or two rows
        of one label measure the same image at the same quality.
    """
    if metric not in frame.columns:
        raise ConfigError(f"metric {metric!r} is not in this run; it has {', '.join(metric_columns(frame))}")
    if dataset is not None:
        frame = frame[frame["dataset"] == dataset]
    elif frame["dataset"].nunique() > 1:
        raise ConfigError(f"several data sets ({', '.join(map(str, frame['dataset'].unique()))}): name one")
    lossy = frame[frame["quality"].notna()]
    codes, labels = lossy["label"].factorize()
    order = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes[order], np.arange(len(labels) + 1))
    image_codes, names = lossy["image"].factorize(sort=True)
    trials = _Trials(
        image_codes,
        lossy["quality"].to_numpy(np.float64),
        (lossy["status"] == "ok").to_numpy(bool),
        lossy["bpp"].to_numpy(np.float64, na_value=np.nan),
        lossy[metric].to_numpy(np.float64, na_value=np.nan),
    )
    lower = frame.attrs.get("lower_is_better", ())
    better = metric not in lower and higher_is_better(metric)
    return {
        str(label): _matrix((str(label), metric, better), trials.take(order[ends[k] : ends[k + 1]]), names)
        for k, label in enumerate(labels)
    }


@dataclass(frozen=True, eq=False)
class _Trials:
    """Columns of a table; ``image`` holds indices into the sorted names of all images."""

    image: NDArray[np.intp]
    quality: Array
    ok: NDArray[np.bool_]
    bpp: Array
    value: Array

    def take(self, rows: NDArray[np.intp]) -> _Trials:
        return _Trials(self.image[rows], self.quality[rows], self.ok[rows], self.bpp[rows], self.value[rows])


def _matrix(kind: tuple[str, str, bool], trials: _Trials, names: Sequence[object]) -> ImageCurves:
    label, metric, better = kind
    images, row = np.unique(trials.image, return_inverse=True)
    qualities, column = np.unique(trials.quality, return_inverse=True)
    cells = row * len(qualities) + column
    if len(np.unique(cells)) != len(cells):
        raise ConfigError(f"label {label!r} measures one image twice at one quality: give each its own label")
    value = trials.value
    if metric.startswith("psnr"):
        value = np.where(np.isnan(value), np.inf, value)
    shape = (len(images), len(qualities))
    rate, quality = np.full(shape, np.nan), np.full(shape, np.nan)
    rate.flat[cells[trials.ok]] = trials.bpp[trials.ok]
    quality.flat[cells[trials.ok]] = value[trials.ok]
    chosen = tuple(str(names[k]) for k in images)
    return ImageCurves(label, metric, chosen, rate, quality, better)
