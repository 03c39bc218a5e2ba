"""Memory of processes: of this one since a moment of choice, and of a worker with all that it started.

Linux tells, others do not.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress
from pathlib import Path

from bench.host.processes import tree


def reset_peak() -> bool:
    """Let :func:`peak` count from now on; whether it can.

    What the allocator keeps of memory that was freed is given back first, so that a peak is not that of
    something larger that came before.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
    if trim is not None:
        trim(0)
    try:
        Path("/proc/self/clear_refs").write_bytes(b"5")
    except OSError:
        return False
    return True


def peak(pid: int) -> int | None:
    """Most bytes that a process had resident since it called :func:`reset_peak`."""
    return _fields(pid).get("VmHWM")


def resident(pid: int) -> int | None:
    """Bytes that a process has resident, libraries included."""
    return _fields(pid).get("VmRSS")


def used(pid: int) -> int | None:
    """Bytes of memory that a process and its descendants hold, shared mappings included and files not.

    Pages that several of them share count once where the sum would matter; None where the system does not
    tell, or the process has ended.
    """
    try:
        found = [_fields(it) for it in tree(pid)]
    except OSError:
        return None
    return sum(it.get("RssAnon", 0) + it.get("RssShmem", 0) for it in found)


def over(pid: int, limit: int) -> bool:
    """Whether a process and its descendants hold more than ``limit`` bytes, as far as is told."""
    if (used(pid) or 0) <= limit:
        return False
    with suppress(OSError):
        # What processes share was counted in each of them; exact, and slower.
        return sum(map(_proportional, tree(pid))) > limit
    return False


def _fields(process: int) -> dict[str, int]:
    """Sizes in /proc/PID/status, in bytes; empty where there are none."""
    sizes = {}
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.startswith(("Vm", "Rss")) and value.endswith(
                " kB"
            ):  # others may be a process's own words
                sizes[name] = int(value[:-3]) * 1024
    return sizes


def _proportional(pid: int) -> int:
    """A process's share of the memory that it maps, files left out."""
    sizes = dict.fromkeys(("Pss_Anon:", "Pss_Shmem:"), 0)
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            name, *rest = line.split()
            if name in sizes:
                sizes[name] = int(rest[0]) * 1024
    return sum(sizes.values())
