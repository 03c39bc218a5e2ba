"""Synthetic run folders, and a real one with kept bitstreams."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from bench.host.environment import Environment
from bench.runs.store import RunInfo, RunWriter
from bench.trials.measurement import Failure, Measurement
from bench.trials.plan import CodecPlan, ImagePlan, MetricPlan

ENVIRONMENT = Environment({"cpu": "Example 1", "cores": "2"}, {"python": "3.12.1", "numpy": "2.0.0"})
METRICS = (
    MetricPlan("psnr_rgb", "bench.metrics.psnr:PsnrRgb", "1", "dB", True),
    MetricPlan("psnr_y", "bench.metrics.psnr:PsnrY", "1", "dB", True),
    MetricPlan("psnr_yuv", "bench.metrics.psnr:PsnrYuv", "1", "dB", True),
    MetricPlan("ssim_rgb", "bench.metrics.ssim:SsimRgb", "1", "", True),
    MetricPlan("ms_ssim_rgb", "bench.metrics.ssim:MsSsimRgb", "1", "", True),
)


@dataclass(frozen=True)
class Made:
    """A configuration to invent: at equal quality it takes ``factor`` times the bits of the first."""

    label: str
    codec: str
    factor: float
    lossless: bool = False
    failing: str = ""
    """The name of an image on which every trial crashes."""
    error: str = "the process died of SIGSEGV"
    points: int | None = None
    """Only its first operating points."""
    needs: tuple[str, ...] | None = None
    """With any, each trial was sealed."""


def write_run(
    folder: Path, codecs: list[Made], images: int, points: int, dataset: str = "kodak", *further: str
) -> Path:
    """A finished run of images of 768×512 in each data set, and ``points`` operating points."""
    plans = tuple(
        CodecPlan(
            label=it.label,
            codec=it.codec,
            target=f"nowhere:{it.codec}",
            version="1+library 2.0",
            lossless=it.lossless,
            config={"effort": index},
            needs=it.needs,
            qualities=(None,) if it.lossless else tuple(10.0 * (k + 1) for k in range(it.points or points)),
        )
        for index, it in enumerate(codecs)
    )
    pictures = tuple(
        ImagePlan(name, f"image{k:03}.png", _sha(f"image {k}"))
        for name in (dataset, *further)
        for k in range(images)
    )
    with RunWriter(folder) as writer:
        writer.write_info(RunInfo(environment=ENVIRONMENT, images=pictures, codecs=plans, metrics=METRICS))
        for plan, made in zip(plans, codecs, strict=True):
            for quality in plan.qualities:
                for number, image in enumerate(pictures):
                    writer.append(_measurement(plan, made, quality, (number, image)))
    return folder


def _measurement(
    plan: CodecPlan, made: Made, quality: float | None, at: tuple[int, ImagePlan]
) -> Measurement:
    number, image = at
    step = 12.0 if quality is None else quality / 10
    hardness = 0.7 + 0.03 * (number * 7 % 20)
    name = f"{plan.label}|{quality}|{image.dataset}|{image.name}"
    known = {
        "key": _sha(name)[:32],
        "environment": ENVIRONMENT.id,
        "dataset": image.dataset,
        "image": image.name,
        "image_sha256": image.sha256,
        "codec": plan.codec,
        "version": plan.version,
        "config": plan.config,
        "quality": quality,
        "width": 768,
        "height": 512,
    }
    if made.failing == image.name:
        failure = Failure(phase="decode", message=made.error, signal=11)
        return Measurement(**known, status="crash", failure=failure)
    psnr = 26 + 1.6 * step - 4 * hardness
    values: dict[str, float | None] = dict.fromkeys((it.name for it in METRICS[:3]), psnr)
    values |= {"ssim_rgb": 1 - 10 ** (-psnr / 30), "ms_ssim_rgb": 1 - 10 ** (-psnr / 22)}
    if plan.lossless:
        values = {it.name: None for it in METRICS[:3]} | {"ssim_rgb": 1.0, "ms_ssim_rgb": 1.0}
    return Measurement(
        **known,
        status="ok",
        isolation="process" if made.needs is None else "sealed",
        needs=made.needs or (),
        bytes=round(made.factor * hardness * 5000 * 1.5**step),
        bitstream_sha256=_sha(name),
        pixels_sha256=_sha(f"pixels {name}"),
        exact=plan.lossless,
        timing="load",
        encode_s=(0.02 * made.factor,),
        decode_s=(0.01 * made.factor,),
        metrics=values,
    )


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
