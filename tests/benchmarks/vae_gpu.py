"""Learned codecs and metrics on a GPU: agreement with the CPU, speed against CompressAI, memory.

``make gpu``, or ``python tests/benchmarks/vae_gpu.py [DATA SET OR FOLDER]``, prints

- agreement: whether codecs write the same bitstreams on both devices, how far their pictures are apart, and
  how far the values of metrics are;
- the speed of evaluating pictures, in turns with ``compressai.utils.eval_model``, which is called as
  ``python -m compressai.utils.eval_model … --cuda`` calls it, on the very network (seeded, untrained) that
  rdbench's adapter holds: read the file, encode, decode, PSNR and MS-SSIM, picture by picture in this
  process, and the clock waits for the GPU; then ``vae``, one by one and in batches, and with ``--engine``
  ``rdbench run``, whose processes overlap reading and entropy coding with the networks;
- the most GPU memory that each took.

``--out FILE`` keeps all of it as JSON, from which ``python -m tests.packaging.readme_tables`` makes README's
table. Without a GPU it says so and ends; ``--device cpu`` rehearses everything, which says nothing of a GPU.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

import bench
from bench import registry
from bench.errors import BadBitstream, BenchError, CodecUnavailable
from bench.host.device import cuda_problem
from bench.host.environment import current
from bench.inputs.datasets import open_dataset
from bench.inputs.image import read_image
from bench.inputs.suite import Suite, parse_codec
from bench.metrics.base import Pair, Reference
from bench.metrics.psnr import PsnrRgb
from bench.metrics.ssim import MsSsimRgb
from bench.runs.options import Options
from bench_codecs.compressai_zoo import CompressAi
from bench_codecs.vae import Vae
from bench_codecs.vae_gan import VaeGan

METRICS = ("psnr_rgb", "ssim_rgb", "ms_ssim_rgb", "lpips_alex", "dists", "vif")
QUALITY = 3.0

Values = dict[str, float]
Found = dict[str, Any]
"""What goes into the file."""


@dataclass
class Side:
    """One way to evaluate a picture file, and what it took."""

    name: str
    evaluate: Callable[[Path], Values]
    seconds: float = 0.0
    peak: int = 0

    def run(self, path: Path, cuda: bool) -> Values:
        """Evaluate and add up the time, the GPU's queue included."""
        if cuda:
            torch.cuda.reset_peak_memory_stats()
        seconds, values = clock(lambda: self.evaluate(path), cuda)
        self.seconds += seconds
        if cuda:
            self.peak = max(self.peak, torch.cuda.max_memory_allocated())
        return values


def clock(work: Callable[[], Any], cuda: bool) -> tuple[float, Any]:
    if cuda:
        torch.cuda.synchronize()
    start = time.perf_counter()
    result = work()
    if cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start, result


def has_compressai() -> bool:
    return importlib.util.find_spec("compressai") is not None


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


def codecs_agree(device: str, model: str, images: Sequence[np.ndarray]) -> Found:
    """Bitstreams of the device that are the CPU's, those that it refuses, and how far pictures are apart."""
    makers: dict[str, tuple[Callable[..., Any], float]] = {
        "vae": (Vae, QUALITY),
        "vae-gan": (VaeGan, QUALITY),
    }
    if has_compressai():
        makers[model] = (partial(CompressAi, model=model, untrained=True), 1.0)
    found = {}
    for name, (make, quality) in makers.items():
        on_cpu, there = make(), make(device=device)
        equal, refused, levels = 0, 0, 0
        for image in images:
            stream = on_cpu.encode(image, quality)
            equal += there.encode(image, quality) == stream
            try:
                decoded = there.decode(stream)
            except BadBitstream:  # other tables: it says so rather than draw noise
                refused += 1
                continue
            levels = max(levels, int(np.abs(decoded.astype(int) - on_cpu.decode(stream)).max()))
        found[name] = {"bitstreams": len(images), "equal": equal, "refused": refused, "levels_apart": levels}
        print(
            f"{name}: {equal} of {len(images)} bitstreams equal, {refused} of the CPU's refused,"
            f" pictures at most {levels} levels apart"
        )
    return found


def metrics_agree(device: str, images: Sequence[np.ndarray]) -> Values:
    """The largest difference of each metric's values from the CPU's."""
    codec = Vae()
    pairs = [(it, codec.decode(codec.encode(it, QUALITY))) for it in images]
    found = {}
    for name in METRICS:
        kind = registry.load(registry.find(registry.METRICS, name))
        try:
            on_cpu, there = kind(), kind(device=device)
        except CodecUnavailable as error:
            print(f"{name} is left out: {error}")
            continue
        values = ((it(Pair(Reference(image), decoded)) for it in (on_cpu, there)) for image, decoded in pairs)
        found[name] = max(abs(float(ours) - float(its)) for ours, its in values)
        print(f"{name}: values at most {found[name]:.1g} apart")
    return found


