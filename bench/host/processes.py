"""How processes that run codecs are started and ended."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from pathlib import Path

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


TICK = 1 / os.sysconf("SC_CLK_TCK")
"""Seconds."""
THREADS = thread_limits(1)
"""One worker is one thread unless its codec is given more: libraries that start their own make parallel runs
slower and times unfair."""


def allowed(kind: int, wanted: int) -> int:
    """So much of a resource (``resource.RLIMIT_…``), or what the system lets this process have of it."""
    _, most = resource.getrlimit(kind)
    return wanted if most == resource.RLIM_INFINITY else min(wanted, most)


def tree(pid: int) -> list[int]:
    """A process and its descendants, as far as the system tells."""
    found, queue = [], [pid]
    while queue:
        found.append(queue.pop())
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{found[-1]}/task").iterdir():
                queue += map(int, (thread / "children").read_text().split())
    return found


def seconds_of_descendants(pid: int) -> float:
    """Processor time of all that a process started, ended or not, in steps of the system's clock tick."""
    ticks = 0
    for it in tree(pid):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = Path(f"/proc/{it}/stat").read_text(errors="replace").rpartition(")")[2].split()
            user, system, *of_children = map(int, fields[11:15])
            ticks += sum(of_children) if it == pid else user + system + sum(of_children)
    return ticks * TICK


def kill_group(pid: int) -> None:
    """Kill a process, which may have changed its group, and all that is in the group."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)
