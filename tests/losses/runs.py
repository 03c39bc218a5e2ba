"""A codec in two versions, of which the second spoils a part of every picture."""

from __future__ import annotations

from pathlib import Path

import bench

CODEC = """
import io
import numpy as np
from PIL import Image


class Blot:
    name = "blot"
    version = "{version}"
    lossless = False
    qualities = (30, 60, 90)
    quality_range = (1, 100)

    def encode(self, image, quality):
        pixels = image.copy()
        if {spoils}:
            spot = pixels[96:144, 8:56].astype(float)
            pixels[96:144, 8:56] = 0.8 * spot + 0.2 * spot.mean((0, 1))
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=int(quality))
        return file.getvalue()

    def decode(self, bitstream):
        return np.asarray(Image.open(io.BytesIO(bitstream)))
"""
SPOILED = (8, 96, 56, 144)
"""Left, top, right and bottom of what the second version spoils."""


def versions(folder: Path, pictures: Path, *, keep: bool = True) -> tuple[Path, Path]:
    """Runs of the old and of the new version.

    Parameters
    ----------
    keep : whether they keep their bitstreams
    """
    runs = []
    for version, spoils in (("1", False), ("2", True)):
        home = folder / f"version{version}"
        home.mkdir()
        (home / "blot.py").write_text(CODEC.format(version=version, spoils=spoils))
        run = folder / f"run{version}"
        options = bench.Options(keep_bitstreams=keep)
        bench.run(
            codecs=[f"{home / 'blot.py'}:Blot"],
            datasets=[str(pictures)],
            metrics=["psnr_rgb"],
            out=run,
            options=options,
        )
        runs.append(run)
    return runs[0], runs[1]