def compare(sides: list[Side], paths: Sequence[Path], cuda: bool) -> Found:
    """Alternate the sides over the pictures and print their speeds; the values' largest differences."""
    for side in sides:
        side.evaluate(paths[0])
        side.seconds = 0.0
    apart: Values = {}
    for path in paths:
        values = [side.run(path, cuda) for side in sides]
        for name in values[0]:
            apart[name] = max(apart.get(name, 0.0), abs(values[-1][name] - values[0][name]))
    found: Found = {"values_apart": apart}
    for side in sides:
        speed, ratio = len(paths) / side.seconds, sides[0].seconds / side.seconds
        print(f"{side.name:34} {speed:8.2f} pictures/s   {ratio:5.2f} × {sides[0].name}", end="")
        print(f"   {side.peak / 2**20:6.0f} MiB" if cuda else "")
        found[side.name] = {"pictures_per_second": speed, "ratio": ratio, "peak_bytes": side.peak}
    return found


def batches(vae: Vae, images: Sequence[np.ndarray], size: int, cuda: bool) -> Found:
    """``vae`` one by one and in batches of pictures of one shape; networks and entropy coding, no metrics."""
    same = [it for it in images if it.shape == images[0].shape]
    groups = [same[start : start + size] for start in range(0, len(same), size)]
    streams = [vae.encode(it, QUALITY) for it in same]
    for group in groups:
        vae.decode_batch(vae.encode_batch(group, QUALITY))
    single, _ = clock(lambda: [vae.decode(vae.encode(it, QUALITY)) for it in same], cuda)
    batched, found = clock(lambda: [it for group in groups for it in coded(vae, group)], cuda)
    equal = [it[0] for it in found] == streams
    print(f"vae, one by one                    {len(same) / single:8.2f} pictures/s")
    print(f"vae, batches of {size:<2}                 {len(same) / batched:8.2f} pictures/s", end="   ")
    print(f"{single / batched:5.2f} × one by one; bitstreams equal: {equal}")
    speeds = {"one_by_one": len(same) / single, "batched": len(same) / batched}
    return {"pictures_per_second": speeds, "size": size, "equal": equal}


def coded(vae: Vae, group: Sequence[np.ndarray]) -> list[tuple[bytes, np.ndarray]]:
    streams = vae.encode_batch(group, QUALITY)
    return list(zip(streams, vae.decode_batch(streams), strict=True))


def engine(dataset: str, limit: int, device: str) -> None:
    """``rdbench run`` of ``vae``: all qualities, isolated processes, start-up included."""
    suite = Suite(
        datasets=(dataset,),
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


def measure(options: argparse.Namespace, paths: Sequence[Path]) -> Found:
    """Everything, printed as it comes."""
    device, cuda = options.device, options.device == "cuda"
    images = [read_image(it).pixels for it in paths]
    where = torch.cuda.get_device_name() if cuda else f"CPU, {torch.get_num_threads()} thread"
    print(f"{len(paths)} pictures of {options.dataset}, {where}")
    found: Found = {
        "device": where,
        "software": current().software,
        "dataset": options.dataset,
        "pictures": len(paths),
        "codecs": codecs_agree(device, options.model, images),
        "metrics": metrics_agree(device, images),
    }
    vae = Side("rdbench vae", ours(Vae(device=device), QUALITY, device))
    if not has_compressai():
        print('CompressAI is left out: pip install "rdbench[zoo]", on Python 3.11 or 3.12')
        sides = [vae]
    else:
        zoo = CompressAi(model=options.model, untrained=True, device=device)
        network = zoo._coder(1.0)[0].network
        # eval_model comes first: it sets torch to one thread
        theirs = Side("eval_model", peer(network, options.model))
        sides = [theirs, vae, Side(f"rdbench {options.model}", ours(zoo, 1.0, device))]
    found["sweep"] = compare(sides, paths, cuda)
    if len(sides) > 1:
        apart = found["sweep"]["values_apart"].items()
        print(f"  values at most apart: {', '.join(f'{name} {value:.2g}' for name, value in apart)}")
        print("  bpp counts the container too, eval_model the strings alone")
    found["batches"] = batches(Vae(device=device), images, options.batch, cuda)
    if options.engine:
        engine(options.dataset, options.limit, device)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("dataset", nargs="?", default="sample", help="a data set by name, or a folder")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--model", default="bmshj2018-hyperprior", help="of CompressAI")
    parser.add_argument("--limit", type=int, default=8, help="pictures")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--engine", action="store_true", help="measure rdbench run too")
    parser.add_argument("--probe", action="store_true", help="only say whether there is a GPU: status 0 or 1")
    parser.add_argument("--out", type=Path, help="JSON file for what is printed")
    options = parser.parse_args()
    problem = cuda_problem() if options.device == "cuda" else None
    if problem is not None:
        print(f"No GPU here, so that nothing is measured: {problem}")
    if options.probe:
        sys.exit(problem is not None)
    if problem is not None:
        return
    try:
        paths = [it.path for it in open_dataset(options.dataset).images[: options.limit]]
    except BenchError as error:
        sys.exit(str(error))
    found = measure(options, paths)
    if options.out is not None:
        options.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
