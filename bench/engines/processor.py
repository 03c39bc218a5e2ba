"""The share of the processor that timed work had: other processes make its times longer, and don't say so."""

from __future__ import annotations

import resource
import time


def processor_seconds() -> float:
    """Processor time of this process so far, and of the processes that it started and waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
