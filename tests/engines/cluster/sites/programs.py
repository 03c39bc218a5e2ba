"""The programs of a site: started, watched, and ended together."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.conftest import marked, until

MARK = "RDBENCH_TEST_MARK"
"""The variable that `tests.conftest.marked` looks for."""

SHOWN_LINES = 60
"""Of each log, at the end; pytest shows them where a test failed."""


class Programs:
    """Starts programs that write their logs into ``folder``, and leaves none of them behind.

    Whatever they start inherits a mark in the environment. So even what left its parent, as daemons and jobs
    of a queue do, is found and killed at the end; the test then fails, since a user's machine would keep it.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.mark = uuid.uuid4().hex
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(
        self, name: str, *line: str | Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a program; ``name`` is that of its log, and of its successor after it ended."""
        with self.log(name).open("ab") as log:
            process = subprocess.Popen(
                list(map(str, line)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {}), MARK: self.mark},
                start_new_session=True,
            )
        self._running[name] = process
        return process

    def log(self, name: str) -> Path:
        """Where a program's output goes."""
        return self.folder / f"{name}.log"

    def close(self) -> None:
        """End all, politely at first, in reverse order; show the logs.

        Raises
        ------
        AssertionError
            Something outlived the program that started it.
        """
        for process in reversed(self._running.values()):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for name in self._running:
            lines = self.log(name).read_text(errors="replace").splitlines()
            print(f"--- {name}", *lines[-SHOWN_LINES:], sep="\n")
        try:
            until(lambda: not marked(self.mark), 10)
        except AssertionError:
            left = marked(self.mark)
            for pid in left:
                kill(pid)
            raise AssertionError(f"left running: {left}") from None


def kill(pid: int) -> None:
    """Kill a process, if it still runs."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def free_ports(number: int) -> list[int]:
    """Ports of loopback that nobody listens on, for programs that cannot choose one themselves."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [it.getsockname()[1] for it in sockets]
    for it in sockets:
        it.close()
    return ports
