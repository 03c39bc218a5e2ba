"""``vae`` on a Kodak picture beside CompressAI's scale hyperprior, one thread; on 50 megapixels, two threads.

Times of the picture are processor time, which is the wall time of one thread on an idle machine: the smallest
of several rounds in turns. The hyperprior has random weights, whose latents are mostly zero: its entropy
coder has less to do than a trained one's.

What the time is made of at quality 3.5, by cProfile: encoding is 45% convolutions in integers of 16 bits, two
thirds of them in the analysis; 12% moving latents between layers and coder; 8% rANS and quantisation; 5% the
transform; 4% zeroing memory. Decoding is 23% the same convolutions, for the context model, 15% convolutions
of the synthesis in bfloat16, 20% its other operations, 12% latents, 5% the transform, 3% rANS. When all was
in float64 and float32, products of matrices were four fifths of both.
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
        yield Row(
            work=f"`vae`, 50 megapixels, {way}, two threads",
            ours=f"{seconds_} s, {gibibytes} GiB",
            theirs="",
            reached=f"{seconds_} s, {gibibytes} GiB",
            goal=f"≤ {LARGE_GOAL:g} s, ≤ {LARGE_MEMORY} GiB",
            met=float(seconds_) <= LARGE_GOAL and float(gibibytes) <= LARGE_MEMORY,
            command=COMMAND,
        )
