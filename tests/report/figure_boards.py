"""Boards for the tests of figures: made from formulas, without a run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.host.environment import Environment
from bench.rd import AVERAGES, Comparisons, Curve, Provenance, bd_rate, image_curves, mean_curve, standings
from bench.report.board import Board
from bench.report.entry import Entry
from bench.trials.plan import MetricPlan

METRICS = (
    MetricPlan("psnr_rgb", "bench:Psnr", "1", "dB", True),
    MetricPlan("ms_ssim_rgb", "bench:MsSsim", "1", "", True),
    MetricPlan("lpips_alex", "bench:Lpips", "1", "", False),
    MetricPlan("high_band_energy", "bench:HighBandEnergy", "1", "", True, 1.0),
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


USUAL = (
    Made("jpeg", "jpeg"),
    Made("jpeg 4:4:4", "jpeg", 1.1),
    Made("webp", "webp", 0.7),
    Made("avif", "avif", 0.5),
    Made("png", "png", lossless=True),
    Made("jpegxl-lossless", "jpegxl", 0.6, lossless=True),
)


def board(
    made: Sequence[Made] = USUAL, images: int = 4, published: Mapping[str, float] | None = None
) -> Board:
    """A board of ``made``; ``published`` gives curves of others by label, with their factor of the rate."""
    frame = pd.DataFrame([row for it in made for row in _rows(it, images)])
    lossy = [it.label for it in made if not it.lossless]
    per_image = {it.name: image_curves(frame, it.name) for it in METRICS if lossy}
    curves = {name: {k: mean_curve(v) for k, v in its.items()} for name, its in per_image.items()}
    theirs = {
        name: {label: _published(its[lossy[0]], label, factor) for label, factor in (published or {}).items()}
        for name, its in curves.items()
    }
    comparisons = {name: Comparisons(its) for name, its in per_image.items() if name != "high_band_energy"}
    bd = {name: its.against(lossy[0]) for name, its in comparisons.items()}
    pairs = {name: its.pairs() for name, its in comparisons.items()}
    return Board(
        dataset="set",
        frame=frame,
        entries=tuple(_entry(it, images) for it in made),
        metrics=METRICS if lossy else (),
        n_images=images,
        lossless_bpp={
            it.label: dict.fromkeys(AVERAGES, float(np.mean([row["bpp"] for row in _rows(it, images)])))
            for it in made
            if it.lossless
        },
        lossless_images=tuple(f"{k}.png" for k in range(images)),
        anchor=lossy[0] if lossy else None,
        images={name: its[lossy[0]].images for name, its in per_image.items()},
        per_image=per_image,
        curves=curves,
        bd=bd,
        pairs=pairs,
        standings={name: standings(lossy[0], its, pairs[name]) for name, its in bd.items()},
        published=theirs,
        published_bd={
            name: {k: bd_rate(curves[name][lossy[0]], v) for k, v in its.items()}
            for name, its in theirs.items()
            if name != "high_band_energy"
        },
    )


def _published(like: Curve, label: str, factor: float) -> Curve:
    rate = tuple(factor * it for it in like.rate)
    provenance: Provenance = "estimated" if label.endswith("(estimated)") else "published"
    return Curve(label, rate, like.quality, like.metric, like.higher_is_better, provenance)


def _entry(it: Made, images: int) -> Entry:
    n = images * (1 if it.lossless else len(QUALITIES))
    known = {"encoder_kmac_per_pixel": it.kmac, "decoder_kmac_per_pixel": 2 * it.kmac} if it.kmac else {}
    return Entry(
        it.label,
        it.codec,
        "1",
        {},
        it.lossless,
        "run",
        Environment({}, {}),
        "load",
        n,
        n,
        known,
        encode_mps=0.2 / (0.02 / it.rate),
        decode_mps=0.2 / (0.01 * it.rate),
    )


def _rows(it: Made, images: int) -> list[dict[str, object]]:
    rows = []
    for image, quality in np.ndindex(images, 1 if it.lossless else len(QUALITIES)):
        psnr = math.nan if it.lossless else 27.0 + 3.2 * quality + 0.4 * image + it.shift
        bpp = it.rate * (9.0 + image if it.lossless else 0.2 * 1.8**quality * (1 + 0.1 * image))
        rows.append(
            {
                "dataset": "set",
                "image": f"{image}.png",
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
                "timing": "load",
                "lossless": it.lossless,
            }
        )
    return rows
