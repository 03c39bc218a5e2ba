"""What a run folder holds, as a snapshot to compare or to keep as a baseline."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

from bench.check.baseline import CodecResults, ImageIdentity, MetricDefinition, Snapshot, TrialResult
from bench.runs.store import LineSelector, read_info, read_journal
from bench.trials.measurement import Measurement


def snapshot(folder: Path) -> Snapshot:
    """The results in a run folder. Planned trials that were never measured are ``cancelled``.

    Raises
    ------
    StoreError
        The folder holds no run, or one that this version can't read.
    """
    info = read_info(folder)
    selector = LineSelector(info)
    measured: dict[int, TrialResult] = {}
    images = {f"{it.dataset}/{it.name}": ImageIdentity(it.sha256) for it in info.images}
    for measurement in read_journal(folder):
        row = selector.row(measurement)
        if row is None:
            continue
        measured[row] = _trial(measurement)
        if measurement.width is not None:
            images[f"{measurement.dataset}/{measurement.image}"] = ImageIdentity(
                measurement.image_sha256, measurement.width, measurement.height
            )
    rows = itertools.count()
    codecs = []
    for codec in info.codecs:
        # A plan is the product of codecs, qualities and images, and a row is an index into it.
        trials = [
            measured.get(next(rows)) or _unmeasured(f"{image.dataset}/{image.name}", quality)
            for quality in codec.qualities
            for image in info.images
        ]
        trials.sort(key=lambda it: (it.image, -math.inf if it.quality is None else it.quality))
        codecs.append(
            CodecResults(
                label=codec.label,
                codec=codec.codec,
                version=codec.version,
                config=codec.config,
                weights_sha256=codec.weights_sha256,
                decoder=codec.recorded_decoder,
                trials=tuple(trials),
            )
        )
    return Snapshot(
        environment=info.environment,
        further_environments=info.further_environments,
        metrics={
            it.name: MetricDefinition(it.version, it.unit, it.higher_is_better, it.ideal)
            for it in info.metrics
        },
        images=dict(sorted(images.items())),
        codecs=tuple(sorted(codecs, key=lambda it: it.label)),
    )


def _unmeasured(image: str, quality: float | None) -> TrialResult:
    return TrialResult(image=image, quality=quality, status="cancelled", error="not measured")


def _trial(measurement: Measurement) -> TrialResult:
    precise = measurement.timing == "alone"
    return TrialResult(
        image=f"{measurement.dataset}/{measurement.image}",
        quality=measurement.point,
        status=measurement.status,
        bytes=measurement.bytes,
        bitstream_sha256=measurement.bitstream_sha256,
        pixels_sha256=measurement.pixels_sha256,
        exact=measurement.exact,
        metrics=measurement.metrics,
        error="" if measurement.failure is None else str(measurement.failure).partition("\n")[0],
        encode_s=_rounded(measurement.encode_s) if precise else (),
        decode_s=_rounded(measurement.decode_s) if precise else (),
    )


def _rounded(samples: tuple[float, ...]) -> tuple[float, ...]:
    """Seconds to a tenth of a microsecond, which is finer than the clock is accurate."""
    return tuple(round(it, 7) for it in samples)
