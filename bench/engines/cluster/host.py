"""rdbench on a Dask worker: a local engine, its slots, and the files that work reads."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from bench.engines.cluster.files import Absent, Files
from bench.engines.cluster.parcels import Parcel, as_asked
from bench.engines.cluster.places import place
from bench.engines.cluster.slots import HostSlot
from bench.engines.cluster.tasks import ChunkResult, Content, HostGone, packed, wait_for
from bench.engines.engine import Answer, EngineOptions, Machine, Task
from bench.engines.local import LocalEngine, default_jobs
from bench.engines.messages import Failed, Request
from bench.errors import WorkersLost
from bench.host.environment import current
from bench.trials.codec_ref import CodecRef, Description

_PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYGAAAAAEAAH2FzhVAAAAAElFTkSuQmCC"
)
"""PNG of one black pixel."""
MOST_LOST = 3
"""Workers that a piece of work may take with it."""
_MOST_BYTES = 16 << 20
"""Of results; a chunk that has as many is not gone on with."""
_SOON = 2.0
"""Seconds for the scheduler to hear that a worker takes part no more; it may be gone itself."""


class Host:
    """What runs codecs on one Dask worker.

    Parameters
    ----------
    worker : of Dask
    name : of the engine that it serves
    timeout : seconds that one encode, decode or scoring may take
    alone : for times: one piece at a time on this machine, whichever worker has it
    jobs : pieces at a time on this machine; None for one on each of the worker's threads
    software : of the client's machine
    """

    def __init__(
        self,
        worker: Any,
        name: str,
        timeout: float,
        *,
        alone: bool,
        jobs: int | None,
        software: dict[str, str],
    ) -> None:
        self._worker = worker
        self._name = name
        self._options = EngineOptions(1 if alone else jobs, timeout, alone)
        self._environment = current().beside(software)
        self._folder = Path(tempfile.mkdtemp(prefix="rdbench-host-"))
        self._files = Files(self._folder)
        self._parcels: dict[CodecRef, Parcel] = {}
        self._nowhere: set[str] = set()
        """Files that the client does not have either."""
        self._describing = threading.Lock()
        self._engine = self._started()
        self._slots: list[HostSlot] = []
        self._free: list[HostSlot] = []
        self._busy: set[HostSlot] = set()
        self._changed = threading.Condition()
        self._task: Task[Any, Any] | None = None

    def close(self) -> None:
        """End everything, what goes on included."""
        with contextlib.suppress(OSError):  # the scheduler may be gone
            self._offer(0)
        self._end_slots()
        self._engine.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        for resources in (self._worker.state.total_resources, self._worker.state.available_resources):
            resources.pop(self._name, None)

    def problem(self) -> str:
        """Why nothing can be measured here, as where a library is broken; empty where it can."""
        picture = self._folder / "picture.png"
        picture.write_bytes(_PICTURE)
        (slot,) = self._engine.slots(1)
        try:
            found = slot.original(picture, None)
        finally:
            slot.close()
        return f"it can't read a picture: {found.reason}" if isinstance(found, Failed) else ""

    def machine(self) -> Machine:
        """The machine, with as many jobs as this worker can do at a time."""
        threads = self._worker.state.nthreads
        jobs = min(self._options.jobs or threads, threads)
        return Machine(self._environment, jobs, socket.gethostname(), processors=default_jobs(on_gpu=False))

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
        with self._describing:
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
        with self._describing:
            self._engine.end_describing()
        self._parcels |= parcels
        machine = self.machine()
        jobs = machine.jobs
        if on_gpu and self._options.jobs is None:
            jobs = min(jobs, default_jobs(on_gpu=True))
        self._task = task
        self._slots = [self._slot(jobs) for _ in range(jobs)]
        self._free = [*self._slots]
        self._offer(jobs)
        return dataclasses.replace(machine, jobs=jobs)

    def stop(self) -> None:
        """End the slots, and what goes on in them, at once."""
        self._offer(0)
        self._end_slots()

    def work(
        self, pieces: Sequence[Any], content: Content, seconds: float, begin: Callable[[], tuple[str, ...]]
    ) -> ChunkResult:
        """Do a chunk of work, as far as it goes.

        Parameters
        ----------
        pieces : what to do; not empty
        content : files that were brought
        seconds : after which no further piece is begun
        begin : tells the scheduler that this worker is at it now, and which workers were lost with it before.
            If any was, several pieces are not begun, since one of them may have been the cause

        Raises
        ------
        HostGone
            The run has ended here.
        """
        for sha256, (path, brought) in content.items():
            if brought is None:
                self._nowhere.add(sha256)
            else:
                self._files.keep(path, sha256, brought)
        with self._place(), self._taken(pieces[0].image) as slot:
            lost = begin()
            if lost and (len(pieces) > 1 or len(lost) >= MOST_LOST):
                return ChunkResult(left=[*range(len(pieces))], lost=lost)
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
        found, size, task = ChunkResult(), 0, self._task
        for number, piece in enumerate(pieces):
            enough = found.results and (time.monotonic() > end or size > _MOST_BYTES)
            if task is None or slot not in self._slots or enough:
                found.left += range(number, len(pieces))
                break
            try:
                found.results.append(packed(task(piece, slot)))
                size += len(found.results[-1])
            except Absent as absent:
                path, sha256 = absent.args
                found.absent[sha256] = path
                found.left.append(number)
            except WorkersLost:
                found.broke = slot in self._slots  # else it was ended
                found.left = [number, *found.left, *range(number + 1, len(pieces))]
                break
        return found

    @contextlib.contextmanager
    def _taken(self, image: Hashable) -> Iterator[HostSlot]:
        """A slot, if possible the one that had this image last."""
        with self._changed:
            self._changed.wait_for(lambda: self._free or self._task is None)
            if not self._free:
                raise HostGone(str(self._worker.contact_address), "")
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
                    self._free.append(self._renewed(slot) if slot.dead else slot)
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
        return HostSlot(self, self._engine, self._environment, share)

    def _started(self) -> LocalEngine:
        manager = self._worker.memory_manager  # a worker without a limit has none
        return LocalEngine(self._options, memory=getattr(manager, "memory_limit", None))

    def _offer(self, jobs: int) -> None:
        """Have the scheduler give this worker as many chunks at a time."""
        seconds = None if jobs else _SOON
        wait_for(self._worker, self._worker.set_resources(**{self._name: jobs}), seconds)
        if jobs:
            offered = getattr(self._worker.scheduler, f"offered-{self._name}")
            wait_for(self._worker, offered(worker=self._worker.contact_address))

    def _place(self) -> contextlib.AbstractContextManager[None]:
        """One of the places of this machine, where it has fewer than its workers have threads."""
        if self._options.jobs is None:
            return contextlib.nullcontext()
        name = "timing" if self._options.alone else self._name
        return place(name, self._options.jobs, lambda: self._task is not None)
