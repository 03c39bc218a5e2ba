"""What starting takes: ``import bench``, and ``rdbench --help``.

The help took 0.17 s, of which the boxes around it took 0.08 s: for them typer imports rich, Markdown and
syntax highlighting included. It is plain text now. A tenth of what was left were searches for garbage, while
modules load and at the end. Of the 0.1 s that remain, the interpreter with its packages' paths has 0.02 s,
typer 0.03 s, and the modules with the commands' options 0.02 s. Where modules are not kept compiled, as under
``PYTHONDONTWRITEBYTECODE``, it takes 0.01 s more.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.table import Row

_ROUNDS = 20
_GOAL = 0.12
_LIMIT = (
    "Modules are imported, little else: the interpreter with its packages' paths takes 0.02 to 0.03 s,"
    " typer 0.03 s, and the modules with the commands' options 0.02 s, at 3 GHz."
)


def taken(*arguments: str) -> tuple[float, float]:
    """Wall seconds and processor seconds of one Python process."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def rows(kodak: Path) -> Iterator[Row]:
    """Whole processes, taking turns with a Python that does nothing."""
    for work, arguments in (
        ("import bench", ("-c", "import bench")),
        ("--help", ("-m", "bench.cli", "--help")),
    ):
        pairs = [(taken(*arguments), taken("-c", "pass")) for _ in range(_ROUNDS)]
        ours, nothing = ([it[side][0] for it in pairs] for side in (0, 1))
        least = min(it[0][1] for it in pairs)
        seconds = statistics.median(ours)
        yield Row(
            f"`{work}`",
            f"{seconds:.3f} s, {least:.3f} s of a processor at least",
            f"{statistics.median(nothing):.3f} s, Python alone",
            f"{seconds:.3f} s",
            f"≤ {_GOAL} s",
            seconds <= _GOAL,
            "python -m tests.benchmarks startup",
            "" if seconds <= _GOAL else _LIMIT,
        )
