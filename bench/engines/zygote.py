"""A small process that forks workers: the interpreter and the kernels are loaded once, not once a worker.

The parent starts ``python -m bench.engines.zygote`` and talks to it over a socket. For each worker it
passes three descriptors: the worker's end of a connection, a file for its standard error, and the file
for decoded samples. The zygote forks; the child leads a process group of its own, so that killing the
group takes along what the codec started. What left the group (a daemon, ``setsid``) is reparented to the
zygote when its worker dies, and killed there. When the parent dies, however abruptly, the zygote kills
every worker and ends: nothing is orphaned. When the zygote dies, its workers die with it.

A worker that is to be sealed is forked apart, see :mod:`bench.sealing.namespaces`: there nothing can leave.

Forking is safe because the zygote has one thread and imports no adapter, no torch and no CUDA.
"""

from __future__ import annotations

import contextlib
import errno
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
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import NoReturn, Self

from bench.engines.channel import Channel
from bench.engines.scratch import Scratch
from bench.errors import WorkersLost
from bench.host import kernel_cache
from bench.host.processes import THREADS, allowed, kill_group, thread_limits
from bench.host.processor import processors_for_timing
from bench.sealing.linux import Prctl, prctl
from bench.sealing.namespaces import fork_apart
from bench.sealing.seal import lacking, try_to_seal

_FORK, _WAIT, _SEAL = b"F", b"W", b"S"
_EXHAUSTED = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE})
_FILES = 3
"""That come with a request to fork: of the connection, for standard error, for decoded samples."""
_REQUEST = struct.Struct("<cqi???")
"""Operation, pid or bytes of memory (0: no limit), threads, whether pinned, to be sealed, with numba."""
_ANSWER = struct.Struct("<q")
"""Pid, status, or the negative number of an error."""
_PATIENCE, _FAREWELL = 300.0, 20.0
"""Seconds that the zygote has for an answer, compiling its kernels included, and for ending its workers."""
_MOST_FILES = 4096
"""That a worker, and each process that its codec starts, may have open: the system's are for all."""

ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": str(1 << 28), "MALLOC_TRIM_THRESHOLD_": str(1 << 28)}
"""glibc keeps picture-sized buffers instead of returning them: fresh pages cost a tenth of all time."""


