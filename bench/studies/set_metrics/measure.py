"""Data-set metrics of a finished run: its kept bitstreams, decoded again, against the originals.

Bitstreams are decoded in an engine's workers. The metric's network lives once, in this process, and is fed as
pictures come back, so that it may sit on a GPU. Only what is missing or has changed is computed.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench import registry
from bench.codec import Image, Samples
from bench.engines import open_engine
from bench.engines.kept import DecodeKept, DecoderAbsent, KeptBitstream, Undecodable
from bench.errors import ConfigError, MetricUndefined, UnsupportedImage
from bench.host.device import resolve
from bench.inputs.image import read_image
from bench.inputs.originals import Originals
from bench.inputs.pixels import coloured
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
    options : with what means bitstreams are decoded
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
    with RunWriter(run), open_engine(options.engine, options.of_engine) as engine:
        sets = _Sets(run, network, options, measured)
        sets.measure_those_at_hand()
        for kept, picture in engine.run(DecodeKept(), sets.bitstreams()):
            sets.take(kept, picture)
            sets.measure_those_at_hand()
    return sets.results


def construct(name: str, device: str = "cpu") -> DatasetMetric:
    """An installed data-set metric.

    Parameters
    ----------
    name : under the entry points ``bench.dataset_metrics``
    device : where its network runs, ``cpu`` or ``cuda``

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
    """Measures operating points in the order of the run, as soon as the next one has all its pictures."""

    def __init__(
        self,
        run: Path,
        metric: DatasetMetric,
        options: StudyOptions,
        measured: Callable[[SetMeasurement], None],
    ) -> None:
        self.results: list[SetMeasurement] = []
        self._run = run
        self._metric = metric
        self._originals = Originals(options.datasets)
        self._trust = options.trust
        self._measured = measured
        self._lasting = {it.key: it for it in read_set_measurements(run)}
        self._by_key = dict(self._lasting)
        """With results of this call that another try may better."""
        self._waiting = deque((it.key(metric.name, metric.version), it) for it in operating_points(run))
        self._decoded: dict[str, dict[int, Features | Exception]] = {}
        """Of the pictures of each point by their row."""
        self._reference: dict[str, Features] = {}
        """Of originals, by the hash of their file: computed once."""

    def bitstreams(self) -> list[KeptBitstream]:
        """Those of all points that are waiting, point by point."""
        points = {key: it for key, it in self._waiting if key not in self._by_key and not it.without_picture}
        self._decoded = {key: {} for key in points}
        return [
            KeptBitstream(
                path, self._trust.codec(point.codec), str(row.pixels_sha256), image=_Place(key, place)
            )
            for key, point in points.items()
            for place, (path, row) in enumerate(self._rows(point))
        ]

    def take(self, kept: KeptBitstream, picture: Samples | Undecodable) -> None:
        """Hold the features of a decoded picture, or why there are none."""
        place = kept.image
        assert isinstance(place, _Place)
        self._decoded[place.key][place.row] = self._features(kept, picture)

    def measure_those_at_hand(self) -> None:
        """Measure points from the first that is waiting to one that still lacks pictures."""
        while self._waiting:
            key, point = self._waiting[0]
            at_hand = len(self._decoded.get(key, ())) == len(point.rows)
            if not (key in self._by_key or point.without_picture or at_hand):
                return
            self._waiting.popleft()
            if key not in self._by_key:
                self._by_key[key], lasts = self._measure(key, point)
                if lasts:
                    self._lasting[key] = self._by_key[key]
                    write_set_measurements(self._run, self._lasting.values())
            self.results.append(point.with_result(self._by_key[key]))
            self._measured(self.results[-1])

    def _measure(self, key: str, point: OperatingPoint) -> tuple[SetMeasurement, bool]:
        """The distance, and whether another try would give the same."""
        known: dict[str, Any] = {
            "key": key,
            "dataset": point.dataset,
            "label": point.codec.label,
            "quality": point.quality,
            "metric": self._metric.name,
            "version": self._metric.version,
            "images": len(point.rows),
        }
        if point.without_picture:
            reason = f"{point.without_picture} of {len(point.rows)} images have no reconstruction"
            return SetMeasurement(**known, reason=reason, failed=True), True
        known["bpp"] = float(point.rows["bpp"].mean())
        try:
            reference = [self._of_original(row) for _, row in self._rows(point)]
            estimate = self._metric.distance(reference, self._of_reconstructions(key, point))
        except (MetricUndefined, Undecodable) as error:
            # a decoder may have been killed, or a weights file have been another for a while
            undefined = isinstance(error, MetricUndefined)
            return SetMeasurement(**known, reason=str(error), failed=not undefined), undefined
        return _measurement(known, estimate), True

    def _rows(self, point: OperatingPoint) -> Iterator[tuple[Path, Any]]:
        """Where the bitstreams of a point are, and what the run says of them."""
        for row in point.rows.itertuples():
            yield self._run / BITSTREAM_FOLDER / str(row.bitstream_sha256), row

    def _of_original(self, row: Any) -> Features:
        if row.image_sha256 not in self._reference:
            path = self._originals.find(row.dataset, row.image, row.image_sha256)
            try:
                original = read_image(path).pixels
            except UnsupportedImage as error:
                raise MetricUndefined(
                    f"{self._metric.name} compares pictures of 8-bit RGB: {error}"
                ) from error
            self._reference[row.image_sha256] = self._metric.features(original)
        return self._reference[row.image_sha256]

    def _of_reconstructions(self, key: str, point: OperatingPoint) -> list[Features]:
        """Of a point's pictures, in the order of its rows."""
        for path, row in self._rows(point):
            if not path.is_file():
                raise ConfigError(
                    f"{point.codec.label} on {row.image}: the bitstream was not kept;"
                    " run again with --keep-bitstreams"
                )
        found = []
        for _, features in sorted(self._decoded.pop(key).items()):
            if isinstance(features, Exception):
                raise features
            found.append(features)
        return found

    def _features(self, kept: KeptBitstream, picture: Samples | Undecodable) -> Features | Exception:
        what = f"bitstream {kept.path.name[:12]}…"
        if isinstance(picture, DecoderAbsent):
            return ConfigError(f"{what} cannot be decoded on this machine: {picture.args[0]}")
        if isinstance(picture, Undecodable):
            return Undecodable(f"{what}: {picture}")
        try:
            return self._metric.features(_rgb(picture))
        except MetricUndefined as error:
            return error


def _rgb(picture: Samples) -> Image:
    """A decoded picture as data-set metrics take it: grey is replicated, as in its original.

    Raises
    ------
    MetricUndefined
        It has alpha, or more than 8 bits.
    """
    if picture.dtype != np.uint8 or picture.shape[2:] == (4,):
        raise MetricUndefined("pictures with alpha or of more than 8 bits are not compared as sets")
    return coloured(picture[..., None]) if picture.ndim == 2 else picture


def _measurement(known: dict[str, Any], estimate: Estimate) -> SetMeasurement:
    if not math.isfinite(estimate.value):
        return SetMeasurement(**known, patches=estimate.patches, reason="the distance is not a finite number")
    low, high = map(float, estimate.interval) if estimate.interval else (None, None)
    errors = b"" if estimate.errors is None else estimate.errors.astype("<f4").tobytes()
    return SetMeasurement(
        **known, patches=estimate.patches, value=float(estimate.value), low=low, high=high, errors=errors
    )
