"""System calls that the standard library has no function for."""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from typing import Any


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


def prctl(operation: int, *values: Any) -> int:
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
