"""``vae`` on a Kodak picture beside CompressAI's scale hyperprior, one thread; on 50 megapixels, two threads.

Times of the picture are processor time, which is the wall time of one thread on an idle machine: the smallest
of several rounds in turns. The hyperprior has random weights, whose latents are mostly zero: its entropy
coder has less to do than a trained one's.

What the time is made of at quality 3.5, by cProfile, with tiles of bytes (AMX): encoding is 39% convolutions
in integers, half of them in the analysis; 17% moving latents between layers and coder; 13% rANS
and quantisation; 10% rounding to 16 bits and the filter of the transform. Decoding is 24% the same
convolutions, for the context model; 19% convolutions of the synthesis in bfloat16, 13% its other operations;
15% latents; 7% the transform; 5% rANS. A layer of 128 channels and 3×3 taps reaches 450 billion
multiply-accumulates of 16 bits a second, where the products of tiles alone reach 480, and vectors of pairs
160; one of 1×1 taps reaches 140, as its results are more work than its products.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.inputs.image import read_image
from bench_codecs.vae import Vae
from tests.benchmarks.table import Row

PICTURE = "kodim08.png"
COMMAND = "python -m tests.benchmarks vae"
ROUNDS = 15
GOAL, LARGE_GOAL, LARGE_MEMORY = 0.15, 12.0, 1.2
MEMORY_NOTE = (
    "0.7 GiB are PyTorch and numba, the picture is 0.14 GiB, latents that neighbours of tiles still need are "
    "0.25 GiB; the rest is two threads' work on tiles of 1216×1216 samples with their margins. An allocator "
    "that gives large blocks back at once lowers the peak by a fifth, and takes 60% more time."
)


def smallest(works: list[Callable[[], object]]) -> list[float]:
    """Processor seconds of each, which take turns, after two rounds to warm up."""
    found = [float("inf")] * len(works)
    for turn in range(ROUNDS + 2):
        for number, work in enumerate(works):
            started = time.process_time()
            work()
            if turn > 1:
                found[number] = min(found[number], time.process_time() - started)
    return found


def rows(kodak: Path) -> Iterator[Row]:
    """Encoding and decoding of a picture, then of a large one."""
    picture = read_image(kodak / PICTURE).pixels
    codecs: list[tuple[object, float]] = [(Vae(threads=1), 3.5)]
    if importlib.util.find_spec("compressai") is not None:
        from bench_codecs.compressai_zoo import CompressAi

        codecs.append((CompressAi(model="bmshj2018-hyperprior", untrained=True, threads=1), 5.0))
    streams = [codec.encode(picture, quality) for codec, quality in codecs]
    encoders = [lambda it=it: it[0].encode(picture, it[1]) for it in codecs]
    decoders = [lambda it=it, s=s: it[0].decode(s) for it, s in zip(codecs, streams, strict=True)]
    for way, works in (("encode", encoders), ("decode", decoders)):
        seconds = smallest(works)
        yield Row(
            work=f"`vae`, Kodak picture, {way}, one thread",
            ours=f"{seconds[0]:.3f} s",
            theirs=f"{seconds[1]:.3f} s (scale hyperprior)" if len(seconds) > 1 else "",
            reached=f"{seconds[0]:.3f} s",
            goal=f"≤ {GOAL} s",
            met=seconds[0] <= GOAL,
            command=COMMAND,
        )
    command = [sys.executable, "-m", "tests.benchmarks.vae_large", "50", "2"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        way, seconds_, gibibytes = re.findall(r"(\w+): .* ([\d.]+) s, peak ([\d.]+) GiB", line)[0]
        in_time, in_memory = float(seconds_) <= LARGE_GOAL, float(gibibytes) <= LARGE_MEMORY
        yield Row(
            work=f"`vae`, 50 megapixels, {way}, two threads",
            ours=f"{seconds_} s, {gibibytes} GiB",
            theirs="",
            reached=f"{seconds_} s, {gibibytes} GiB",
            goal=f"≤ {LARGE_GOAL:g} s, ≤ {LARGE_MEMORY} GiB",
            met=in_time and in_memory,
            command=COMMAND,
            note="" if in_memory else MEMORY_NOTE,
        )
