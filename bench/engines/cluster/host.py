"""rdbench on a Dask worker: a local engine, its slots, and the files that work reads."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import fcntl
import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Coroutine, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

import msgspec

from bench.engines.cluster.files import Absent, Files
from bench.engines.cluster.parcels import Parcel, as_asked
from bench.engines.engine import Answer, EngineOptions, Machine, Spent, Task
from bench.engines.local import LocalEngine, default_jobs
from bench.engines.messages import Failed, Request
from bench.engines.shared_pixels import Original, SharedPixels
from bench.engines.slot import LocalSlot
from bench.errors import WorkersLost
from bench.host.environment import current
from bench.trials.codec_ref import CodecRef, Description

if TYPE_CHECKING:
    from bench.engines.worker_handle import WorkerHandle

T = TypeVar("T")
Content: TypeAlias = Mapping[str, tuple[Path, bytes | None]]

MOST_LOST = 3
"""Workers that a piece of work may take with it."""
_LOOK_EVERY = 0.05
"""Seconds between two looks for a free place on a machine."""


@dataclass
class ChunkResult:
    """What became of a chunk of work on a host."""

    results: list[Any] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    """Places in the chunk of what was not done, for want of time or of a file."""
    absent: dict[str, Path] = field(default_factory=dict)
    """Files that have to be brought, by their SHA-256."""
    lost: int = 0
    """Workers that were lost with this chunk before; then nothing of it was done, unless it was one piece."""
    broke: bool = False
    """The first one of what is left ended the process that starts the codecs' processes."""
    worker: str = ""
    """Address of the one that did it."""


class HostGone(Exception):
    """The worker has no host any more: it was started anew, or the client has gone."""


def work_there(
    name: str, key: str, pieces: Sequence[Any], content: Content, seconds: float, lost: int
) -> ChunkResult:
    """Do a chunk of work on the host of this worker; Dask's task.

    Parameters
    ----------
    name : of the engine
    key : of the task
    pieces, content, seconds : as of :meth:`Host.work`
    lost : workers that were lost with other chunks that had these pieces

    Raises
    ------
    HostGone
        Somewhere else it may be done.
    """
    from distributed import get_worker

    worker = get_worker()
    host = getattr(worker.plugins.get(name), "host", None)
    if host is None:
        raise HostGone
    begin = getattr(worker.scheduler, f"begin-{name}")
    lost += sync(worker, begin(key=key, worker=worker.contact_address))
    found: ChunkResult = host.work(pieces, content, seconds, lost)
    found.worker = str(worker.contact_address)
    return found


def keep_there(name: str, path: Path, sha256: str, content: bytes) -> None:
    """Put a file at the host of this worker that codecs need; Dask's task."""
    from distributed import get_worker

    plugin: Any = get_worker().plugins[name]
    plugin.host.keep(path, sha256, content)


