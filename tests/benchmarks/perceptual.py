"""Perceptual metrics of rdbench against the packages and programs of their authors, one thread each.

A picture is compared with its JPEG at five qualities, as a sweep does. LPIPS and DISTS need the weights of
AlexNet and VGG-16 (RDBENCH_WEIGHTS); both sides use the same. Programs are started once for a pair and read
two files; one that is not on the PATH (``ssimulacra2``, ``butteraugli_main``) has no line.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import io
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from bench.codec import Image
from bench.metrics.base import Metric, Pair, Reference
from tests.benchmarks.table import Row, paired

QUALITIES = (10, 30, 50, 70, 90)


def sweep(folder: Path, limit: int) -> list[tuple[Image, list[Image]]]:
    """Pictures, each with its reconstructions."""
    result = []
    for path in sorted(folder.glob("*.png"))[:limit]:
        picture = PillowImage.open(path).convert("RGB")
        decoded = []
        for quality in QUALITIES:
            stream = io.BytesIO()
            picture.save(stream, "jpeg", quality=quality)
            decoded.append(np.asarray(PillowImage.open(stream)))
        result.append((np.asarray(picture), decoded))
    return result


def ours(metric: Metric, pictures: list[tuple[Image, list[Image]]]) -> list[float]:
    """All values, an original's features computed once."""
    values = []
    for original, decoded in pictures:
        reference = Reference(original)
        values += [metric(Pair(reference, it)) for it in decoded]
    return values


def theirs(
    function: Callable[[Image, Image], float], pictures: list[tuple[Image, list[Image]]]
) -> list[float]:
    """All values, pair by pair."""
    return [function(original, it) for original, decoded in pictures for it in decoded]


def official_flip() -> Callable[[Image, Image], float]:
    import flip_evaluator

    def flip(x: Image, y: Image) -> float:
        floats = [(it / 255).astype(np.float32) for it in (x, y)]
        return float(flip_evaluator.evaluate(*floats, "LDR", applyMagma=False)[1])

    return flip


def official_lpips() -> Callable[[Image, Image], float]:
    import lpips
    import torch

    from bench.metrics._trunk import load_trunk

    class _Features:
        features = load_trunk("alexnet", "the benchmark").layers

    lpips.pretrained_networks.tv.alexnet = lambda **_: _Features
    net = lpips.LPIPS(net="alex", verbose=False)

    def distance(x: Image, y: Image) -> float:
        tensors = [torch.from_numpy(it.transpose(2, 0, 1)[None] / np.float32(127.5)) - 1 for it in (x, y)]
        with torch.inference_mode():
            return float(net(*tensors))

    return distance


def official_dists() -> Callable[[Image, Image], float]:
    import torch
    from DISTS_pytorch import DISTS_pt

    from bench.metrics._trunk import load_trunk

    class _Features:
        features = load_trunk("vgg16", "the benchmark").layers

    DISTS_pt.models.vgg16 = lambda **_: _Features
    net = DISTS_pt.DISTS()

    def distance(x: Image, y: Image) -> float:
        tensors = [torch.from_numpy(it.transpose(2, 0, 1)[None] / np.float32(255)) for it in (x, y)]
        with torch.inference_mode():
            return float(net(*tensors))

    return distance


def official_ssimulacra2() -> Callable[[Image, Image], float] | None:
    from tests.metrics.ssimulacra2_reference import score

    program = shutil.which("ssimulacra2")
    return None if program is None else lambda x, y: score(program, (x, y))


def official_butteraugli() -> Callable[[Image, Image], float] | None:
    program = shutil.which("butteraugli_main")

    def distance(x: Image, y: Image) -> float:
        with tempfile.TemporaryDirectory() as folder:
            paths = [f"{folder}/{name}.png" for name in "xy"]
            for path, image in zip(paths, (x, y), strict=True):
                PillowImage.fromarray(image).save(path)
            command = [str(program), *paths, "--intensity_target", "80"]
            return float(
                subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0]
            )

    return None if program is None else distance


_HALF = (
    "The original's features are computed once: 6 passes through the network in the place of 10, at most 1.7"
    " times as fast with five reconstructions and 2 with many. A pass is the same convolutions by the same"
    " library."
)
_PROGRAM = "libjxl's own program on both sides; there is no second implementation to be faster than."


def rows(kodak: Path) -> Iterator[Row]:
    """Each metric beside the package or program that people use, on a Kodak picture at five qualities."""
    import torch

    from bench.metrics.butteraugli import Butteraugli
    from bench.metrics.dists import Dists
    from bench.metrics.flip import Flip
    from bench.metrics.lpips import LpipsAlex
    from bench.metrics.ssimulacra2 import Ssimulacra2

    torch.set_num_threads(1)
    pictures = sweep(kodak, 1)
    sides: list[tuple[type[Metric], Callable[[], Callable[[Image, Image], float] | None], str, str]] = [
        (Flip, official_flip, "flip-evaluator", ""),
        (LpipsAlex, official_lpips, "lpips", _HALF),
        (Dists, official_dists, "dists-pytorch", _HALF),
        (Ssimulacra2, official_ssimulacra2, "the program ssimulacra2", ""),
        (Butteraugli, official_butteraugli, "the program butteraugli_main", _PROGRAM),
    ]
    for made, peer, name, limit in sides:
        function = peer()
        if function is None:
            continue
        metric = made()
        mine, other, ratio = paired(partial(ours, metric, pictures), partial(theirs, function, pictures), 3)
        difference = np.abs(np.subtract(ours(metric, pictures), theirs(function, pictures))).max()
        count = len(QUALITIES)
        yield Row(
            f"{metric.title}, Kodak picture, one thread, against {name} (values differ by {difference:.0e})",
            f"{1000 * mine / count:.0f} ms",
            f"{1000 * other / count:.0f} ms",
            f"{ratio:.1f}×",
            "≥ 2×",
            ratio >= 2,
            "python -m tests.benchmarks perceptual",
            "" if ratio >= 2 else limit,
        )
