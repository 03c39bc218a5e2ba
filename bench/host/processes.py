"""How processes that run codecs are started and ended."""

from __future__ import annotations

import contextlib
import os
import signal


def thread_limits(count: int) -> dict[str, str]:
    """Environment variables that give the libraries of a process as many threads."""
    names = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA")
    return dict.fromkeys(
        (*(f"{it}_NUM_THREADS" for it in names), "VECLIB_MAXIMUM_THREADS"),
        str(count),
    )


THREADS = thread_limits(1)
"""One worker is one thread unless its codec is given more: libraries that start their own make parallel runs
slower and times unfair."""


def kill_group(pid: int) -> None:
    """Kill a process, which may have changed its group, and all that is in the group."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)
