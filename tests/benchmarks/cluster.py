"""What a Dask cluster costs and gives, against the engine of one machine, alternating in one run.

    python tests/benchmarks/cluster.py FOLDER_OF_KODAK_IMAGES [--rounds 3]

Prints, of workers on this machine that are processes of their own:

- the rate of one worker of two threads against the local engine with two jobs, on the same processors;
- the rate of two workers of a thread each against one of them, and of two local jobs against one, which is
  what the processors give;
- what a trial costs beyond its codec, on both engines, with a codec that does nothing;
- how many results a second one client takes from workers and writes into its journal.

The load average stands beside each figure: scheduler and client share the processors with the workers.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from PIL import Image

import bench
from bench.engines.cluster import open_cluster
from bench.engines.engine import EngineOptions, Slot, Task
from bench.runs.measure import MeasuredTrial
from bench.runs.store import RunWriter, read_info, read_journal
from bench.trials.plan import CodecPlan

CODECS = ["jpeg@10,20,30,40,50,60,70,80,90", "jpeg2000@0.25,0.5,1,2", "webp@20,50,80", "png"]
NOTHING = f"{Path(__file__).with_name('codecs.py')}:Nothing"
TRIALS_OF_NOTHING = 2000
RESULTS = 40_000
UNCOUNTED = 4000
"""The first results, which workers made while they and the fetching started."""


@contextmanager
def cluster(workers: int, threads: int) -> Iterator[Any]:
    """A client of new workers, after their first work: their kernels are loaded."""
    import distributed

    with (
        distributed.LocalCluster(
            n_workers=workers, threads_per_worker=threads, dashboard_address=None, silence_logs=logging.ERROR
        ) as made,
        distributed.Client(made) as client,
    ):
        yield client


def rate(data: Path | str, codecs: list[str], jobs: int, client: Any = None) -> float:
    """Trials a second of a run, from when it knows what to do until the end."""
    began = [0.0]

    def started(pending: int, planned: int) -> None:
        began[0] = time.perf_counter()

    with tempfile.TemporaryDirectory() as folder:
        found = bench.run(
            datasets=[str(data)],
            codecs=codecs,
            metrics=["psnr_rgb", "ms_ssim_rgb"],
            out=Path(folder) / "run",
            options=bench.Options(jobs=jobs),
            events=bench.Events(started=started),
            client=client,
        )
        assert not found.failed
        return found.measured / (time.perf_counter() - began[0])


def alternating(
    rounds: int, first: Callable[[], float], second: Callable[[], float]
) -> tuple[list[float], list[float]]:
    """Both sides in turn, after a round of each that does not count."""
    first(), second()
    pairs = [(first(), second()) for _ in range(rounds)]
    return [it for it, _ in pairs], [it for _, it in pairs]


def compared(
    what: str, names: tuple[str, str], rates: tuple[list[float], list[float]], target: float
) -> None:
    """Print the median rates and the median of the ratios."""
    ratio = statistics.median(b / a for a, b in zip(*rates, strict=True))
    medians = ", ".join(
        f"{name} {statistics.median(its):.2f}/s" for name, its in zip(names, rates, strict=True)
    )
    print(f"{what}: {medians}, ratio {ratio:.3f} (target {target:g}); {load()}", flush=True)


def load() -> str:
    return f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"


@dataclass(frozen=True)
class Known(Task[Any, MeasuredTrial]):
    """Gives a result that is there already, as large as any."""

    result: MeasuredTrial

    def __call__(self, work: Any, slot: Slot) -> MeasuredTrial:
        measurement = msgspec.structs.replace(self.result.measurement, environment=slot.environment)
        return MeasuredTrial(self.result.label, measurement)


@dataclass(frozen=True)
class Piece:
    """A piece of work; an image has as many as a chunk holds."""

    codec: CodecPlan
    image: int


def journal_rate(known: MeasuredTrial, codec: CodecPlan) -> float:
    """Results a second, from workers that give what they know to the journal."""
    with (
        cluster(2, 1) as client,
        open_cluster(EngineOptions(), client) as engine,
        tempfile.TemporaryDirectory() as folder,
        RunWriter(Path(folder) / "run") as writer,
    ):
        work = [Piece(codec, number // 32) for number in range(RESULTS)]
        start = 0.0
        for number, result in enumerate(engine.run(Known(known), work)):
            if number == UNCOUNTED:
                start = time.perf_counter()
            writer.append(result.measurement)
        seconds = time.perf_counter() - start
        assert sum(1 for _ in read_journal(writer.folder)) == RESULTS
    return (RESULTS - UNCOUNTED) / seconds


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kodak", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with cluster(1, 2) as client:
        rates = alternating(
            asked.rounds, lambda: rate(asked.kodak, CODECS, 2), lambda: rate(asked.kodak, CODECS, 2, client)
        )
    compared("one worker of two threads against this machine", ("local", "cluster"), rates, 0.95)
    with cluster(1, 1) as one, cluster(2, 1) as two:
        rates = alternating(
            asked.rounds, lambda: rate(asked.kodak, CODECS, 2, one), lambda: rate(asked.kodak, CODECS, 2, two)
        )
    compared("two workers against one", ("one", "two"), rates, 1.85)
    rates = alternating(
        asked.rounds, lambda: rate(asked.kodak, CODECS, 1), lambda: rate(asked.kodak, CODECS, 2)
    )
    compared("for comparison, two local jobs against one", ("one", "two"), rates, 1.85)

    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "pictures"
        pictures.mkdir()
        for number in range(TRIALS_OF_NOTHING // 50):
            Image.fromarray(np.full((8, 8, 3), number, np.uint8)).save(pictures / f"{number:04}.png")
        nothing = [f"{NOTHING}@{','.join(map(str, range(1, 51)))}"]
        with cluster(1, 1) as client:
            local, there = alternating(
                1, lambda: rate(pictures, nothing, 1), lambda: rate(pictures, nothing, 1, client)
            )
        costs = [1000 / it[0] for it in (local, there)]
        print(
            f"a trial of nothing: local {costs[0]:.2f} ms, cluster {costs[1]:.2f} ms, overhead"
            f" {costs[1] - costs[0]:.2f} ms; {load()}",
            flush=True,
        )
        run = Path(folder) / "run"
        bench.run(
            datasets=[str(asked.kodak)],
            codecs=["jpeg@50"],
            metrics=["psnr_rgb", "ms_ssim_rgb"],
            limit=1,
            out=run,
        )
        measurement = next(iter(read_journal(run)))
        codec = read_info(run).codecs[0]
        known = MeasuredTrial("jpeg", measurement)
        taken = sorted(journal_rate(known, codec) for _ in range(3))
        print(f"journal: {', '.join(f'{it:.0f}' for it in taken)} results/s (target 5000); {load()}")


if __name__ == "__main__":
    main()