class Host:
    """What runs codecs on one Dask worker.

    Parameters
    ----------
    worker : of Dask
    name : of the engine that it serves
    timeout : seconds that one encode, decode or scoring may take
    alone : for times: one piece at a time on this machine, whichever worker has it
    jobs : pieces at a time on this machine; None for one on each of the worker's threads
    """

    def __init__(self, worker: Any, name: str, timeout: float, *, alone: bool, jobs: int | None) -> None:
        self._worker = worker
        self._name = name
        self._options = EngineOptions(1 if alone else jobs, timeout, alone)
        self._folder = Path(tempfile.mkdtemp(prefix="rdbench-host-"))
        self._files = Files(self._folder)
        self._parcels: dict[CodecRef, Parcel] = {}
        self._nowhere: set[str] = set()
        """Files that the client does not have either."""
        self._lock = threading.Lock()
        self._engine = self._started()
        self._slots: list[HostSlot] = []
        self._free: list[HostSlot] = []
        self._busy: set[HostSlot] = set()
        self._changed = threading.Condition()
        self._task: Task[Any, Any] | None = None

    def close(self) -> None:
        """End everything, what goes on included."""
        self._end_slots()
        self._engine.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def machine(self) -> Machine:
        """The machine, with as many jobs as this worker can do at a time."""
        threads = self._worker.state.nthreads
        return Machine(current(), min(self._options.jobs or threads, threads), socket.gethostname())

    def lacking(self, files: Sequence[tuple[Path, str]]) -> list[tuple[Path, str]]:
        """Which files, by their path at the client and their SHA-256, are not here."""
        return [(path, sha256) for path, sha256 in files if self._files.find(path, sha256) is None]

    def keep(self, path: Path, sha256: str, content: bytes) -> None:
        """Put a file here that codecs need."""
        self._files.keep(path, sha256, content, always=True)

    def describe(self, request: Request[Answer], parcel: Parcel) -> Answer | Failed:
        """Answer a request about a codec, a metric or the GPU.

        Parameters
        ----------
        parcel : what the codec needs, which is here
        """
        with self._lock:
            codec = getattr(request, "codec", None)
            if not isinstance(codec, CodecRef):
                return self._engine.describe(request)
            self._parcels[codec] = parcel
            local = self.here(codec)
            answer = self._engine.describe(msgspec.structs.replace(request, codec=local))
            if isinstance(answer, Description):
                return cast("Answer", as_asked(answer, codec, local))
            return answer

    def open(self, task: Task[Any, Any], parcels: Mapping[CodecRef, Parcel], on_gpu: bool) -> Machine:
        """Start the slots for a run; from now on the worker is given work.

        Parameters
        ----------
        task : what is done with each piece
        parcels : what the codecs need, which is here
        on_gpu : whether any codec or metric is there
        """
        self._end_slots()
        self._parcels |= parcels
        machine = self.machine()
        jobs = min(machine.jobs, default_jobs(on_gpu=True)) if on_gpu else machine.jobs
        self._task = task
        self._slots = [self._slot(jobs) for _ in range(jobs)]
        self._free = [*self._slots]
        self._offer(jobs)
        return dataclasses.replace(machine, jobs=jobs)

    def stop(self) -> None:
        """End the slots, and what goes on in them, at once."""
        self._offer(0)
        self._end_slots()

    def work(self, pieces: Sequence[Any], content: Content, seconds: float, lost: int) -> ChunkResult:
        """Do a chunk of work, as far as it goes.

        Parameters
        ----------
        pieces : what to do; not empty
        content : files that were brought, by their SHA-256: the path at the client, and the bytes, or None
            where the client has none either
        seconds : after which no further piece is begun
        lost : workers that were lost with this chunk; where it has several pieces nothing is done then, since
            one of them may have been the cause
        """
        if lost and (len(pieces) > 1 or lost >= MOST_LOST):
            return ChunkResult(left=[*range(len(pieces))], lost=lost)
        for sha256, (path, brought) in content.items():
            if brought is None:
                self._nowhere.add(sha256)
            else:
                self._files.keep(path, sha256, brought)
        with self._place(), self._taken(pieces[0].image) as slot:
            found = self._done(pieces, slot, time.monotonic() + seconds)
        found.lost = lost
        return found

    def here(self, codec: CodecRef) -> CodecRef:
        """How a codec of the client is constructed on this machine."""
        parcel = self._parcels.get(codec)
        return codec if parcel is None else parcel.here(codec, self._files)

    def file(self, path: Path, sha256: str) -> Path:
        """As of :meth:`bench.engines.engine.Slot.file`.

        Raises
        ------
        Absent
            It has to be brought first.
        """
        found = self._files.find(path, sha256)
        if found is None and sha256 not in self._nowhere:
            raise Absent(path, sha256)
        return found or path

    def _done(self, pieces: Sequence[Any], slot: HostSlot, end: float) -> ChunkResult:
        found, task = ChunkResult(), self._task
        for place, piece in enumerate(pieces):
            if task is None or slot not in self._slots or (found.results and time.monotonic() > end):
                found.left += range(place, len(pieces))
                break
            try:
                found.results.append(task(piece, slot))
            except Absent as absent:
                path, sha256 = absent.args
                found.absent[sha256] = path
                found.left.append(place)
            except WorkersLost:
                found.broke = slot in self._slots  # else it was ended
                found.left = [place, *found.left, *range(place + 1, len(pieces))]
                break
        return found

    @contextlib.contextmanager
    def _taken(self, image: Hashable) -> Iterator[HostSlot]:
        """A slot, if possible the one that had this image last."""
        with self._changed:
            self._changed.wait_for(lambda: self._free or self._task is None)
            if not self._free:
                raise HostGone
            slot = next((it for it in self._free if it.image == image), self._free[-1])
            self._free.remove(slot)
            self._busy.add(slot)
        slot.image = image
        try:
            yield slot
        finally:
            with self._changed:
                self._busy.remove(slot)
                if slot in self._slots:
                    self._free.append(self._renewed(slot) if slot.lost else slot)
                self._changed.notify_all()

    def _renewed(self, slot: HostSlot) -> HostSlot:
        """A slot in place of one whose workers can't be started any more."""
        if slot.engine is self._engine:
            self._engine.close()
            self._engine = self._started()
        slot.close()
        new = self._slot(len(self._slots))
        self._slots[self._slots.index(slot)] = new
        return new

    def _end_slots(self) -> None:
        with self._changed:
            ending, self._slots, self._task = self._slots, [], None
            self._changed.notify_all()
            for slot in ending:
                while slot in self._busy:
                    slot.kill()
                    self._changed.wait(0.02)
                slot.close()
            self._free = []

    def _slot(self, share: int) -> HostSlot:
        return HostSlot(self, self._engine, share)

    def _started(self) -> LocalEngine:
        manager = self._worker.memory_manager  # a worker without a limit has none
        return LocalEngine(self._options, memory=getattr(manager, "memory_limit", None))

    def _offer(self, jobs: int) -> None:
        """Have the scheduler give this worker as many chunks at a time."""
        with contextlib.suppress(OSError):  # the scheduler is gone, and the worker will be
            sync(self._worker, self._worker.set_resources(**{self._name: jobs}))
            if jobs:
                offered = getattr(self._worker.scheduler, f"offered-{self._name}")
                sync(self._worker, offered(worker=self._worker.contact_address))

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        """One of the places of this machine, where it has fewer than its workers have threads."""
        if self._options.jobs is None:
            yield
            return
        name = "timing" if self._options.alone else self._name
        with contextlib.ExitStack() as stack:
            files = [
                stack.enter_context(_lock_file(f"rdbench-{os.getuid()}-{name}-{number}"))
                for number in range(self._options.jobs)
            ]
            while self._task is not None and not any(map(_locked, files)):
                time.sleep(_LOOK_EVERY)
            yield


