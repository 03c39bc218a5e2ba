"""What a trial costs beside its codec: one that returns at once, pictures of Kodak's size, no metrics.

The scorer's part is there without metrics too: it copies what was decoded, hashes it (0.6 ms, more than
anything else) and compares it with the original. The codec's own copy of a picture is part of it as well.

Before the messages and comparisons were made cheaper it was 4.7 ms of a processor and 3.7 ms of time a trial,
and is 3.7 and 2.9 ms (in turn, medians of three, load average 2). 1.3 ms are the scorer's: SHA-256 0.63, the
order of channels 0.45, the copy 0.12. The encoder has 0.1 ms, in which a picture is compared with its copy,
and the decoder 0.1 ms, in which samples are written; the parent has 0.5 ms for three questions and the
record. What is left is the kernel's, which wakes one process after the other.
"""

from __future__ import annotations

import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from bench.engines.describing import describe_suite
from bench.engines.engine import EngineOptions
from bench.engines.local import LocalEngine
from bench.engines.messages import Repeat
from bench.inputs.datasets import open_dataset
from bench.inputs.suite import CodecEntry, Suite
from bench.runs.asked_metrics import asked_metrics
from bench.runs.measure import MeasureTrial
from bench.runs.store import RunWriter
from bench.trials.plan import make_plan, trials
from tests.benchmarks.table import Row

_CODEC = f"{Path(__file__).with_name('codecs.py')}:AtOnce"
_POINTS = 60
_JOBS = 2
_ROUNDS = 3
_GOAL = 0.6


def _spent() -> float:
    usages = (resource.getrusage(it) for it in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(it.ru_utime + it.ru_stime for it in usages)


def taken(pictures: Path, points: int) -> tuple[float, float]:
    """Wall and processor seconds of so many trials on each picture, from first process to last."""
    start, before = time.perf_counter(), _spent()
    suite = Suite(
        datasets=(str(pictures),), codecs=(CodecEntry(codec=_CODEC, quality=tuple(range(1, points + 1))),)
    )
    with LocalEngine(EngineOptions(jobs=_JOBS)) as engine, tempfile.TemporaryDirectory() as folder:
        described = describe_suite(engine, suite, asked_metrics(engine, suite))
        resolved = make_plan(suite, tuple(open_dataset(it) for it in suite.datasets), described)
        work = list(trials(resolved.plan, resolved.files))
        with RunWriter(Path(folder) / "run") as writer:
            for result in engine.run(MeasureTrial((), "load", Repeat()), work):
                assert result.measurement.status == "ok", result.measurement.failure
                writer.append(result.measurement)
    return time.perf_counter() - start, _spent() - before


def rows(kodak: Path) -> Iterator[Row]:
    """The difference between many trials and few, so that no start of a process is part of it."""
    with tempfile.TemporaryDirectory() as folder:
        random = np.random.default_rng(0)
        for number in range(8):
            Image.fromarray(random.integers(0, 255, (512, 768, 3), np.uint8)).save(f"{folder}/{number}.png")
        count = 8 * (_POINTS - 1)
        found = []
        for _ in range(_ROUNDS):
            few, many = taken(Path(folder), 1), taken(Path(folder), _POINTS)
            found.append([1000 * (b - a) / count for a, b in zip(few, many, strict=True)])
    wall = statistics.median(it[0] for it in found)
    processor = min(it[1] for it in found)
    yield Row(
        f"A trial of a codec that returns at once, 768×512, no metrics, {_JOBS} jobs",
        f"{wall:.2f} ms, {processor:.2f} ms of a processor at least",
        "",
        f"{wall:.2f} ms",
        f"≤ {_GOAL} ms",
        wall <= _GOAL,
        "python -m tests.benchmarks harness",
        "SHA-256 of the decoded samples, by which runs can be told to have decoded the same, is 0.6 ms of"
        " a processor, the order of channels 0.45 ms, copies and comparisons of pictures 0.5 ms, three"
        " questions to three processes 1.4 ms with their wake-ups: 2.9 ms, which are 1.5 ms a trial where"
        " two processors are idle.",
    )
