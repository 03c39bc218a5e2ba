"""A small synthetic run's table."""

from __future__ import annotations

import json
import math
from typing import Any

import pandas as pd


def run_table(labels: dict[str, float] | None = None, datasets: tuple[str, ...] = ("kodak",)) -> pd.DataFrame:
    """A run of lossy labels (with their rate factors) and one lossless label, 3 images, 4 qualities."""
    rows: list[dict[str, Any]] = []
    for dataset in datasets:
        for label, factor in (labels or {"jpeg": 1.0, "jpeg 4:4:4": 1.1}).items():
            for step, quality in enumerate((10.0, 30.0, 60.0, 90.0)):
                for image in range(3):
                    size = round(factor * (1000 + 300 * image) * 2**step)
                    psnr = 28.0 + 3 * step + 0.5 * image
                    rows.append(_row(dataset, f"{image}.png", label, quality, size, psnr))
        rows += [_row(dataset, f"{image}.png", "png", math.nan, 40000, math.nan) for image in range(3)]
    return pd.DataFrame(rows)


def _row(dataset: str, image: str, label: str, quality: float, size: int, psnr: float) -> dict[str, Any]:
    return {
        "dataset": dataset,
        "image": image,
        "codec": label.split()[0],
        "label": label,
        "config": json.dumps({"subsampling": "420"}),
        "quality": quality,
        "status": "ok",
        "width": 192,
        "height": 170,
        "bytes": size,
        "bpp": 8 * size / (192 * 170),
        "psnr_rgb": psnr,
        "psnr_y": psnr + 1,
        "psnr_yuv": psnr + 0.5,
        "ssim_rgb": 1 - 10 ** (-psnr / 22) if psnr == psnr else 1.0,
        "ms_ssim_rgb": 1 - 10 ** (-psnr / 20) if psnr == psnr else 1.0,
        "exact": math.isnan(psnr),
        "encode_s": 0.01,
        "decode_s": 0.02,
        "error": "",
        "version": "1+lib 2.0",
    }
