"""System calls that the standard library has no function for."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any

_OPENAT2, _FROM_HERE, _NO_LINKS = 437, -100, 4  # the same on all architectures


class Prctl(IntEnum):
    """Operations of :func:`prctl`, as in ``linux/prctl.h``."""

    SET_PARENT_DEATH_SIGNAL = 1
    SET_DUMPABLE = 4
    SET_SECCOMP = 22
    SET_CHILD_SUBREAPER = 36
    SET_NO_NEW_PRIVS = 38


@cache
def libc() -> Any:
    """The C library, whose functions leave their error where :func:`checked` finds it."""
    return ctypes.CDLL(None, use_errno=True)


def checked(result: int) -> int:
    """The result of a call.

    Raises
    ------
    OSError
        It failed.
    """
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def prctl(operation: Prctl, *values: Any) -> int:
    """Ask Linux for something of this process; others have no such thing.

    Raises
    ------
    OSError
        It is refused.
    """
    if sys.platform != "linux":
        return 0
    given = [it if not isinstance(it, int) else ctypes.c_ulong(it) for it in values]
    return checked(libc().prctl(operation, *given, *[ctypes.c_ulong(0)] * (4 - len(given))))


def open_place(path: Path) -> int:
    """A descriptor by which a file or folder can be named, and not read: of what stands there, and no link.

    https://man7.org/linux/man-pages/man2/openat2.2.html, ``RESOLVE_NO_SYMLINKS``.

    Raises
    ------
    OSError
        There is none, or the path, or a folder above it, is a link: ``ELOOP``.
    """
    how = struct.pack("QQQ", os.O_PATH | os.O_CLOEXEC, 0, _NO_LINKS)
    place = ctypes.c_long(_FROM_HERE), os.fsencode(path), how, ctypes.c_size_t(len(how))
    file = int(libc().syscall(ctypes.c_long(_OPENAT2), *place))
    if file < 0:
        number = ctypes.get_errno()
        told = "is a link now, or below one" if number == errno.ELOOP else os.strerror(number)
        raise OSError(number, told, str(path))
    return file
