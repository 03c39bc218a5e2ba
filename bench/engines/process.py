"""One worker process, asked with a deadline and a limit of memory; and how it died, where it did."""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import select
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from bench.codec import Samples
from bench.engines import memory
from bench.engines.channel import Channel, Oversized, Unasked
from bench.engines.engine import Answer, Spent
from bench.engines.messages import (
    LARGEST,
    Confine,
    Decoded,
    Encoded,
    Failed,
    Request,
    pack_request,
    unpack_answer,
)
from bench.engines.shared_pixels import SampleType, SharedPixels, read_samples
from bench.engines.zygote import Zygote
from bench.errors import WorkersLost
from bench.host.environment import memory_bytes
from bench.host.processes import TICK, kill_group, seconds_of_descendants
from bench.sealing.seal import View
from bench.trials.codec_ref import CodecRef
from bench.trials.measurement import FailureStatus

_STDERR_TAIL = 2000
_DYING = 5.0
"""Seconds from the end of a connection to the end of its process, with much memory to give back."""
_COMPILING = 300.0
"""Seconds that the kernels of a codec may take to compile, at the least."""
_LOOK_EVERY = 0.1
"""Seconds between two looks at the memory of a process that is at work."""


@dataclass(frozen=True)
class Limits:
    """What one request to a worker may cost."""

    timeout: float = 300.0
    """Seconds."""
    memory: int = 0
    """Bytes of memory of a worker process with all that it starts; 0 for no limit."""
    pinned: bool = False
    """Whether workers are pinned, to as many processors as their codec uses threads."""
    view: Callable[[CodecRef, tuple[str, ...]], View] | None = None
    """What the process of a codec, which needs so much, sees of the machine; None for everything."""


def share_of_memory(jobs: int = 1, memory: int | None = None) -> int:
    """Bytes for each of ``jobs`` workers: four fifths of ``memory``, or of the machine's, between them."""
    return (memory or memory_bytes()) * 4 // (5 * jobs)


class _Ended(Exception):
    """The process is no more, or no longer of use."""


class _TimedOut(_Ended):
    """It had no more time."""


class _TookMemory(_Ended):
    """It held more memory than its limit."""


