"""How processes that run codecs are started and ended."""

from __future__ import annotations

import contextlib
import os
import signal

_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
)


def thread_limits(count: int) -> dict[str, str]:
    """The environment that gives the libraries of a process as many threads."""
    return dict.fromkeys(_VARIABLES, str(count))


THREADS = thread_limits(1)
"""One worker is one thread unless its codec is given more: libraries that start their own make parallel runs
slower and times unfair."""


def kill_group(pid: int) -> None:
    """Kill a process, which may have changed its group, and all that is in the group."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)
