"""Learned codecs through rdbench against ``compressai.utils.eval_model``: same model, images and device.

``python tests/benchmarks/vae_gpu.py FOLDER [--device auto|cpu|cuda]`` evaluates the pictures in FOLDER with
both sides in turn, picture by picture, in this process: read the file, encode, decode, PSNR and MS-SSIM.
``eval_model`` is called as ``python -m compressai.utils.eval_model … --cuda`` calls it, on the very network
(seeded, untrained) that rdbench's adapter holds. The clock waits for the GPU. It prints pictures per second,
the ratio, and how far the values of the two sides are apart; then the same for ``vae``, one by one and in
batches, and with ``--engine`` for ``rdbench run`` with one job and with several, whose processes overlap
reading and entropy coding with the networks. With ``auto`` and no GPU, everything runs on the CPU, and a
line says so.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import bench
from bench.errors import ConfigError
from bench.host.device import cuda_problem, resolve
from bench.inputs.datasets import SUFFIXES
from bench.inputs.image import read_image
from bench.inputs.suite import Suite, parse_codec
from bench.metrics.base import Pair, Reference
from bench.metrics.psnr import PsnrRgb
from bench.metrics.ssim import MsSsimRgb
from bench.runs.options import Options
from bench_codecs.compressai_zoo import CompressAi, header_bytes
from bench_codecs.vae import Vae

Values = dict[str, float]


@dataclass
class Side:
    """One way to evaluate a picture file, and what it took."""

    name: str
    evaluate: Callable[[Path], Values]
    seconds: float = 0.0

    def run(self, path: Path, cuda: bool) -> Values:
        """Evaluate and add up the time, the GPU's queue included."""
        seconds, values = clock(lambda: self.evaluate(path), cuda)
        self.seconds += seconds
        return values


def clock(work: Callable[[], Any], cuda: bool) -> tuple[float, Any]:
    if cuda:
        torch.cuda.synchronize()
    start = time.perf_counter()
    result = work()
    if cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start, result


def peer(network: Any, architecture: str) -> Callable[[Path], Values]:
    """``eval_model`` on one file."""
    from compressai.utils.eval_model.__main__ import eval_model

    def evaluate(path: Path) -> Values:
        found = eval_model(network, "", "", [path], architecture=architecture, half=False, per_image=False)
        return {"bpp": found["bpp"], "psnr": found["psnr-rgb"], "ms_ssim": found["ms-ssim-rgb"]}

    return evaluate


def ours(codec: Any, quality: float, device: str) -> Callable[[Path], Values]:
    """What a worker of rdbench does with one trial."""
    psnr, ms_ssim = PsnrRgb(device=device), MsSsimRgb(device=device)

    def evaluate(path: Path) -> Values:
        image = read_image(path).pixels
        bitstream = codec.encode(image, quality)
        pair = Pair(Reference(image), codec.decode(bitstream))
        bpp = 8 * len(bitstream) / (image.shape[0] * image.shape[1])
        return {"bpp": bpp, "psnr": psnr(pair), "ms_ssim": ms_ssim(pair)}

    return evaluate


def compare(sides: list[Side], paths: list[Path], cuda: bool) -> Values:
    """Alternate the sides over the pictures and print their speeds; the values' largest differences."""
    for side in sides:
        side.evaluate(paths[0])
    apart: Values = {}
    for path in paths:
        values = [side.run(path, cuda) for side in sides]
        for name in values[0]:
            apart[name] = max(apart.get(name, 0.0), abs(values[1][name] - values[0][name]))
    for side in sides:
        speed, ratio = len(paths) / side.seconds, sides[0].seconds / side.seconds
        print(f"{side.name:34} {speed:8.2f} pictures/s   {ratio:5.2f} × eval_model")
    return apart


def batches(vae: Vae, images: list[np.ndarray], size: int, cuda: bool) -> None:
    """``vae`` one by one and in batches of pictures of one shape; networks and entropy coding, no metrics."""
    same = [it for it in images if it.shape == images[0].shape]
    groups = [same[start : start + size] for start in range(0, len(same), size)]
    streams = [vae.encode(it, 3.0) for it in same]
    for group in groups:
        vae.decode_batch(vae.encode_batch(group, 3.0))
    single, _ = clock(lambda: [vae.decode(vae.encode(it, 3.0)) for it in same], cuda)
    batched, found = clock(lambda: [it for group in groups for it in coded(vae, group)], cuda)
    print(f"vae, one by one                    {len(same) / single:8.2f} pictures/s")
    print(f"vae, batches of {size:<2}                 {len(same) / batched:8.2f} pictures/s", end="   ")
    print(f"{single / batched:5.2f} × one by one; bitstreams equal: {[it[0] for it in found] == streams}")


def coded(vae: Vae, group: list[np.ndarray]) -> list[tuple[bytes, np.ndarray]]:
    streams = vae.encode_batch(group, 3.0)
    return list(zip(streams, vae.decode_batch(streams), strict=True))


def engine(folder: Path, limit: int, device: str) -> None:
    """``rdbench run`` of ``vae``: all qualities, isolated processes, start-up included."""
    suite = Suite(
        datasets=(str(folder),),
        codecs=(parse_codec("vae"),),
        metrics=("psnr_rgb", "ms_ssim_rgb"),
        limit=limit,
        device=device,
    )
    for jobs in (1, None):
        with tempfile.TemporaryDirectory() as out:
            start = time.perf_counter()
            summary = bench.run(suite, out=out, options=Options(jobs=jobs))
            seconds = time.perf_counter() - start
        name = f"rdbench run, {jobs or 'default'} job{'' if jobs == 1 else 's'}"
        print(f"{name:34} {summary.measured / seconds:8.2f} trials/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--model", default="bmshj2018-hyperprior")
    parser.add_argument("--limit", type=int, default=8, help="pictures")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--engine", action="store_true")
    options = parser.parse_args()
    try:
        device = resolve(options.device)
    except ConfigError as error:
        sys.exit(str(error))
    cuda = device == "cuda"
    if options.device == "auto" and not cuda:
        print(f"no GPU, so both sides run on the CPU, which says nothing of a GPU: {cuda_problem()}")
    paths = [p for p in sorted(options.folder.iterdir()) if p.suffix.lower() in SUFFIXES][: options.limit]
    if not paths:
        sys.exit(f"{options.folder}: no pictures")

    zoo = CompressAi(model=options.model, untrained=True, device=device)
    network, _ = zoo._network(1)
    theirs = Side("compressai.utils.eval_model", peer(network, options.model))  # sets torch to one thread
    where = torch.cuda.get_device_name() if cuda else f"CPU, {torch.get_num_threads()} thread"
    print(f"{len(paths)} pictures, {options.model} untrained, {where}")
    apart = compare([theirs, Side("rdbench compressai", ours(zoo, 1.0, device))], paths, cuda)
    print(f"  values at most apart: {', '.join(f'{name} {value:.2g}' for name, value in apart.items())}")
    strings = 1 if options.model == "bmshj2018-factorized" else 2
    print(f"  bpp counts the container of {header_bytes(strings)} bytes; eval_model counts the strings alone")

    vae = Vae(device=device)
    theirs.seconds = 0.0
    compare([theirs, Side("rdbench vae", ours(vae, 3.0, device))], paths, cuda)
    batches(vae, [read_image(it).pixels for it in paths], options.batch, cuda)
    if cuda:
        print(f"most GPU memory allocated: {torch.cuda.max_memory_allocated() / 2**20:.0f} MiB")
    if options.engine:
        engine(options.folder, options.limit, device)


if __name__ == "__main__":
    main()
