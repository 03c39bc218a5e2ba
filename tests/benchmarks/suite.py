"""``rdbench run`` of the default suite: five sample photographs, all codecs, no report.

Most of it are the codecs themselves: ``vae`` at eight qualities, JPEG XL, JPEG 2000, WebP and AVIF.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bench.runs.store import read_journal
from tests.benchmarks.table import Row

_GOAL = 10.0


def rows(kodak: Path) -> Iterator[Row]:
    """One whole process, and which codecs had how much of the time."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bench.cli", "run", "--no-report", "--out", f"{folder}/run"]
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        spent: Counter[str] = Counter()
        for it in read_journal(Path(folder) / "run"):
            spent[it.codec] += sum((*it.encode_s, *it.decode_s))
    told = ", ".join(f"{name} {took / spent.total():.0%}" for name, took in spent.most_common(4))
    others = spent.total() - spent["vae"]
    yield Row(
        "`rdbench run`: the default suite, everything installed",
        f"{seconds:.1f} s",
        "",
        f"{seconds:.1f} s",
        f"≤ {_GOAL:g} s",
        seconds <= _GOAL,
        "python -m tests.benchmarks suite",
        f"Codecs alone take {spent.total():.0f} s of processors: {told}. Without `vae` there are {others:.0f}"
        " s of libjxl, OpenJPEG, libwebp and libaom, at their usual effort, which two processors share."
        " Most of the rest are seven processes of `vae`, one to describe it and six that encode, decode and"
        " decode again: each takes 3 s of a processor to import PyTorch and to make the model.",
    )