def _lock_file(name: str) -> IO[bytes]:
    """A file of this name that all processes of this user on this machine share."""
    path = Path(tempfile.gettempdir()) / name
    return open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600), "r+b")


def _locked(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


class HostSlot(LocalSlot["HostWorker"]):
    """A slot whose codecs and files are those of the client, found here by their content."""

    def __init__(self, host: Host, engine: LocalEngine, share: int) -> None:
        super().__init__(lambda: HostWorker(engine.worker(share), self), current().id)
        self.engine = engine
        self.image: Hashable = None
        """Of the last chunk."""
        self.lost = False
        """Whether its workers can't be started any more."""
        self.host = host

    def file(self, path: Path, sha256: str) -> Path:
        """Where a file of the client is here."""
        return self.host.file(path.absolute(), sha256)

    def original(self, image: Path, sha256: str | None) -> Original | Failed:
        """A picture of the client as the scorer read it."""
        return super().original(image if sha256 is None else self.file(image, sha256), sha256)

    def kill(self) -> None:
        """End what goes on."""
        for worker in self.workers:
            worker.kill()


class HostWorker:
    """A worker that constructs codecs of the client as they are here."""

    def __init__(self, handle: WorkerHandle, slot: HostSlot) -> None:
        self._handle = handle
        self._slot = slot
        self.close, self.kill, self.met = handle.close, handle.kill, handle.met
        self.samples, self.stderr = handle.samples, handle.stderr

    @property
    def decoded(self) -> SharedPixels:
        """What was decoded last."""
        return self._handle.decoded

    @property
    def spent(self) -> Spent:
        """What the last request took."""
        return self._handle.spent

    def ask(self, request: Request[Answer], pixels: SharedPixels | None = None) -> Answer | Failed:
        """Answer a request; errors as of :class:`bench.engines.worker_handle.WorkerHandle`."""
        codec = getattr(request, "codec", None)
        if isinstance(codec, CodecRef):
            request = msgspec.structs.replace(request, codec=self._slot.host.here(codec))
        try:
            return self._handle.ask(request, pixels)
        except WorkersLost:
            self._slot.lost = True
            raise


def sync(worker: Any, coroutine: Coroutine[Any, Any, T]) -> T:
    """Wait in a thread for something that the worker's event loop does."""
    return asyncio.run_coroutine_threadsafe(coroutine, worker.loop.asyncio_loop).result()
