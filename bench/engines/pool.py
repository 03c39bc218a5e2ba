"""The parent's side of the workers: asking with a deadline, and telling how one died."""

from __future__ import annotations

import fcntl
import os
import signal
import tempfile
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from bench.codec import Image
from bench.engines.messages import Failed
from bench.engines.samples import SampleFile, read_samples
from bench.engines.zygote import Zygote, kill_group
from bench.record import Status

_STDERR_TAIL = 2000


@dataclass(frozen=True)
class Limits:
    """What one request to a worker may cost."""

    timeout: float = 300.0
    """Seconds."""
    memory: int = 0
    """Bytes of private memory of a worker process; 0 for no limit."""
    cpu: int = -1
    """The processor that workers are pinned to; -1 for any."""


@dataclass(frozen=True)
class Died:
    """A worker that ended, or was ended, in the middle of a request."""

    status: Status
    message: str
    signal: int | None
    stderr: str


class Worker:
    """One worker process, started when first needed and replaced after a death."""

    def __init__(self, zygote: Zygote, limits: Limits, samples: int | None = None) -> None:
        """``samples`` is the descriptor for decoded samples; by default the worker has a file of its own."""
        self._zygote = zygote
        self._limits = limits
        self._own_samples = SampleFile() if samples is None else None
        self._samples = self._own_samples.writable if self._own_samples else samples
        self._stderr = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by close()
        # The worker shares the file's position; appending keeps reads here and writes there apart.
        fcntl.fcntl(self._stderr, fcntl.F_SETFL, os.O_APPEND)
        self._pid: int | None = None
        self._connection: Connection | None = None

    def ask(self, request: Any) -> Any:
        """Send a request and wait for the answer.

        Returns the worker's answer, :class:`~bench.engines.messages.Failed`, or :class:`Died`.
        """
        try:
            connection = self._started()
            connection.send(request)
            answer = self._receive(connection, self._limits.timeout * _calls(request))
        except (EOFError, ConnectionError):
            return self._post_mortem()
        if isinstance(answer, Failed) and answer.status == "oom" and self._pid is not None:
            # what a codec holds on to would be taken from the next one
            kill_group(self._pid)
            self._reap()
        return answer

    def samples(self, shape: tuple[int, ...]) -> Image:
        """The picture that this worker decoded last."""
        assert self._samples is not None
        return read_samples(self._samples, shape)

    def stderr(self) -> str:
        """The last lines that the codec printed since the last request."""
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - _STDERR_TAIL))
        return self._stderr.read().decode(errors="replace").strip()

    def kill(self) -> None:
        """Kill the process at once; safe from any thread. Whoever waits for an answer sees it die."""
        if (pid := self._pid) is not None:
            kill_group(pid)

    def close(self) -> None:
        """End the process."""
        if self._pid is not None:
            kill_group(self._pid)
            self._reap()
        self._stderr.close()
        if self._own_samples is not None:
            self._own_samples.close()

    def _started(self) -> Connection:
        if self._connection is None:
            assert self._samples is not None
            files = (self._stderr.fileno(), self._samples)
            self._pid, self._connection = self._zygote.fork(
                files, memory=self._limits.memory, cpu=self._limits.cpu
            )
        if self._stderr.seek(0, os.SEEK_END):
            self._stderr.truncate(0)
        return self._connection

    def _receive(self, connection: Connection, timeout: float) -> Any:
        if connection.poll(timeout):
            return connection.recv()
        assert self._pid is not None
        kill_group(self._pid)
        stderr = self.stderr()
        self._reap()
        return Died("timeout", f"no result within {timeout:g} s", None, stderr)

    def _post_mortem(self) -> Died:
        stderr = self.stderr()
        assert self._pid is not None
        code = self._reap()
        if code == -signal.SIGKILL:
            return Died("oom", "killed by the system, most likely for want of memory", -code, stderr)
        if code == -signal.SIGABRT and "std::bad_alloc" in stderr:
            return Died("oom", "a library ended the process for want of memory", -code, stderr)
        if code < 0:
            return Died("crash", f"the process died of {_signal(-code)}", -code, stderr)
        return Died("crash", f"the process ended by itself with exit code {code}", None, stderr)

    def _reap(self) -> int:
        assert self._pid is not None
        assert self._connection is not None
        pid, self._pid = self._pid, None
        self._connection.close()
        self._connection = None
        kill_group(pid)  # children of a worker that died are in its group
        return self._zygote.wait(pid)


def _calls(request: Any) -> int:
    """How often a request runs the codec; the limit of time is for one."""
    repeat = getattr(request, "repeat", None)
    return 1 if repeat is None else max(1, repeat.warmup + repeat.samples)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"  # a real-time one has no name


class Slot:
    """The two workers that a trial visits: nothing but the bitstream passes from the one to the other."""

    def __init__(self, zygote: Zygote, limits: Limits) -> None:
        self._samples = SampleFile()
        self.encoder = Worker(zygote, limits, self._samples.readable)
        self.decoder = Worker(zygote, limits, self._samples.writable)

    def kill(self) -> None:
        """Kill both processes at once; safe from any thread."""
        self.encoder.kill()
        self.decoder.kill()

    def close(self) -> None:
        """End both processes."""
        self.encoder.close()
        self.decoder.close()
        self._samples.close()
