"""Data-set metrics of a finished run: its kept bitstreams, decoded again, against the originals.

Bitstreams are decoded in isolated worker processes. The metric's network lives once, in this process, and
is fed as pictures come back, so that it may sit on a GPU. Distances are kept beside the run, in
``set_metrics.json``, and only what is missing or has changed is computed.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from bench import registry
from bench.codec import Image
from bench.engines import open_engine
from bench.engines.engine import Engine, EngineOptions
from bench.engines.kept import DecodeKept, DecoderAbsent, KeptBitstream, Undecodable
from bench.errors import ConfigError, MetricUndefined, StoreError
from bench.files.access import read_regular, write_atomically
from bench.files.typed_json import MalformedJson, decode_json
from bench.host.device import resolve
from bench.inputs.image import read_image
from bench.inputs.originals import Originals
from bench.metrics.dataset import DATASET_METRICS, DatasetMetric, Estimate, Features, interval_around
from bench.runs.store import BITSTREAM_FOLDER, RunWriter, read_info
from bench.tables.table import Column, Table
from bench.trials.measurement import Count, MetricValue
from bench.trials.plan import CodecPlan, MetricName
from bench.trials.trust import NOBODY, Trust

if TYPE_CHECKING:
    import pandas as pd

SET_METRICS_FILE = "set_metrics.json"

_ACROSS_IMAGES = {"kid": "kid_across_images", "kid_alexnet": "kid_alexnet_across_images"}
"""What version 1 of a name is called now: it left out the pairs of patches within one image."""

_NOTES = {
    "kid": (
        "KID is the unbiased estimator of MMD² (Bińkowski et al. 2018) over all patches, as in torch-fidelity"
        " and clean-fid. Reconstructions pair with their own originals too, which makes it too low on few"
        " images, and below 0 for equal sets; its interval is about its own expectation."
    ),
    "kid_across_images": (
        "KID across images leaves out pairs of patches within one image: equal sets are at 0, and values on"
        " few images are above those of KID."
    ),
}
_NOTES |= {"kid_alexnet": _NOTES["kid"], "kid_alexnet_across_images": _NOTES["kid_across_images"]}
"""What a reader must know of a metric to read its values."""


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
class Request:
    """What to compute, and with what means."""

    metric: str = "kid_alexnet_across_images"
    """Installed name of a data-set metric."""
    datasets: tuple[str, ...] = ()
    """Where the originals are, for data sets that are folders; those of the catalogue are found."""
    jobs: int | None = 1
    """Decoders at a time; None for one on each processor, or fewer on a GPU."""
    device: str = "cpu"
    """Where the metric's network runs: ``auto``, ``cpu`` or ``cuda``."""
    trust: Trust = NOBODY
    """Which codecs of the run may decode besides the installed ones."""


@dataclass(frozen=True)
class _Point:
    """One codec at one operating point on one data set: the rows of its trials, in the order of images."""

    codec: CodecPlan
    dataset: str
    quality: float | None
    rows: pd.DataFrame


def measure_sets(
    run: Path, request: Request, progress: Callable[[SetMeasurement], None] = lambda it: None
) -> list[SetMeasurement]:
    """The distances of every codec and operating point of a run, computed now or before.

    Raises
    ------
    ConfigError
        The metric is unknown or unavailable, the GPU absent, the originals are not at hand, or bitstreams
        were not kept.
    StoreError
        The folder is no run, or another process writes into it.
    """
    metric = construct(request.metric, resolve(request.device))
    with RunWriter(run):
        kept = {it.key: it for it in read_set_measurements(run)}
        results = []
        points = [(_key(metric.name, metric.version, it), it) for it in _points(run)]
        with open_engine(options=EngineOptions(request.jobs)) as engine:
            sets = _Sets(run, metric, request)
            sets.start(engine, {key: point for key, point in points if key not in kept})
            for key, point in points:
                if key in kept:
                    found = _of_point(kept[key], point)
                else:
                    found, lasting = sets.measure(key, point)
                    if lasting:
                        kept[key] = found
                        data = msgspec.json.format(msgspec.json.encode(list(kept.values())), indent=1)
                        write_atomically(run / SET_METRICS_FILE, data + b"\n")
                results.append(found)
                progress(found)
    return results


