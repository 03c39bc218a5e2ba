"""Folders for temporary files of workers, removed by the process that outlives them.

A worker that is killed, for a timeout say, can't remove what its codec wrote. So the zygote has a folder
under the system's for temporary files, and in it each worker has one that ``TMPDIR`` names. The zygote
removes a worker's when it has ended, and its own when it ends itself.

A worker that is sealed has a file system in memory in the place of the zygote's folder, so that it sees no
other worker's, and nothing is to be removed.

Where the zygote is killed too, the next one on this machine removes what it left. It knows the dead by a
lock: a zygote holds one on a file in its folder, which the system gives up with it. The name of the machine
is part of the folder's, since a file system that several share may not share the locks.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Self

_LOCK = "lock"


class Scratch:
    """The zygote's folder; a context manager that removes it."""

    def __init__(self) -> None:
        machine = re.sub(r"[^A-Za-z0-9-]", "_", socket.gethostname())
        prefix = f"rdbench-scratch-{os.getuid()}-{machine}-"
        parent = Path(tempfile.gettempdir())
        for left in parent.glob(f"{prefix}*"):
            _remove_dead(left)
        while True:
            self.folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
            self._lock = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with contextlib.suppress(OSError):  # without locks nobody can find it dead
                fcntl.flock(self._lock, fcntl.LOCK_EX)
            if (self.folder / _LOCK).exists():
                return
            # Another process took it for dead before it was locked.
            os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)

    def enter(self, *, apart: bool = False) -> None:
        """In a worker: have temporary files of this process, and of what it starts, in its own folder.

        Parameters
        ----------
        apart : whether this folder itself is to be the worker's, once it is sealed
        """
        folder = self.folder
        if not apart:
            folder = self._of(os.getpid())
            folder.mkdir(mode=0o700)
        tempfile.tempdir = os.environ["TMPDIR"] = str(folder)

    def clear(self, pid: int) -> None:
        """Remove what a worker left that has ended."""
        shutil.rmtree(self._of(pid), ignore_errors=True)

    def _of(self, pid: int) -> Path:
        return self.folder / str(pid)


def _remove_dead(folder: Path) -> None:
    """Remove a folder whose lock nobody holds; one without a lock file is about to get one."""
    with contextlib.suppress(OSError):  # it is another user's, or gone, or in use
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)
