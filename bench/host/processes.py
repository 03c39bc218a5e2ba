"""How processes that run codecs are started and ended."""

from __future__ import annotations

import contextlib
import os
import signal

THREADS = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMBA_NUM_THREADS",
    ),
    "1",
)
"""One worker is one thread: libraries that start their own make parallel runs slower and times unfair."""


def kill_group(pid: int) -> None:
    """Kill a process, which may have changed its group, and all that is in the group."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)