class Process:
    """A worker process from its start to its death.

    Parameters
    ----------
    threads : that its codec may use
    apart : whether it is to be sealed
    numba : whether its codec may have kernels that numba compiles

    Raises
    ------
    WorkersLost
        It can't be started.
    """

    def __init__(
        self,
        zygote: Zygote,
        limits: Limits,
        threads: int = 1,
        *,
        apart: bool = False,
        numba: bool = False,
    ) -> None:
        self._zygote = zygote
        self._limits = limits
        self.spent = Spent()
        """On the last request."""
        self.view: View | None = None
        """What it sees of the machine; None for everything."""
        self.on_gpu = False
        self.numba = numba
        self.idle: int | None = None
        """Bytes that it had resident before it loaded its codec."""
        self.images: set[int] = set()
        """The numbers of the originals whose bitstreams it has decoded."""
        self._seen = 0
        """Most bytes resident that were seen during the last request."""
        self.resident = 0
        """Bytes that it held after the last request, as far as somebody looked."""
        with contextlib.ExitStack() as stack:
            self._samples = SharedPixels()
            stack.callback(self._samples.close)
            self._stderr = stack.enter_context(tempfile.TemporaryFile(buffering=0))
            # The worker shares the file's position; appending keeps reads here and writes there apart.
            fcntl.fcntl(self._stderr, fcntl.F_SETFL, os.O_APPEND)
            files = (self._stderr.fileno(), self._samples.writable)
            self.pid, end = zygote.fork(
                files,
                memory=limits.memory,
                threads=threads,
                pinned=limits.pinned,
                apart=apart,
                numba=numba,
            )
            self._channel = Channel(end, self._ready)
            stack.callback(self._channel.close)
            self._poll = select.poll()
            # The socket alone would not tell of a death while a child of the process holds its other end.
            self._death = os.pidfd_open(self.pid) if hasattr(os, "pidfd_open") else None
            if self._death is not None:
                stack.callback(os.close, self._death)
                self._poll.register(self._death, select.POLLIN)
            self._files = stack.pop_all()
        self._cpu_before: tuple[float, float] | None = None
        """Processor time when it last answered, where times are to be precise: what it works on while nobody
        asks is counted with the next request."""
        self._deadline = math.inf
        self._looked, self._looks = 0.0, 0
        """When it was last looked how much memory it has, and how often since it was asked."""
        self._ended = False

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return not self._ended

    @property
    def decoded(self) -> SharedPixels:
        """What this process decoded last; not to be trusted to stay as it is."""
        return self._samples

    def ask(self, request: Request[Answer], files: Sequence[int] = ()) -> Answer | Failed:
        """Send a request and wait for the answer.

        The limit of time is for one call of the codec. Where there is a warm-up, there may be one call more:
        to see what programs need.

        Raises
        ------
        ConfigError
            An option of the codec is no plain data.
        """
        data = pack_request(request)
        if self._stderr.seek(0, os.SEEK_END):
            self._stderr.truncate(0)
        repeat = getattr(request, "repeat", None)
        limit = self._limits.timeout
        if isinstance(request, Confine):  # kernels are compiled, which is not the codec's fault
            limit = max(limit, _COMPILING)
        timeout = limit * (1 if repeat is None else repeat.calls + bool(repeat.warmup))
        start, cpu = time.perf_counter(), self._cpu_before or self._cpu()
        self._deadline, self._seen, self._looked, self._looks = start + timeout, 0, start, 0
        try:
            if self._channel.unread():
                raise Unasked("bytes that nobody had asked for")
            self._channel.send(data, files)
            found, attached = self._channel.receive(LARGEST)
            for file in attached:
                os.close(file)
            now = self._cpu()
            if cpu is not None and now is None:
                return self._died(request, "crash", "the process ended while it answered")
            self._cpu_before = now if self._limits.pinned else None
            wall = time.perf_counter() - start
            answer = unpack_answer(request, found)
            self.spent = Spent(wall, _between(cpu, now), self._peak(answer))
        except _TimedOut:
            return self._died(request, "timeout", f"no result within {timeout:g} s")
        except _TookMemory:
            most = f"{self._limits.memory / 2**20:.0f} MiB"
            return self._died(request, "oom", f"more than {most} of memory, shared mappings included")
        except (Oversized, Unasked, msgspec.MsgspecError, ValueError, TypeError) as error:
            told = isinstance(error, msgspec.ValidationError | Unasked)
            status: FailureStatus = "mismatch" if told else "crash"
            return self._died(request, status, f"the process sent what is no answer ({str(error)[:200]})")
        except (_Ended, EOFError, ConnectionError):
            return self._post_mortem(request)
        if isinstance(answer, Failed):
            return msgspec.structs.replace(answer, signal=None, stderr=self.stderr())
        return answer

    def samples(self, shape: tuple[int, ...], dtype: SampleType = "uint8") -> Samples:
        """The picture that this worker decoded last."""
        return read_samples(self._samples.readable, shape, dtype)

    def stderr(self) -> str:
        """The last lines that the codec printed since the last request."""
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - _STDERR_TAIL))
        return self._stderr.read(_STDERR_TAIL).decode(errors="replace").strip()

    def kill(self) -> None:
        """Kill the process at once; safe from any thread. Whoever waits for an answer sees it die."""
        if not self._ended:
            kill_group(self.pid)

    def end(self) -> None:
        """End the process; what it printed can still be read."""
        if not self._ended:
            with contextlib.suppress(WorkersLost):  # it took its workers along
                self._reap()

    def close(self) -> None:
        """End the process and give its files back."""
        self.end()
        self._files.close()

    def _ready(self, events: int) -> None:
        """Wait until the connection is ready for ``select.POLLIN`` or ``select.POLLOUT``."""
        self._poll.register(self._channel.fileno(), events)
        while True:
            left = self._deadline - time.perf_counter()
            if left <= 0:
                raise _TimedOut
            step = min(left, _LOOK_EVERY) if self._limits.memory else left
            found = {it for it, _ in self._poll.poll(math.ceil(1000 * step))}
            # a process that answers byte by byte is looked at too
            if not found or time.perf_counter() - self._looked >= _LOOK_EVERY:
                self._look()
            if self._channel.fileno() in found:
                return
            if found:
                raise _Ended

    def _look(self) -> None:
        """See how much memory the process has."""
        self._looked = time.perf_counter()
        self._looks += 1
        if self._looks > 1:  # at the first one it may still hold what came before
            self._seen = max(self._seen, memory.resident(self.pid) or 0)
        if self._limits.memory and memory.over(self.pid, self._limits.memory):
            raise _TookMemory

    def _cpu(self) -> tuple[float, float] | None:
        """Seconds of processor time of the process so far, and of all that it started where times matter."""
        try:
            own = time.clock_gettime((~self.pid << 3) | 2)  # as glibc's clock_getcpuclockid
        except (OSError, AttributeError):
            return None
        return own, seconds_of_descendants(self.pid) if self._limits.pinned else 0.0

    def _peak(self, answer: Any) -> int | None:
        """Most memory beyond that of the idle process, where that is told of a codec's calls.

        A codec can have the system forget its peak.
        """
        if self.idle is None or not isinstance(answer, Encoded | Decoded) or not answer.took.counted:
            return None
        peak = memory.peak(self.pid)
        return None if peak is None else max(0, peak - self.idle, self._seen - self.idle)

    def _died(self, request: Request[Any], status: FailureStatus, message: str) -> Failed:
        stderr = self.stderr()
        self._reap()
        return Failed(status, request.phase, "", message, stderr=stderr)

    def _post_mortem(self, request: Request[Any]) -> Failed:
        if self._death is not None and not select.select([self._death], [], [], _DYING)[0]:
            return self._died(request, "crash", "the process closed the connection to the harness")
        stderr = self.stderr()
        code = self._reap()
        status: FailureStatus = "crash"
        if code == -signal.SIGKILL:
            status, message = "oom", "killed by the system, most likely for want of memory"
        elif code == -signal.SIGABRT and "std::bad_alloc" in stderr:
            status, message = "oom", "a library ended the process for want of memory"
        elif code < 0:
            message = f"the process died of {_signal(-code)}"
        else:
            message = f"the process ended by itself with exit code {code}"
        number = -code if code < 0 else None
        return Failed(status, request.phase, "", message, signal=number, stderr=stderr)

    def _reap(self) -> int:
        kill_group(self.pid)  # children of a worker that died are in its group
        try:
            return self._zygote.wait(self.pid)
        finally:
            self._ended = True


def _between(before: tuple[float, float] | None, after: tuple[float, float] | None) -> float | None:
    """Seconds of processor time; those of descendants are counted in ticks, which may be one too many."""
    if before is None or after is None:
        return None
    (own, others), (own_before, others_before) = after, before
    return own - own_before + max(0.0, others - others_before - TICK)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"  # a real-time one has no name
