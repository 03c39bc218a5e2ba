"""Wall time of the standard sweep, rdbench against CompressAI's own bench, alternating in one run.

    python tests/benchmarks/sweep.py FOLDER_OF_KODAK_IMAGES [--rounds 3]

The sweep: JPEG at 10 qualities, PSNR and MS-SSIM, two jobs, whole processes from start to end.
CompressAI (extra ``zoo``) runs with OMP_NUM_THREADS=1, which is its faster setting; rdbench
measures into a fresh folder and writes no report, as CompressAI writes none. Prints each round's
wall times, their ratio, and the largest resident set of any process on either side.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("images", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(-1, options.rounds):
            mine = [sys.executable, "-m", "bench.cli", "run", "--dataset", str(options.images), "--jobs", "2"]
            mine += ["--codec", f"jpeg@{QUALITIES}", "--metric", "psnr_rgb", "--metric", "ms_ssim_rgb"]
            mine += ["--no-report", "--out", f"{scratch}/{number}"]
            other = [sys.executable, "-m", "compressai.utils.bench", "jpeg", str(options.images)]
            other += ["-q", QUALITIES, "-j", "2"]
            pair = timed(mine, {}), timed(other, {"OMP_NUM_THREADS": "1"})
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