def construct(name: str, device: str = "cpu") -> DatasetMetric:
    """An installed data-set metric.

    Raises
    ------
    ConfigError
        The name is unknown.
    CodecUnavailable
        Its packages or weights are missing.
    """
    metric: DatasetMetric = registry.load(registry.find(DATASET_METRICS, name))(device=device)
    return metric


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
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror})") from error
    except MalformedJson as error:
        raise StoreError(f"{path}: damaged ({error}); remove it and compute again") from error
    return [_renamed(each) for each in measured]


def current_set_measurements(run: Path) -> list[SetMeasurement]:
    """The kept distances that are of the pixels that the run holds now, one for each point and metric.

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
    for point in _points(run):
        for metric, version in metrics:
            it = by_key.get(_key(metric, version, point))
            if it is not None:
                current[point.dataset, point.codec.label, point.quality, metric] = _of_point(it, point)
    return list(current.values())


def difference_interval(first: SetMeasurement, second: SetMeasurement) -> tuple[float, float] | None:
    """The 95% confidence interval of second − first, paired over the images.

    Both are of one metric on one data set. None where the metric draws no errors, or the images differ.
    """
    if not first.errors or first.images != second.images or len(first.errors) != len(second.errors):
        return None
    assert first.value is not None
    assert second.value is not None
    its, others = (np.frombuffer(it.errors, "<f4") for it in (first, second))
    return interval_around(second.value - first.value, others - its)


def set_metric_table(measurements: Sequence[SetMeasurement]) -> Table:
    """Distances by data set, codec and operating point."""
    columns = (
        Column("dataset", "data set"),
        Column("label", "codec"),
        Column("quality", "quality"),
        Column("bpp", "bpp", 3),
        Column("metric", "metric"),
        Column("value", "distance", 4),
        Column("ci95_low", "95% from", 4),
        Column("ci95_high", "to", 4),
        Column("images", "images"),
        Column("patches", "patches"),
        Column("reason", "no value because"),
    )
    rows = tuple(
        (
            *(it.dataset, it.label, it.quality, it.bpp, it.metric, it.value),
            *(it.low, it.high, it.images, it.patches, it.reason),
        )
        for it in measurements
    )
    metrics = dict.fromkeys(it.metric for it in measurements)
    notes = (
        "Distance between the distributions of patches of 256×256 pixels; lower is better.",
        "Intervals by the delete-half jackknife over images.",
        *dict.fromkeys(_NOTES[it] for it in metrics if it in _NOTES),
    )
    return Table(
        "set_metrics", "Distances between originals and reconstructions as sets", columns, rows, notes
    )


class _Sets:
    """Measures points; features of originals are computed once."""

    def __init__(self, run: Path, metric: DatasetMetric, request: Request) -> None:
        self._bitstreams = run / BITSTREAM_FOLDER
        self._metric = metric
        self._originals = Originals(request.datasets)
        self._trust = request.trust
        self._reference: dict[str, Features] = {}
        self._results: Iterator[tuple[KeptBitstream, Image | Undecodable]] = iter(())
        self._decoded: dict[Hashable, dict[Path, list[Features | Undecodable]]] = {}

    def start(self, engine: Engine, points: Mapping[str, _Point]) -> None:
        """Have the bitstreams of all points decoded, one point after the other."""
        work = [it for key, point in points.items() if _failed(point) == 0 for it in self._kept(key, point)]
        self._results = engine.run(DecodeKept(), work)

    def measure(self, key: str, point: _Point) -> tuple[SetMeasurement, bool]:
        """The distance, and whether another try would give the same."""
        rows = point.rows
        known: dict[str, Any] = {
            "key": key,
            "dataset": point.dataset,
            "label": point.codec.label,
            "quality": point.quality,
            "metric": self._metric.name,
            "version": self._metric.version,
            "images": len(rows),
        }
        if failed := _failed(point):
            reason = f"{failed} of {len(rows)} images have no reconstruction"
            return SetMeasurement(**known, reason=reason, failed=True), True
        known["bpp"] = float(rows["bpp"].mean())
        try:
            reference = [self._of_original(row) for row in rows.itertuples()]
            decoded = self._reconstructions(key, point)
            estimate = self._metric.distance(reference, decoded)
        except (MetricUndefined, Undecodable) as error:
            # a decoder may have been killed, or a weights file have been another for a while
            undefined = isinstance(error, MetricUndefined)
            return SetMeasurement(**known, reason=str(error), failed=not undefined), undefined
        return _measurement(known, estimate), True

    def _of_original(self, row: Any) -> Features:
        if row.image_sha256 not in self._reference:
            path = self._originals.find(row.dataset, row.image, row.image_sha256)
            self._reference[row.image_sha256] = self._metric.features(read_image(path).pixels)
        return self._reference[row.image_sha256]

    def _reconstructions(self, key: str, point: _Point) -> list[Features]:
        """The features of a point's pictures, in the order of its rows."""
        paths = [it.path for it in self._kept(key, point)]
        while sum(map(len, self._decoded.get(key, {}).values())) < len(paths):
            kept, found = next(self._results)
            if isinstance(found, DecoderAbsent):
                raise ConfigError(f"{kept.codec.label} cannot be decoded on this machine: {found}")
            features = found if isinstance(found, Undecodable) else self._metric.features(found)
            self._decoded.setdefault(kept.image, {}).setdefault(kept.path, []).append(features)
        of_point = self._decoded.pop(key)
        found_ones = []
        for path in paths:
            found_one = of_point[path].pop()
            if isinstance(found_one, Undecodable):
                raise Undecodable(f"bitstream {path.name[:12]}…: {found_one}")
            found_ones.append(found_one)
        return found_ones

    def _kept(self, key: str, point: _Point) -> list[KeptBitstream]:
        codec = self._trust.codec(point.codec)
        found = []
        for row in point.rows.itertuples():
            path = self._bitstreams / str(row.bitstream_sha256)
            if not path.is_file():
                raise ConfigError(
                    f"{point.codec.label} on {row.image}: the bitstream was not kept;"
                    " run again with --keep-bitstreams"
                )
            found.append(KeptBitstream(path, codec, str(row.pixels_sha256), image=key))
        return found


