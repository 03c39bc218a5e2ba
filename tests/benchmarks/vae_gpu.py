"""``compressai`` through rdbench's adapter against ``compressai.utils.eval_model``, same model and images.

``python tests/benchmarks/vae_gpu.py FOLDER [--device cuda]`` alternates both sides over the pictures in
FOLDER, with seeded untrained weights, synchronises around the clock, and prints images per second and
the ratio; then it times ``vae`` on the same device.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from bench_codecs.compressai_zoo import CompressAi
from bench_codecs.vae import Vae
from PIL import Image


def clock(device: str, work: Callable[[], object]) -> float:
    """Seconds of ``work``, the device's queue included."""
    if device == "cuda":
        torch.cuda.synchronize()
    started = time.perf_counter()
    work()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--model", default="mbt2018-mean")
    parser.add_argument("--limit", type=int, default=8)
    options = parser.parse_args()
    from compressai.utils.eval_model.__main__ import inference

    suffixes = (".png", ".webp", ".jpg")
    paths = [p for p in sorted(options.folder.iterdir()) if p.suffix in suffixes][: options.limit]
    images = [np.asarray(Image.open(p).convert("RGB")) for p in paths]
    ours = CompressAi(model=options.model, untrained=True, device=options.device)
    vae = Vae(device=options.device)
    network, _ = ours._network(1)

    def theirs(image: np.ndarray) -> object:
        x = torch.from_numpy(image.transpose(2, 0, 1).copy()).to(options.device).float() / 255
        return inference(network, x)

    sides: dict[str, Callable[[np.ndarray], object]] = {
        "eval_model": theirs,
        "rdbench compressai": lambda image: ours.decode(ours.encode(image, 1.0)),
        "rdbench vae": lambda image: vae.decode(vae.encode(image, 3.0)),
    }
    seconds = dict.fromkeys(sides, 0.0)
    for work in sides.values():
        work(images[0])
    for image in images:
        for name, work in sides.items():
            seconds[name] += clock(options.device, lambda work=work, image=image: work(image))
    for name, total in seconds.items():
        ratio = seconds["eval_model"] / total
        print(f"{name:20} {len(images) / total:7.2f} images/s   {ratio:5.2f} × eval_model")


if __name__ == "__main__":
    main()
