"""A run folder as a state."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

from bench.check.baseline import CodecState, ImageState, MetricState, State, TrialState
from bench.runs.store import LineSelector, read_info, read_journal
from bench.trials.measurement import Measurement


def snapshot(folder: Path) -> State:
    """The state that a run folder holds. Planned trials that were never measured are ``cancelled``.

    Raises
    ------
    StoreError
        The folder holds no run, or one that this version can't read.
    """
    info = read_info(folder)
    selector = LineSelector(info)
    measured: dict[int, TrialState] = {}
    images = {f"{it.dataset}/{it.name}": ImageState(it.sha256) for it in info.images}
    for it in read_journal(folder):
        row = selector.row(it)
        if row is None:
            continue
        measured[row] = _trial(it)
        if it.width is not None:
            images[f"{it.dataset}/{it.image}"] = ImageState(it.image_sha256, it.width, it.height)
    rows = itertools.count()
    codecs = []
    for codec in info.codecs:
        # The plan is a product; a row is a place in it.
        trials = [
            measured.get(next(rows)) or _unmeasured(f"{image.dataset}/{image.name}", quality)
            for quality in codec.qualities
            for image in info.images
        ]
        trials.sort(key=lambda it: (it.image, -math.inf if it.quality is None else it.quality))
        codecs.append(
            CodecState(
                label=codec.label,
                codec=codec.codec,
                version=codec.version,
                config=codec.config,
                weights_sha256=codec.weights_sha256,
                trials=tuple(trials),
            )
        )
    return State(
        environment=info.environment,
        metrics={
            it.name: MetricState(it.version, it.unit, it.higher_is_better, it.ideal) for it in info.metrics
        },
        images=dict(sorted(images.items())),
        codecs=tuple(sorted(codecs, key=lambda it: it.label)),
    )


def _unmeasured(image: str, quality: float | None) -> TrialState:
    return TrialState(image=image, quality=quality, status="cancelled", error="not measured")


def _trial(it: Measurement) -> TrialState:
    earnest = it.timing == "alone"
    return TrialState(
        image=f"{it.dataset}/{it.image}",
        quality=it.quality,
        status=it.status,
        bytes=it.bytes,
        bitstream_sha256=it.bitstream_sha256,
        pixels_sha256=it.pixels_sha256,
        exact=it.exact,
        metrics=it.metrics,
        error="" if it.failure is None else str(it.failure).partition("\n")[0],
        encode_s=_rounded(it.encode_s) if earnest else (),
        decode_s=_rounded(it.decode_s) if earnest else (),
    )


def _rounded(samples: tuple[float, ...]) -> tuple[float, ...]:
    """To a tenth of a microsecond, which is beyond what the clock means."""
    return tuple(round(it, 7) for it in samples)
