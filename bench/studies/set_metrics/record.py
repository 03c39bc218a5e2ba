"""Distances between data sets and their reconstructions, as ``set_metrics.json`` beside a run keeps them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bench.errors import StoreError
from bench.files.access import read_regular, write_atomically
from bench.files.typed_json import MalformedJson, decode_json
from bench.metrics.dataset import interval_around
from bench.runs.frame import load, without_attrs
from bench.runs.store import read_info
from bench.studies.study import key_of
from bench.trials.measurement import Count, MetricValue
from bench.trials.plan import CodecPlan, MetricName

if TYPE_CHECKING:
    import pandas as pd

SET_METRICS_FILE = "set_metrics.json"

_BYTES_OF_ERROR = 4
_ACROSS_IMAGES = {"kid": "kid_across_images", "kid_alexnet": "kid_alexnet_across_images"}
"""What version 1 of a name is called now: it left out the pairs of patches within one image."""


class SetMeasurement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The distance between a data set and its reconstructions by one codec at one operating point."""

    key: str
    """Identity of the result: the metric's definition, and the pixels of both sets."""
    dataset: str
    label: str
    quality: float | None
    metric: MetricName
    version: str
    bpp: MetricValue | None = None
    """Mean over the images."""
    images: Count
    patches: Count = 0
    value: MetricValue | None = None
    low: MetricValue | None = None
    high: MetricValue | None = None
    """95% confidence interval over images."""
    errors: bytes = b""
    """Draws of the value's error, float32 in little-endian order; see :class:`Estimate`."""
    reason: str = ""
    """Why there is no value."""
    failed: bool = False
    """There is none because pictures are missing, not because the metric has none."""


@dataclass(frozen=True)
class OperatingPoint:
    """One codec at one operating point on one data set: the rows of its trials, in the order of images."""

    codec: CodecPlan
    dataset: str
    quality: float | None
    rows: pd.DataFrame

    @property
    def without_picture(self) -> int:
        """How many images have no reconstruction."""
        return int((self.rows["status"] != "ok").sum())

    def key(self, metric: str, version: str) -> str:
        """Identity of a result: the metric's name and version, and the pixels of both sets.

        That of a renamed metric is of its first name, so that old results count.
        """
        if version.startswith("1+"):
            metric = next((old for old, new in _ACROSS_IMAGES.items() if new == metric), metric)
        pixels = zip(self.rows["image_sha256"], self.rows["pixels_sha256"].astype(str), strict=True)
        return key_of([metric, version, self.codec.label, self.quality, list(pixels)])

    def with_result(self, known: SetMeasurement) -> SetMeasurement:
        """A result for the same pixels; they may be of another data set, and coded in other bytes by now."""
        bpp = float(self.rows["bpp"].mean()) if known.bpp is not None else None
        return msgspec.structs.replace(known, dataset=self.dataset, bpp=bpp)


def operating_points(run: Path, frame: pd.DataFrame | None = None) -> Iterator[OperatingPoint]:
    """Those of a run, by data set, codec and quality.

    Parameters
    ----------
    frame : the run as :func:`bench.runs.frame.load` gives it, where it has been read already
    """
    codecs = {it.label: it for it in read_info(run).codecs}
    trials = without_attrs(load(run) if frame is None else frame)
    for (dataset, label, quality), rows in trials.groupby(
        ["dataset", "label", "quality"], observed=True, dropna=False, sort=False
    ):
        yield OperatingPoint(codecs[label], dataset, None if math.isnan(quality) else float(quality), rows)


def read_set_measurements(run: Path) -> list[SetMeasurement]:
    """The distances kept beside a run; none where none were computed.

    Raises
    ------
    StoreError
        The file is damaged.
    """
    path = run / SET_METRICS_FILE
    if not path.exists():
        return []
    try:
        measured = decode_json(read_regular(path, links=True), list[SetMeasurement])
        for it in measured:
            if it.errors and (it.value is None or len(it.errors) % _BYTES_OF_ERROR):
                raise MalformedJson(f"errors of no value, or a part of one, of {it.label[:80]!r}")
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror})") from error
    except MalformedJson as error:
        raise StoreError(f"{path}: damaged ({error}); remove it and compute again") from error
    return [_renamed(it) for it in measured]


def write_set_measurements(run: Path, measured: Iterable[SetMeasurement]) -> None:
    """Replace the distances kept beside a run."""
    data = msgspec.json.format(msgspec.json.encode(list(measured)), indent=1)
    write_atomically(run / SET_METRICS_FILE, data + b"\n")


def current_set_measurements(run: Path, frame: pd.DataFrame | None = None) -> list[SetMeasurement]:
    """The kept distances that are of the pixels that the run holds now, one for each point and metric.

    Parameters
    ----------
    frame : as of :func:`operating_points`

    Raises
    ------
    StoreError
        The folder is no run, or the file is damaged.
    """
    kept = read_set_measurements(run)
    if not kept:
        return []
    by_key = {it.key: it for it in kept}
    metrics = dict.fromkeys((it.metric, it.version) for it in kept)
    current = {}
    for point in operating_points(run, frame):
        for metric, version in metrics:
            known = by_key.get(point.key(metric, version))
            if known is not None:
                place = point.dataset, point.codec.label, point.quality, metric
                current[place] = point.with_result(known)
    return list(current.values())


def difference_interval(first: SetMeasurement, second: SetMeasurement) -> tuple[float, float] | None:
    """The 95% confidence interval of second − first, paired over the images.

    Parameters
    ----------
    first, second : of one metric on one data set

    Returns
    -------
    Its ends; None where the metric draws no errors, or the images differ.
    """
    if not first.errors or first.images != second.images or len(first.errors) != len(second.errors):
        return None
    assert first.value is not None
    assert second.value is not None
    its, others = (np.frombuffer(it.errors, "<f4") for it in (first, second))
    return interval_around(second.value - first.value, others - its)


def _renamed(it: SetMeasurement) -> SetMeasurement:
    """A result of version 1 of KID under the name that its definition has now."""
    if it.metric in _ACROSS_IMAGES and it.version.startswith("1+"):
        return msgspec.structs.replace(it, metric=_ACROSS_IMAGES[it.metric])
    return it
