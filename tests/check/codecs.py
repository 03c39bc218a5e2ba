"""A JPEG codec as source text, in one sound and several broken variants, and runs of it."""

from __future__ import annotations

from pathlib import Path

import bench
from bench.check.baseline import Snapshot
from bench.check.snapshot import snapshot

SOURCE = """\
import io, os, signal
import numpy as np
from PIL import Image

LUMA = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
]
OPTIMIZE = True
VERSION = "1+libjpeg 9.5"


class Tables:
    name, version, lossless = "tables", VERSION, False
    qualities, quality_range = (1.0, 2.0, 4.0), (0.1, 10.0)

    def encode(self, image, quality):
        table = [max(1, round(it / quality)) for it in LUMA]
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", qtables=[table, table], subsampling=0, optimize=OPTIMIZE)
        return buffer.getvalue()

    def decode(self, bitstream):
        return np.asarray(Image.open(io.BytesIO(bitstream)))
"""

STEP = ("16, 11, 10", "16, 12, 10")
"""One quantisation step one coarser."""
FLAG = ("OPTIMIZE = True", "OPTIMIZE = False")
SWAP = (
    "np.asarray(Image.open(io.BytesIO(bitstream)))",
    "np.asarray(Image.open(io.BytesIO(bitstream)))[..., ::-1]",
)
_DIE = """\
        if image.shape[1] == 190 and quality == 2:
            os.kill(os.getpid(), signal.SIGSEGV)
"""
CRASH = ("        table = [", f"{_DIE}        table = [")
LIBRARY = ("libjpeg 9.5", "libjpeg 9.6")


def run(folder: Path, pictures: Path, *changes: tuple[str, str], **fields: object) -> Path:
    """A run of the codec with some of its source replaced."""
    source = SOURCE
    for old, new in changes:
        assert old in source
        source = source.replace(old, new)
    folder.mkdir()
    (folder / "tables.py").write_text(source)
    codecs = [f"{folder / 'tables.py'}:Tables", "jpeg@20,50,80"]
    bench.run(
        **{"datasets": [str(pictures)], "codecs": codecs, "metrics": ["psnr_rgb", "ms_ssim_rgb"]} | fields,
        out=folder / "run",
        options=bench.Options(jobs=2),
    )
    return folder / "run"


def snapshot_of(folder: Path, pictures: Path, *changes: tuple[str, str]) -> Snapshot:
    """The snapshot of such a run."""
    return snapshot(run(folder, pictures, *changes))
