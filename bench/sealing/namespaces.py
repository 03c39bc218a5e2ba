"""Shared memory, mounts and a network that are this process's own, with nothing in them.

POSIX semaphores, which :mod:`multiprocessing` uses, need ``/dev/shm``: the process gets an empty one.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from bench.sealing.linux import checked, libc

_MOUNTS, _IPC, _USER, _NETWORK = 0x00020000, 0x08000000, 0x10000000, 0x40000000
_PRIVATE, _RECURSIVE, _NO_DEVICES, _NO_SETUID = 1 << 18, 1 << 14, 1 << 2, 1 << 1
SHARED_MEMORY = Path("/dev/shm")


def leave(*, network: bool = True) -> bool:
    """Leave those of the machine for new ones; whether the system lets a process do that.

    Only for a process with one thread.

    Parameters
    ----------
    network : that too
    """
    user, group = os.getuid(), os.getgid()
    try:
        checked(libc().unshare(_USER | _MOUNTS | _IPC | (_NETWORK if network else 0)))
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            Path("/proc/self", name).write_text(text)
        _mount(None, "/", None, _PRIVATE | _RECURSIVE)
        _mount("tmpfs", str(SHARED_MEMORY), "tmpfs", _NO_DEVICES | _NO_SETUID)
    except (OSError, AttributeError):
        return False
    return True


def _mount(source: str | None, target: str, kind: str | None, flags: int) -> None:
    given = (None if it is None else it.encode() for it in (source, target, kind))
    checked(libc().mount(*given, ctypes.c_ulong(flags), None))
