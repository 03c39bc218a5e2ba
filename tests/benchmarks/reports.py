"""Reports as a user starts them: seconds and memory of `rdbench report` of a large run and of results/kodak.

The large run has a million measurements (1000 images, 20 codecs, 50 qualities); its journal is generated. The
memory is the largest sum over all processes at one time, pages that they share counted in each. Of the
repeats the fastest counts. Linux only: memory is read in /proc.

What processor time goes into (py-spy, all processes): of the million a third into the journal, of which a
quarter is msgspec's typed decoding, half makes columns of the lines, and a fifth puts them into the plan's
order; three tenths into figures, a tenth into BD-rates and their intervals, a tenth into imports. Of
results/kodak four fifths into figures: of all 22% PNG, drawing included, 18% PDF, half of that letters, 17%
layout, 7% SVG.
Of a single codec mostly into what is imported, matplotlib and pandas foremost.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from bench.host.environment import current
from bench.runs.store import JOURNAL_FILE, RunInfo, RunWriter
from bench.trials.measurement import Measurement
from bench.trials.plan import CodecPlan, ImagePlan, MetricPlan
from tests.benchmarks.table import Row

_OF_THE_MILLION = (
    "Of the processor time a third is the journal: a quarter of that msgspec's typed decoding, half columns"
    " made of the lines, a fifth the plan's order. Three tenths are figures, a tenth BD-rates and their"
    " intervals, a tenth imports. Both processors are busy."
)
_OF_KODAK = (
    "Four fifths of the processor time are 28 figures in three formats, drawn by matplotlib on both"
    " processors: of all 22% PNG, 18% PDF, half of that letters, 17% layout, 7% SVG."
)
METRICS = ("psnr_rgb", "psnr_y", "psnr_yuv", "ssim_rgb", "ms_ssim_rgb")
WIDTH, HEIGHT = 768, 512


@dataclass(frozen=True)
class Case:
    """The size of a run, and what its report may take."""

    images: int
    codecs: int
    qualities: int
    seconds: float
    gibibytes: float = 2.0

    @property
    def measurements(self) -> int:
        return self.images * self.codecs * self.qualities


CASES = (Case(1000, 20, 50, 6.0),)
REPEATS = 2
RESULTS = Path(__file__).parents[2] / "results" / "kodak"


def generate(case: Case, folder: Path) -> None:
    """Write a run in which every trial succeeded; no two bitstreams or reconstructions are alike."""
    random = np.random.default_rng(0)
    images = tuple(ImagePlan("big", f"{k:05d}.png", _hash(f"image {k}")) for k in range(case.images))
    qualities = tuple(np.linspace(1.0, 95.0, case.qualities).tolist())
    codecs = tuple(
        CodecPlan(
            label=f"codec{k}",
            codec=f"codec{k}",
            target="nowhere:Codec",
            version=f"1+lib {k}",
            lossless=False,
            config={"subsampling": "420", "effort": k},
            qualities=qualities,
        )
        for k in range(case.codecs)
    )
    metrics = tuple(
        MetricPlan(name, "bench.metrics.psnr:PsnrRgb", "1", "dB" if "psnr" in name else "", True)
        for name in METRICS
    )
    environment = current()
    with RunWriter(folder) as writer:
        writer.write_info(RunInfo(environment=environment, images=images, codecs=codecs, metrics=metrics))
    # RunWriter hands every line to the operating system, which here is most of the time.
    with (folder / JOURNAL_FILE).open("wb") as journal:
        for image in images:
            hard = random.uniform(0.7, 1.4)
            for index, codec in enumerate(codecs):
                noise = random.normal(0, 0.01, case.qualities).tolist()
                for step, quality in enumerate(qualities):
                    place = 10 * step / case.qualities
                    bpp = hard * 0.1 * 1.5**place * (1 - 0.02 * index)
                    psnr = 25 + 1.7 * place - hard + noise[step]
                    values = (psnr, psnr + 1, psnr + 1.2, 1 - 10 ** (-psnr / 20), 1 - 10 ** (-psnr / 18))
                    name = f"{image.name} {codec.label} {quality}"
                    measurement = Measurement(
                        key=_hash(name)[:32],
                        environment=environment.id,
                        dataset=image.dataset,
                        image=image.name,
                        image_sha256=image.sha256,
                        codec=codec.codec,
                        version=codec.version,
                        config=codec.config,
                        quality=quality,
                        status="ok",
                        width=WIDTH,
                        height=HEIGHT,
                        bytes=int(bpp * WIDTH * HEIGHT / 8),
                        bitstream_sha256=_hash(f"bitstream {name}"),
                        pixels_sha256=_hash(f"pixels {name}"),
                        encode_s=(0.01,),
                        decode_s=(0.02,),
                        metrics=dict(zip(METRICS, values, strict=True)),
                    )
                    journal.write(msgspec.json.encode(measurement) + b"\n")


def report(run: Path, out: Path) -> tuple[float, float]:
    """Seconds, and the largest resident memory of all processes in GiB."""
    command = [sys.executable, "-m", "bench.cli", "report", str(run), "--out", str(out)]
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(map(_resident, _family(process.pid))))
        time.sleep(0.01)
    if process.returncode:
        raise SystemExit(f"the report failed with exit code {process.returncode}")
    return time.monotonic() - start, peak / 2**30


def rows(kodak: Path) -> Iterator[Row]:
    """Reports of the largest run and of the repository's own."""
    command = "python -m tests.benchmarks reports"
    for case in CASES:
        with tempfile.TemporaryDirectory() as scratch:
            run = Path(scratch) / "run"
            generate(case, run)
            results = [report(run, Path(scratch) / f"report{k}") for k in range(REPEATS)]
        seconds, memory = min(it[0] for it in results), max(it[1] for it in results)
        work = f"`rdbench report`, {case.measurements:,} measurements"
        ours = f"{seconds:.1f} s, {memory:.1f} GiB"
        good = seconds <= case.seconds and memory <= case.gibibytes
        goal = f"≤ {case.seconds:g} s, ≤ {case.gibibytes:g} GiB"
        yield Row(work, ours, "", f"{seconds:.1f} s", goal, good, command, _OF_THE_MILLION)
    with tempfile.TemporaryDirectory() as scratch:
        run = Path(scratch) / "kodak"
        shutil.copytree(RESULTS, run)
        seconds = min(report(run, run / "report")[0] for _ in range(REPEATS))
    work, took = "`rdbench report results/kodak`, all tables and figures", f"{seconds:.1f} s"
    yield Row(work, took, "", took, "≤ 4 s", seconds <= 4, command, _OF_KODAK)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _family(process: int) -> list[int]:
    """A process and all that descend from it."""
    try:
        children = [
            int(child)
            for task in Path(f"/proc/{process}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:
        return []
    return [process, *(it for child in children for it in _family(child))]


def _resident(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0
