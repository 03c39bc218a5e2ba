"""Places of a machine that all Dask workers on it share, so that it does no more at a time than it may."""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
import time
from collections.abc import Callable, Iterator

_LOOK_EVERY = 0.05
"""Seconds between two looks for a free place."""
_NAMED = sys.platform == "linux"
"""Whether sockets can have names that no folder holds, and that end with the process."""


@contextlib.contextmanager
def place(name: str, count: int, wanted: Callable[[], bool]) -> Iterator[None]:
    """Have one of the places, when it is free; elsewhere than on Linux they are not counted.

    Parameters
    ----------
    name : of the places, for all processes on the machine
    count : how many there are
    wanted : whether to wait on
    """
    with socket.socket(socket.AF_UNIX) as own:
        while _NAMED and wanted() and not any(_taken(own, f"rdbench-{name}-{it}") for it in range(count)):
            time.sleep(_LOOK_EVERY)
        yield


def _taken(own: socket.socket, name: str) -> bool:
    try:
        own.bind(f"\0{name}")
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return False
    return True