def _failed(point: _Point) -> int:
    """How many images have no reconstruction."""
    return int((point.rows["status"] != "ok").sum())


def _measurement(known: dict[str, Any], estimate: Estimate) -> SetMeasurement:
    if not math.isfinite(estimate.value):
        return SetMeasurement(**known, patches=estimate.patches, reason="the distance is not a finite number")
    low, high = map(float, estimate.interval) if estimate.interval else (None, None)
    errors = b"" if estimate.errors is None else estimate.errors.astype("<f4").tobytes()
    return SetMeasurement(
        **known, patches=estimate.patches, value=float(estimate.value), low=low, high=high, errors=errors
    )


def _of_point(it: SetMeasurement, point: _Point) -> SetMeasurement:
    """A result for the same pixels: they may be of another data set, and be coded in other bytes by now."""
    bpp = float(point.rows["bpp"].mean()) if it.bpp is not None else None
    return msgspec.structs.replace(it, dataset=point.dataset, bpp=bpp)


def _points(run: Path) -> Iterator[_Point]:
    from bench.runs.frame import load

    codecs = {it.label: it for it in read_info(run).codecs}
    frame = load(run)
    for (dataset, label, quality), rows in frame.groupby(
        ["dataset", "label", "quality"], observed=True, dropna=False, sort=False
    ):
        yield _Point(codecs[label], dataset, None if math.isnan(quality) else float(quality), rows)


def _renamed(it: SetMeasurement) -> SetMeasurement:
    """A result of version 1 of KID under the name that its definition has now."""
    if it.metric in _ACROSS_IMAGES and it.version.startswith("1+"):
        return msgspec.structs.replace(it, metric=_ACROSS_IMAGES[it.metric])
    return it


def _key(metric: str, version: str, point: _Point) -> str:
    """Identity of a result; that of a renamed metric is of its first name, so that old results count."""
    if version.startswith("1+"):
        metric = next((old for old, new in _ACROSS_IMAGES.items() if new == metric), metric)
    rows = point.rows
    pixels = [*zip(rows["image_sha256"], rows["pixels_sha256"].astype(str), strict=True)]
    identity = [metric, version, point.codec.label, point.quality, pixels]
    return hashlib.sha256(msgspec.json.encode(identity)).hexdigest()[:32]
