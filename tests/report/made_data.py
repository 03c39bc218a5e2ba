"""Report data for the tests of figures and tables: made from formulas, without a run folder."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.exchange import Published
from bench.host.environment import Environment
from bench.rd import Curve, Provenance
from bench.report import ReportOptions
from bench.report.build import build_dataset
from bench.report.data import ReportData
from bench.report.load import LoadedRuns
from bench.report.measures import measure_of
from bench.runs.store import RunInfo
from bench.studies.set_metrics.record import SetMeasurement
from bench.trials.plan import CodecPlan, MetricPlan

METRICS = (
    MetricPlan("psnr_rgb", "bench:Psnr", "1", "dB", True),
    MetricPlan("ms_ssim_rgb", "bench:MsSsim", "1", "", True),
    MetricPlan("lpips_alex", "bench:Lpips", "1", "", False),
    MetricPlan("high_band_energy", "bench:HighBandEnergy", "1", "", True, 1.0),
)
MACHINES = tuple(
    Environment({"cpu": cpu, "cores": "8", "memory": "16 GiB"}, {"numpy": "2.0.0"})
    for cpu in ("Example 1", "Example 2")
)
QUALITIES = (10.0, 30.0, 50.0, 70.0, 90.0)


@dataclass(frozen=True)
class Made:
    """A configuration to make up: its codec, and its rate as a multiple of the first one's."""

    label: str
    codec: str
    rate: float = 1.0
    """Two of one rate have the same bitstreams and other pixels."""
    lossless: bool = False
    shift: float = 0.0
    """Added to its PSNR, in dB; other metrics follow."""
    kmac: float = 0.0
    """Thousands of multiply–accumulates per pixel of a learned one."""
    machine: int | None = 0
    """Which of :data:`MACHINES` measured it; None for all of them, image by image."""


USUAL = (
    Made("jpeg", "jpeg"),
    Made("jpeg 4:4:4", "jpeg", 1.1),
    Made("webp", "webp", 0.7),
    Made("avif", "avif", 0.5),
    Made("png", "png", lossless=True),
    Made("jpegxl-lossless", "jpegxl", 0.6, lossless=True),
)


def made_frame(made: Sequence[Made] = USUAL, images: int = 4) -> pd.DataFrame:
    """The trials of ``made``."""
    return pd.DataFrame([row for it in made for row in _rows(it, images)])


def made_data(
    made: Sequence[Made] = USUAL,
    images: int = 4,
    published: Mapping[str, float] | None = None,
    frame: pd.DataFrame | None = None,
    distances: Sequence[SetMeasurement] = (),
    mean_of: tuple[str, ...] = (),
) -> ReportData:
    """What a report says of ``made``.

    Parameters
    ----------
    published : curves of others by label, with their factor of the rate
    frame : trials in the place of those of :func:`made_frame`
    distances : of data-set metrics
    mean_of : metrics whose BD-rates are averaged
    """
    codecs = tuple(_plan(it) for it in made)
    info = RunInfo(
        environment=MACHINES[0],
        further_environments=MACHINES[1:],
        images=(),
        codecs=codecs,
        metrics=METRICS,
        several_machines=True,
    )
    lossy = [it.label for it in made if not it.lossless]
    loaded = LoadedRuns(
        made_frame(made, images) if frame is None else frame,
        {"run": info},
        tuple(map(measure_of, METRICS)) if lossy else (),
        tuple(distances),
    )
    theirs = []
    if published:
        like = [its[lossy[0]] for its in made_data(made, images).curves.values()]
        for label, factor in published.items():
            curves = tuple(_published(it, label, factor) for it in like)
            theirs.append(Published(label, curves, dataset="set"))
    return build_dataset("set", loaded, ReportOptions(published=tuple(theirs), mean_of=mean_of))


def _published(like: Curve, label: str, factor: float) -> Curve:
    rate = tuple(factor * it for it in like.rate)
    provenance: Provenance = "estimated" if label.endswith("(estimated)") else "published"
    return Curve(label, rate, like.quality, like.metric, like.higher_is_better, provenance)


def _plan(it: Made) -> CodecPlan:
    known = {"encoder_kmac_per_pixel": it.kmac, "decoder_kmac_per_pixel": 2 * it.kmac} if it.kmac else {}
    return CodecPlan(
        label=it.label,
        codec=it.codec,
        target=f"nowhere:{it.codec}",
        version="1",
        lossless=it.lossless,
        config={"label": it.label},
        qualities=(None,) if it.lossless else QUALITIES,
        complexity=known,
    )


def _rows(it: Made, images: int) -> list[dict[str, object]]:
    rows = []
    for image, quality in np.ndindex(images, 1 if it.lossless else len(QUALITIES)):
        psnr = math.nan if it.lossless else 27.0 + 3.2 * quality + 0.4 * image + it.shift
        bpp = it.rate * (9.0 + image if it.lossless else 0.2 * 1.8**quality * (1 + 0.1 * image))
        rows.append(
            {
                "dataset": "set",
                "run": "run",
                "image": f"{image}.png",
                "image_sha256": f"{image}",
                "treatment": "",
                "isolation": "process",
                "environment": MACHINES[(image if it.machine is None else it.machine) % len(MACHINES)].id,
                "version": "1",
                "decoder": "",
                "config": json.dumps({"label": it.label}),
                "exact": it.lossless,
                "repeats": 1,
                "error": "",
                "codec": it.codec,
                "label": it.label,
                "quality": math.nan if it.lossless else QUALITIES[quality],
                "status": "ok",
                "width": 500,
                "height": 400,
                "bpp": bpp * (1.0 + 0.05 * math.sin(image + 7 * it.rate)),
                "psnr_rgb": psnr,
                "ms_ssim_rgb": 1.0 - 10.0 ** (-psnr / 20.0),
                "lpips_alex": 10.0 ** (-psnr / 50.0),
                "high_band_energy": 0.3 + 0.2 * quality,
                "bytes": round(bpp * 25000),
                "bitstream_sha256": f"{it.rate} {image} {quality}",
                "pixels_sha256": f"pixels {it.label} {image} {quality}",
                "encode_s": 0.02 / it.rate,
                "decode_s": 0.01 * it.rate,
                "encode_iqr_s": math.nan,
                "decode_iqr_s": math.nan,
                "encode_cpu_share": math.nan,
                "decode_cpu_share": math.nan,
                "timing": "load",
                "lossless": it.lossless,
            }
        )
    return rows
