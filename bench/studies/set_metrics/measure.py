"""Data-set metrics of a finished run: its kept bitstreams, decoded again, against the originals.

Bitstreams are decoded in an engine's workers. The metric's network lives once, in this process, and is fed as
pictures come back, so that it may sit on a GPU. Only what is missing or has changed is computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import registry
from bench.codec import Image
from bench.engines import open_engine
from bench.engines.engine import Engine
from bench.engines.kept import DecodeKept, DecoderAbsent, KeptBitstream, Undecodable
from bench.errors import ConfigError, MetricUndefined
from bench.host.device import resolve
from bench.inputs.image import read_image
from bench.inputs.originals import Originals
from bench.metrics.dataset import DATASET_METRICS, DatasetMetric, Estimate, Features
from bench.runs.store import BITSTREAM_FOLDER, RunWriter, read_info
from bench.studies.session import StudyOptions
from bench.studies.set_metrics.record import (
    OperatingPoint,
    SetMeasurement,
    operating_points,
    read_set_measurements,
    write_set_measurements,
)


def measure_sets(
    run: Path,
    metric: str = "kid_alexnet_across_images",
    options: StudyOptions | None = None,
    device: str = "cpu",
    measured: Callable[[SetMeasurement], None] = lambda found: None,
) -> list[SetMeasurement]:
    """The distances of every codec and operating point of a run, computed now or before.

    Parameters
    ----------
    run : a run folder
    metric : installed name of a data-set metric
    options : with what means; an engine's worker decodes
    device : where the metric's network runs: ``auto``, ``cpu`` or ``cuda``
    measured : called with each distance

    Raises
    ------
    ConfigError
        The metric is unknown or unavailable, the GPU absent, the originals are not at hand, or bitstreams
        were not kept.
    StoreError
        The folder is no run, or another process writes into it.
    """
    options = options or StudyOptions()
    network = construct(metric, resolve(device))
    read_info(run)
    with RunWriter(run), open_engine(options=options.engine) as engine:
        lasting = {it.key: it for it in read_set_measurements(run)}
        by_key = dict(lasting)
        points = [(it.key(network.name, network.version), it) for it in operating_points(run)]
        missing = {key: point for key, point in points if key not in by_key}
        sets = _Sets(run, network, options, missing, engine)
        results = []
        for key, point in points:
            if key not in by_key:
                by_key[key], lasts = sets.measure(key)
                if lasts:
                    lasting[key] = by_key[key]
                    write_set_measurements(run, lasting.values())
            results.append(point.with_result(by_key[key]))
            measured(results[-1])
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


@dataclass(frozen=True)
class _Place:
    """Where a picture belongs."""

    key: str
    row: int


class _Sets:
    """Measures points, in the order given; features of originals are computed once."""

    def __init__(
        self,
        run: Path,
        metric: DatasetMetric,
        options: StudyOptions,
        points: dict[str, OperatingPoint],
        engine: Engine,
    ) -> None:
        self._bitstreams = run / BITSTREAM_FOLDER
        self._metric = metric
        self._originals = Originals(options.datasets)
        self._options = options
        self._points = points
        self._reference: dict[str, Features] = {}
        work = [it for key in points for it in self._kept(key) if not points[key].without_picture]
        self._pictures = engine.run(DecodeKept(), work)
        self._decoded: dict[str, dict[int, Features | Exception]] = {key: {} for key in points}

    def measure(self, key: str) -> tuple[SetMeasurement, bool]:
        """The distance, and whether another try would give the same."""
        point = self._points[key]
        count = len(point.rows)
        known: dict[str, Any] = {
            "key": key,
            "dataset": point.dataset,
            "label": point.codec.label,
            "quality": point.quality,
            "metric": self._metric.name,
            "version": self._metric.version,
            "images": count,
        }
        if point.without_picture:
            reason = f"{point.without_picture} of {count} images have no reconstruction"
            return SetMeasurement(**known, reason=reason, failed=True), True
        known["bpp"] = float(point.rows["bpp"].mean())
        try:
            reference = [self._of_original(row) for row in point.rows.itertuples()]
            estimate = self._metric.distance(reference, self._of_reconstructions(key))
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

    def _kept(self, key: str) -> Iterator[KeptBitstream]:
        point = self._points[key]
        codec = self._options.trust.codec(point.codec)
        for place, row in enumerate(point.rows.itertuples()):
            path = self._bitstreams / str(row.bitstream_sha256)
            yield KeptBitstream(path, codec, str(row.pixels_sha256), _Place(key, place))

    def _of_reconstructions(self, key: str) -> list[Features]:
        """Of a point's pictures, in the order of its rows; meanwhile those of other points come too."""
        point, features = self._points[key], self._decoded[key]
        for kept, row in zip(self._kept(key), point.rows.itertuples(), strict=True):
            if not kept.path.is_file():
                raise ConfigError(
                    f"{point.codec.label} on {row.image}: the bitstream was not kept;"
                    " run again with --keep-bitstreams"
                )
        while len(features) < len(point.rows):
            kept, picture = next(self._pictures)
            place = kept.image
            assert isinstance(place, _Place)
            self._decoded[place.key][place.row] = self._features(kept, picture)
        found = []
        for _, it in sorted(self._decoded.pop(key).items()):
            if isinstance(it, Exception):
                raise it
            found.append(it)
        return found

    def _features(self, kept: KeptBitstream, picture: Image | Undecodable) -> Features | Exception:
        what = f"bitstream {kept.path.name[:12]}…"
        if isinstance(picture, DecoderAbsent):
            return ConfigError(f"{what} cannot be decoded on this machine: {picture}")
        if isinstance(picture, Undecodable):
            return Undecodable(f"{what}: {picture}")
        try:
            return self._metric.features(picture)
        except MetricUndefined as error:
            return error


def _measurement(known: dict[str, Any], estimate: Estimate) -> SetMeasurement:
    if not math.isfinite(estimate.value):
        return SetMeasurement(**known, patches=estimate.patches, reason="the distance is not a finite number")
    low, high = map(float, estimate.interval) if estimate.interval else (None, None)
    errors = b"" if estimate.errors is None else estimate.errors.astype("<f4").tobytes()
    return SetMeasurement(
        **known, patches=estimate.patches, value=float(estimate.value), low=low, high=high, errors=errors
    )
