"""A run of two decoders of one bitstream, with another codec beside them and its bitstreams kept."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

import bench
from bench.runs.options import Options
from tests.conftest import photo

_CODECS = """
from bench_codecs.jpeg import Jpeg


class Smooth(Jpeg):
    name = "smooth"
    qualities = (10.0, 30.0, 60.0, 90.0)


class Rough(Smooth):
    name = "rough"

    def decode(self, bitstream):
        pixels = super().decode(bitstream).copy()
        pixels[:, 40:] ^= 1
        return pixels

    def complexity(self):
        return {"decoder_kmac_per_pixel": 5.0, "training_hours": 2.5}
"""


def two_decoders_run(folder: Path) -> Path:
    """The run folder: ``smooth-420`` and ``rough-420`` differ in the last bit, right of column 40."""
    (folder / "set").mkdir(parents=True)
    for number in range(3):
        Image.fromarray(photo(200, 232, number)).save(folder / "set" / f"p{number}.png")
    (folder / "two.py").write_text(_CODECS)
    bench.run(
        datasets=[str(folder / "set")],
        codecs=[f"{folder}/two.py:Smooth", f"{folder}/two.py:Rough", "jpeg2000@0.1,0.4,1,2", "png"],
        metrics=["psnr_rgb", "flip", "high_band_energy"],
        out=folder / "run",
        options=Options(keep_bitstreams=True),
    )
    return folder / "run"