class Zygote:
    """The parent's handle of the forking process. Safe to use from several threads."""

    def __init__(self, environment: Mapping[str, str] = THREADS | ALLOCATOR) -> None:
        kernel_cache.provide()
        self._lock = threading.Lock()
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(_PATIENCE)
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

    def fork(
        self,
        files: tuple[int, int],
        *,
        memory: int = 0,
        threads: int = 1,
        pinned: bool = False,
        apart: bool = False,
        numba: bool = False,
    ) -> tuple[int, socket.socket]:
        """Start a worker: its process id, which is its group's too, and the connection to it.

        Parameters
        ----------
        files : descriptors for its standard error and for decoded samples
        memory : bytes of private memory, and of any file, that it may have; 0 for no limit
        threads : that its libraries may use
        pinned : whether it is pinned to as many processors
        apart : whether it can name no other process, and can be sealed
        numba : whether it runs kernels of numba, which is then loaded once for all such workers

        Raises
        ------
        OSError
            The system has no process, or no open file, left for it.
        WorkersLost
            The zygote has ended.
        """
        ours, theirs = socket.socketpair()
        try:
            with self._lock, theirs:
                request = _REQUEST.pack(_FORK, memory, threads, pinned, apart, numba)
                pid = self._answer(request, (theirs.fileno(), *files))
            if pid < 0:
                raise OSError(-pid, os.strerror(-pid))
        except BaseException:
            ours.close()
            raise
        return pid, ours

    def wait(self, pid: int) -> int:
        """Exit code of a worker that has ended; negative for a signal, as :mod:`subprocess` has it.

        What it started is killed, wherever that has gone to.

        Raises
        ------
        WorkersLost
            The zygote has ended.
        """
        with self._lock:
            return os.waitstatus_to_exitcode(self._answer(_REQUEST.pack(_WAIT, pid, 1, False, False, False)))

    def can_seal(self) -> bool:
        """Whether workers can be sealed here: the zygote has a process try, which takes no interpreter.

        Raises
        ------
        OSError
            There is no memory, process or file left to try it with.
        WorkersLost
            The zygote has ended.
        """
        if lacking():
            return False
        with self._lock:
            found = self._answer(_REQUEST.pack(_SEAL, 0, 1, False, False, False))
        if -found in _EXHAUSTED:
            raise OSError(-found, os.strerror(-found))
        return found == 0

    def close(self) -> None:
        """End the zygote and with it every worker."""
        self._socket.close()
        try:
            self._process.wait(_FAREWELL)
        except subprocess.TimeoutExpired:  # somebody stopped it
            self._process.kill()
            self._process.wait()

    def _answer(self, request: bytes, files: tuple[int, ...] = ()) -> int:
        try:
            socket.send_fds(self._socket, [request], files)
            data = self._socket.recv(_ANSWER.size, socket.MSG_WAITALL)
        except TimeoutError:
            raise self._lost(f"has not answered for {_PATIENCE:g} s") from None
        except OSError:
            data = b""
        if len(data) < _ANSWER.size:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
            code = self._process.returncode
            how = f"was killed by signal {-code}" if code and code < 0 else f"has ended (exit code {code})"
            raise self._lost(how)
        return int(_ANSWER.unpack(data)[0])

    @staticmethod
    def _lost(what: str) -> WorkersLost:
        return WorkersLost(
            f"the process that starts workers {what}, and nothing more can be measured; the same command"
            " goes on from here"
        )


def _main(descriptor: int) -> None:
    control = socket.socket(fileno=descriptor)
    prctl(Prctl.SET_CHILD_SUBREAPER, 1)
    _load(_load_worker)
    workers: dict[int, int] = {}
    with Scratch() as scratch:
        with contextlib.suppress(ConnectionError):  # the parent died, or gave up, while it was being answered
            _answer_requests(control, workers, scratch)
        for pid in workers:
            kill_group(pid)
        for pid, first in workers.items():
            os.waitpid(pid, 0)
            _end_namespace(first)
        _kill_strays({})


def _load_worker() -> None:
    from bench.engines import worker  # noqa: F401
    from bench.metrics import preload

    preload()


def _load(what: Callable[[], None]) -> None:
    """Load what all workers share. It stays: no collection is to walk, and thereby copy, any of it."""
    gc.disable()
    what()
    gc.freeze()
    gc.enable()


def _answer_requests(control: socket.socket, workers: dict[int, int], scratch: Scratch) -> None:
    """Fork and wait as told until the parent closes its end.

    ``workers`` are those that may still run, with the first process of the namespace of each, or 0.
    """
    from bench.engines import worker

    while True:
        data, descriptors, _, _ = socket.recv_fds(control, _REQUEST.size, _FILES)
        if len(data) < _REQUEST.size:
            return
        operation, number, threads, pinned, apart, numba = _REQUEST.unpack(data)
        if operation == _WAIT:
            first = workers.pop(number)
            status = os.waitpid(number, 0)[1]
            _end_namespace(first)
            _kill_strays(workers)
            scratch.clear(number)
            control.sendall(_ANSWER.pack(status))
            continue
        if operation == _SEAL:
            control.sendall(_ANSWER.pack(_tried()))
            continue
        if numba and "numba" not in sys.modules:
            _load(kernel_cache.load_numba)
        zygote = os.getpid()
        try:
            if len(descriptors) < _FILES:
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            pid, first = fork_apart() if apart else (os.fork(), 0)
        except OSError as error:  # others may have taken all that there is, and give it back
            for file in descriptors:
                os.close(file)
            control.sendall(_ANSWER.pack(-(error.errno or errno.EAGAIN)))
            continue
        if pid == 0:
            control.close()
            connection, stderr, samples = descriptors
            for file in descriptors:
                os.set_inheritable(file, False)  # what the codec starts must not keep the connection open
            _become_worker(None if apart else zygote, stderr, number)
            _close_all_but({0, 1, 2, connection, samples})
            _limit_threads(threads, pinned)
            scratch.enter(apart=apart)
            # The connection must close with the process, not before: the parent tells a death by it.
            _serve_and_exit(partial(worker.serve, Channel(socket.socket(fileno=connection)), samples))
        for file in descriptors:
            os.close(file)
        with contextlib.suppress(PermissionError, ProcessLookupError):
            os.setpgid(pid, pid)  # here too: the parent may want to kill the group at once
        workers[pid] = first
        control.sendall(_ANSWER.pack(pid))


