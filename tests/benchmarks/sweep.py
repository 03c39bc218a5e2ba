"""Wall time of the standard sweep, rdbench against CompressAI's own bench, alternating in one run.

    python -m tests.benchmarks.sweep FOLDER_OF_KODAK_IMAGES [--rounds 3]

The sweep: JPEG at 10 qualities, PSNR and MS-SSIM, two jobs, whole processes from start to end.
CompressAI (extra ``zoo``) runs with OMP_NUM_THREADS=1, which is its faster setting; rdbench
measures into a fresh folder and writes no report, as CompressAI writes none. Prints each round's
wall times, their ratio, and the largest resident set of any process on either side.

Where the processor time of 240 trials went and goes, in seconds: medians of five runs in turn, by ``perf
record -e cpu-clock``, on two hyperthreads of one core that others used too (load average 4).

==============================  ======  =====  ========================================================
process                         before  after
==============================  ======  =====  ========================================================
main thread                       0.59   0.51  typer, pydantic, numpy; little garbage is looked for now
its threads, which ask            0.39   0.27  a third was ``/proc/PID/status``, which nobody wanted
zygote                            0.20   0.21  numpy, llvmlite; it tries whether codecs can be sealed
before the first worker           0.12   0.05  descriptions; an interpreter to try sealing is gone
2 scorers                         2.72   2.62  MS-SSIM and PSNR most of it, SHA-256, reading of 24 PNG
8 to 10 processes of the codec    1.28   1.26  libjpeg 0.6 s; a start takes 25 to 30 ms, most are of
                                               bitstreams that are decoded again
all                               5.37   4.95
==============================  ======  =====  ========================================================

The check of the order of channels has four times as many pixels again since, which is 0.08 s of the scorers.
Until the first worker is there, 0.5 s (0.6 s before), less than one processor is busy: what the command line
needs comes before the zygote's start, and that before any worker's.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from tests.benchmarks.table import Row, compile_modules, paired

_LIMIT = (
    "Of a trial, libjpeg has 2.3 ms of a processor, MS-SSIM and PSNR 4.4 ms, SHA-256 of the samples 0.6 ms:"
    " on two processors these alone are 0.9 s of the sweep. Starting takes another 0.5 s, in which less than"
    " one of them is busy, and the processes that a trial visits 2.3 ms for copies, comparisons and messages."
)

NAMES = ("rdbench", "compressai")
QUALITIES = "10,20,30,40,50,60,70,80,90,95"


def descendants(root: int) -> set[int]:
    """Process ids of ``root`` and everything below it."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
            children.setdefault(parent, []).append(int(folder.name))
    found, queue = set(), [root]
    while queue:
        pid = queue.pop()
        found.add(pid)
        queue += children.get(pid, [])
    return found


def peak_mib(pid: int) -> float:
    """Largest resident set of a process so far; 0 when it has ended."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def timed(command: Sequence[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """Wall seconds of a command, and the peak MiB of the largest process in its tree."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, env=os.environ | dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    peak = 0.0
    while True:
        peak = max(peak, *map(peak_mib, descendants(process.pid)))
        try:
            code = process.wait(timeout=0.05)
            break
        except subprocess.TimeoutExpired:
            continue
    seconds = time.perf_counter() - start
    if code:
        raise SystemExit(f"{' '.join(command)} ended with {code}")
    return seconds, peak


def _ours(images: Path, folder: str, *, report: bool) -> list[str]:
    command = [sys.executable, "-m", "bench.cli", "run", "--dataset", str(images), "--jobs", "2"]
    command += ["--codec", f"jpeg@{QUALITIES}", "--metric", "psnr_rgb", "--metric", "ms_ssim_rgb"]
    return [*command, f"--{'' if report else 'no-'}report", "--out", folder]


def _theirs(images: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "compressai.utils.bench", "jpeg", str(images)),
        "-q",
        QUALITIES,
        "-j",
        "2",
    ]


def _run(images: Path, *, report: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        timed(_ours(images, f"{folder}/run", report=report), {})


def _run_theirs(images: Path) -> None:
    timed(_theirs(images), {"OMP_NUM_THREADS": "1"})


def rows(kodak: Path) -> Iterator[Row]:
    """The sweep without a report, and with the one that ``run`` writes by default."""
    for report, goal in ((False, 12), (True, 8)):
        ours, theirs, ratio = paired(partial(_run, kodak, report=report), partial(_run_theirs, kodak), 3)
        yield Row(
            f"JPEG × 10 qualities × Kodak, PSNR and MS-SSIM, 2 jobs,"
            f" {'with' if report else 'no'} report, against CompressAI's bench",
            f"{ours:.1f} s",
            f"{theirs:.1f} s",
            f"{ratio:.1f}×",
            f"≥ {goal}×",
            ratio >= goal,
            "python -m tests.benchmarks sweep",
            _LIMIT,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("images", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    compile_modules()
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(-1, options.rounds):
            mine = _ours(options.images, f"{scratch}/{number}", report=False)
            pair = timed(mine, {}), timed(_theirs(options.images), {"OMP_NUM_THREADS": "1"})
            if number < 0:
                continue  # fills the disk cache and the kernels' compilation cache
            ours.append(pair[0])
            theirs.append(pair[1])
            print(
                "    ".join(
                    f"{name} {it[0]:6.2f} s {it[1]:5.0f} MiB" for name, it in zip(NAMES, pair, strict=True)
                )
            )
    ratio = statistics.median(b[0] / a[0] for a, b in zip(ours, theirs, strict=True))
    print(f"compressai / rdbench, median of {options.rounds} pairs: {ratio:.1f}")
    peaks = (max(it[1] for it in side) for side in (ours, theirs))
    print("largest process:", *(f"{name} {it:.0f} MiB" for name, it in zip(NAMES, peaks, strict=True)))


if __name__ == "__main__":
    main()
