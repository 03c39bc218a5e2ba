"""The processors that this process may use, and the time that it had them."""

from __future__ import annotations

import math
import os
import resource
import time
from contextlib import suppress
from pathlib import Path

from bench.host.quota import cpu_quota


def usable_processors() -> int:
    """How many processors this process may use, by its affinity and the quota of its control groups."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if (quota := cpu_quota()) is not None:
        count = min(count, max(1, math.ceil(quota)))
    return count


def processor_for_timing() -> int:
    """The processor for timed work: the last of those that this process may use; -1 where that is unknown."""
    return next(iter(processors_for_timing(1)), -1)


def processors_for_timing(count: int) -> tuple[int, ...]:
    """The processors for timed work of several threads, :func:`processor_for_timing` first.

    Each is on a core of its own as far as there are as many. Fewer than ``count`` where this process may use
    no more; none where that is unknown.
    """
    if not hasattr(os, "sched_getaffinity"):
        return ()
    usable = sorted(os.sched_getaffinity(0), reverse=True)
    cores = sorted({_siblings(it): it for it in reversed(usable)}.values(), reverse=True)
    return (*cores, *(it for it in usable if it not in cores))[:count]


def _siblings(processor: int) -> str:
    """What the processors of one core have in common."""
    with suppress(OSError):
        folder = Path(f"/sys/devices/system/cpu/cpu{processor}/topology")
        return (folder / "thread_siblings_list").read_text()
    return str(processor)


def processor_seconds() -> float:
    """Processor time of this process so far, and of the processes that it started and waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