def _tried() -> int:
    """0 where a process can be sealed, and the negative number of what kept one from trying.

    What those that try say is for nobody, see :func:`obstacle`.
    """
    try:
        with contextlib.ExitStack() as stack:
            said = os.dup(2)
            stack.callback(os.close, said)
            null = os.open(os.devnull, os.O_WRONLY)
            stack.callback(os.close, null)
            os.dup2(null, 2)
            stack.callback(os.dup2, said, 2)
            return min(1, abs(try_to_seal()))
    except OSError as error:
        return -(error.errno or 1)


def _end_namespace(first: int) -> None:
    """Kill the first process of a namespace of processes, and with it all that is in there."""
    if first:
        with contextlib.suppress(ProcessLookupError):
            os.kill(first, signal.SIGKILL)
        os.waitpid(first, 0)


def _close_all_but(kept: Collection[int]) -> None:
    """Close what the zygote holds open for itself: a codec could write to it, and another could read it."""
    for name in os.listdir("/dev/fd"):
        if int(name) not in kept:
            with contextlib.suppress(OSError):  # the folder itself
                os.close(int(name))


def _kill_strays(workers: Mapping[int, int]) -> None:
    """Kill the children of this process that are no workers: what dead workers left behind.

    A worker is the reaper of its own descendants while it lives, so that none of them comes here before.
    Killing one may bring its children here.
    """
    try:
        children = Path(f"/proc/self/task/{os.getpid()}/children")
        known = {*workers, *workers.values()}
        while strays := {int(it) for it in children.read_text().split()} - known:
            for pid in strays:
                kill_group(pid)
            for pid in strays:
                os.waitpid(pid, 0)
    except OSError:
        return  # no Linux: process groups have to do


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


def _become_worker(zygote: int | None, stderr: int, memory: int) -> None:
    """``zygote`` is the parent; None where that can't be named, and its death is noticed already."""
    os.setpgid(0, 0)
    prctl(Prctl.SET_CHILD_SUBREAPER, 1)
    if zygote is not None:
        prctl(Prctl.SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != zygote:  # it died before this process asked to be told
            os._exit(1)
    # What a codec prints, from Python or from C, is kept for the record, away from the terminal.
    os.dup2(stderr, 1)
    os.dup2(stderr, 2)
    os.close(stderr)
    if memory:
        # Shared mappings are not part of it: the parent watches those. A file may be one in memory.
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
        resource.setrlimit(resource.RLIMIT_FSIZE, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    files = allowed(resource.RLIMIT_NOFILE, _MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))


def _limit_threads(count: int, pinned: bool) -> None:
    """What the codec imports starts as many threads, and those get as many processors to themselves."""
    if count > 1:
        os.environ.update(thread_limits(count))
    if pinned and (processors := processors_for_timing(count)):
        os.sched_setaffinity(0, processors)


if __name__ == "__mp_main__":  # in a process that a codec started by way of multiprocessing
    from bench.files.codec_files import FileFinder

    sys.meta_path.append(FileFinder)

if __name__ == "__main__":
    _main(int(sys.argv[1]))
