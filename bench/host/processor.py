"""The processors that this process may use, and the time that it had them."""

from __future__ import annotations

import math
import os
import resource
import time

from bench.host.quota import cpu_quota


def usable_processors() -> int:
    """How many processors this process may use, by its affinity and the quota of its control groups."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if (quota := cpu_quota()) is not None:
        count = min(count, max(1, math.ceil(quota)))
    return count


def processor_for_timing() -> int:
    """The processor for timed work: the last of those that this process may use; -1 where that is unknown."""
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else -1


def processor_seconds() -> float:
    """Processor time of this process so far, and of the processes that it started and waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
