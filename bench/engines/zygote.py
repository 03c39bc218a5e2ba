"""A small process that forks workers: the interpreter and the kernels are loaded once, not once a worker.

The parent starts ``python -m bench.engines.zygote`` and talks to it over a socket. For each worker it
passes three descriptors: the worker's end of a connection, a file for its standard error, and the file
for decoded samples. The zygote forks; the child leads a process group of its own, so that killing the
group takes along what the codec started. When the parent dies, however abruptly, the zygote kills every
group and ends: nothing is orphaned.

Forking is safe because the zygote has one thread and imports no adapter, no torch and no CUDA.
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from multiprocessing.connection import Connection, Pipe
from typing import NoReturn, Self

from bench.engines import kernel_cache
from bench.engines.scratch import Scratch

_FORK, _WAIT = b"F", b"W"
_REQUEST = struct.Struct("<cqi")  # operation, pid or memory limit in bytes (0: none), CPU or -1
_ANSWER = struct.Struct("<q")

THREADS = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMBA_NUM_THREADS",
    ),
    "1",
)
"""One worker is one thread: libraries that start their own make parallel runs slower and times unfair."""

ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": str(1 << 28), "MALLOC_TRIM_THRESHOLD_": str(1 << 28)}
"""glibc keeps picture-sized buffers instead of returning them: fresh pages cost a tenth of all time."""


class Zygote:
    """The parent's handle of the forking process. Safe to use from several threads."""

    def __init__(self, environment: Mapping[str, str] = THREADS | ALLOCATOR) -> None:
        kernel_cache.provide()
        self._lock = threading.Lock()
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.engines.zygote", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=os.environ | dict(environment),
                stdin=subprocess.DEVNULL,
                # Ctrl-C belongs to the parent, which then ends its workers in order.
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fork(self, files: tuple[int, int], *, memory: int = 0, cpu: int = -1) -> tuple[int, Connection]:
        """Start a worker: its process id, which is its group's too, and the connection to it.

        ``files`` are the descriptors for its standard error and for decoded samples.
        """
        ours, theirs = Pipe()
        with self._lock, theirs:
            request = _REQUEST.pack(_FORK, memory, cpu)
            socket.send_fds(self._socket, [request], [theirs.fileno(), *files])
            return self._answer(), ours

    def wait(self, pid: int) -> int:
        """Exit code of a worker that has ended; negative for a signal, as :mod:`subprocess` has it."""
        with self._lock:
            self._socket.sendall(_REQUEST.pack(_WAIT, pid, -1))
            return os.waitstatus_to_exitcode(self._answer())

    def close(self) -> None:
        """End the zygote and with it every worker."""
        self._socket.close()
        self._process.wait()

    def _answer(self) -> int:
        data = self._socket.recv(_ANSWER.size, socket.MSG_WAITALL)
        if len(data) < _ANSWER.size:
            raise RuntimeError("the process that starts workers has ended; see its message above")
        return int(_ANSWER.unpack(data)[0])


def kill_group(pid: int) -> None:
    """Kill a worker and everything that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _main(descriptor: int) -> None:
    from bench.metrics import preload

    control = socket.socket(fileno=descriptor)
    preload()
    gc.freeze()  # no collection in a worker walks, and thereby copies, what all of them share
    children: set[int] = set()
    with Scratch() as scratch:
        with contextlib.suppress(ConnectionError):  # the parent died, or gave up, while it was being answered
            _answer_requests(control, children, scratch)
        for pid in children:
            kill_group(pid)
        for pid in children:
            os.waitpid(pid, 0)


def _answer_requests(control: socket.socket, children: set[int], scratch: Scratch) -> None:
    """Fork and wait as told until the parent closes its end; ``children`` are those that may still run."""
    from bench.engines import worker

    while True:
        data, descriptors, _, _ = socket.recv_fds(control, _REQUEST.size, 3)
        if len(data) < _REQUEST.size:
            return
        operation, number, cpu = _REQUEST.unpack(data)
        if operation == _WAIT:
            children.discard(number)
            status = os.waitpid(number, 0)[1]
            scratch.clear(number)
            control.sendall(_ANSWER.pack(status))
            continue
        pid = os.fork()
        if pid == 0:
            control.close()
            connection, stderr, samples = descriptors
            for it in descriptors:
                os.set_inheritable(it, False)  # what the codec starts must not keep the connection open
            _become_worker(stderr, number, cpu)
            scratch.enter()
            # The connection must close with the process, not before: the parent tells a death by it.
            _serve_and_exit(partial(worker.serve, Connection(connection), samples))
        for it in descriptors:
            os.close(it)
        with contextlib.suppress(PermissionError, ProcessLookupError):
            os.setpgid(pid, pid)  # here too: the parent may want to kill the group at once
        children.add(pid)
        control.sendall(_ANSWER.pack(pid))


def _serve_and_exit(serve: Callable[[], None]) -> NoReturn:
    """Exit at once when served: an adapter's finalisers must not turn a finished worker into a crash."""
    code = 1
    try:
        serve()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        os._exit(code & 0xFF)


def _become_worker(stderr: int, memory: int, cpu: int) -> None:
    os.setpgid(0, 0)
    # What a codec prints, from Python or from C, is kept for the record, away from the terminal.
    os.dup2(stderr, 1)
    os.dup2(stderr, 2)
    os.close(stderr)
    if memory:
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if cpu >= 0 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {cpu})


if __name__ == "__main__":
    _main(int(sys.argv[1]))
