"""Reference scores of SSIMULACRA 2, made once with its author's program.

    python -m tests.metrics.ssimulacra2_reference PROGRAM KODAK

PROGRAM is ``ssimulacra2`` built from https://github.com/cloudinary/ssimulacra2, KODAK the folder of the 24
images. The program uses the widest vector instructions that it finds: scores of processors with fused
multiply-add (AVX2, AVX-512) are equal to all digits, those of older ones are up to 1.9 lower on these images.
"""

from __future__ import annotations

import csv
import hashlib
import io
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image as PillowImage

from bench.codec import Image

TABLE = Path(__file__).parent / "data" / "ssimulacra2.csv"

QUALITIES = (30, 50, 70, 80, 90, 95, 98)
SUBSAMPLINGS = ("4:2:0", "4:4:4")

SIZES = (
    *((8, 8), (8, 70), (70, 8), (9, 11), (12, 15), (15, 16), (16, 15), (17, 31), (33, 20)),
    *((57, 64), (64, 57), (112, 113), (113, 112), (113, 201), (128, 160), (255, 129)),
)
"""Height and width of the synthetic images: around every size at which a scale comes in."""

STEPS = (8, 40, 96)


class Row(NamedTuple):
    """One comparison: a Kodak image with its JPEG, or a synthetic image with its quantised self."""

    picture: str
    """``kodim01``, or ``HEIGHTxWIDTH``."""

    distortion: str
    """``q90 4:2:0``, or ``step 8``."""

    pixels: str
    """The start of the SHA-256 of the distorted samples."""

    score: float


def smooth(seed: int, height: int, width: int) -> Image:
    """Gradients and texture, in integer arithmetic, so that every machine makes the same image."""
    y, x = np.mgrid[:height, :width]
    texture = np.random.default_rng(seed).integers(0, 40, (height, width, 3))
    ramps = np.stack([x * 3 // 4 + y // 3, (x * y) // 97, 255 - x // 2], axis=-1) % 216
    picture: Image = (ramps + texture).astype(np.uint8)
    return picture


def coarser(image: Image, step: int) -> Image:
    """Quantised samples: a distortion in integer arithmetic."""
    return np.minimum(image // step * step + step // 2, 255).astype(np.uint8)


def original(picture: str, kodak: Path) -> Image:
    """The image that a row names."""
    if "x" in picture:
        height, width = picture.split("x")
        return smooth(2, int(height), int(width))
    return np.asarray(PillowImage.open(kodak / f"{picture}.png").convert("RGB"))


def distorted(image: Image, distortion: str) -> Image:
    """The image after the distortion that a row names."""
    kind, value = distortion.split()
    if kind == "step":
        return coarser(image, int(value))
    stream = io.BytesIO()
    PillowImage.fromarray(image).save(stream, "jpeg", quality=int(kind[1:]), subsampling=value)
    return np.asarray(PillowImage.open(stream))


def digest(image: Image) -> str:
    """What tells whether this machine's JPEG decoder gives the samples that the score is for."""
    return hashlib.sha256(np.ascontiguousarray(image)).hexdigest()[:12]


def table() -> list[Row]:
    """The rows that are kept."""
    with TABLE.open(encoding="utf-8") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return [Row(it["picture"], it["distortion"], it["pixels"], float(it["score"])) for it in rows]


def _cases() -> Iterator[tuple[str, str]]:
    for height, width in SIZES:
        yield from ((f"{height}x{width}", f"step {step}") for step in STEPS)
    for number in range(1, 25):
        for subsampling in SUBSAMPLINGS:
            yield from ((f"kodim{number:02}", f"q{quality} {subsampling}") for quality in QUALITIES)


def score(program: str, pair: tuple[Image, Image]) -> float:
    """What the author's program says of an original and a distorted image."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("original.png", "distorted.png")]
        for path, image in zip(paths, pair, strict=True):
            PillowImage.fromarray(image).save(path, compress_level=1)
        command = [program, *map(str, paths)]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Write the table."""
    program, kodak = sys.argv[1], Path(sys.argv[2])
    usage = subprocess.run([program], check=False, capture_output=True, text=True).stderr.splitlines()[0]
    with TABLE.open("w", encoding="utf-8", newline="\n") as file:
        file.write(
            f"# {usage}: https://github.com/cloudinary/ssimulacra2 at 81feacf6, with highway 1.0.3\n"
            "# python -m tests.metrics.ssimulacra2_reference ./ssimulacra2 kodak\n"
            "picture,distortion,pixels,score\n"
        )
        for picture, distortion in _cases():
            image = original(picture, kodak)
            other = distorted(image, distortion)
            file.write(f"{picture},{distortion},{digest(other)},{score(program, (image, other)):.5f}\n")


if __name__ == "__main__":
    main()
