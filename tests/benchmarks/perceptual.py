"""FLIP, LPIPS and SSIMULACRA 2 of rdbench against the programs of their authors, one thread each.

python -m tests.benchmarks.perceptual FOLDER [IMAGES]

Each picture is compared with its JPEG at three qualities, as a sweep does. LPIPS needs the weights of
AlexNet (RDBENCH_WEIGHTS); both sides use the same. SSIMULACRA 2's program, ``ssimulacra2`` on the PATH, is
started once for a pair and reads two files; without it rdbench's side is timed alone.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import io
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from bench.codec import Image
from bench.metrics.base import Metric, Pair, Reference

QUALITIES = (10, 50, 90)


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


def official_ssimulacra2() -> Callable[[Image, Image], float] | None:
    from tests.metrics.ssimulacra2_reference import score

    program = shutil.which("ssimulacra2")
    return None if program is None else lambda x, y: score(program, (x, y))


def main() -> None:
    """Run both sides and print the ratios."""
    from bench.metrics.flip import Flip
    from bench.metrics.lpips import LpipsAlex
    from bench.metrics.ssimulacra2 import Ssimulacra2

    pictures = sweep(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 4)
    sides: list[tuple[Metric, Callable[[Image, Image], float] | None]] = [
        (Flip(), official_flip()),
        (LpipsAlex(), official_lpips()),
        (Ssimulacra2(), official_ssimulacra2()),
    ]
    for metric, function in sides:
        ours(metric, pictures[:1])
        start = time.perf_counter()
        mine = ours(metric, pictures)
        each = 1000 * (time.perf_counter() - start) / len(mine)
        if function is None:
            print(f"{metric.name}: {each:.0f} ms a pair; the author's program is not on the PATH")
            continue
        theirs(function, pictures[:1])
        start = time.perf_counter()
        peer = theirs(function, pictures)
        its = 1000 * (time.perf_counter() - start) / len(mine)
        difference = np.abs(np.subtract(mine, peer)).max()
        print(
            f"{metric.name}: {each:.0f} ms a pair, the authors' {its:.0f} ms,"
            f" ratio {its / each:.1f}; greatest difference {difference:.1e}"
        )


if __name__ == "__main__":
    main()
