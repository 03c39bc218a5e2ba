"""The engine of many machines: pieces of work become tasks of Dask, a window of them at a time."""

from __future__ import annotations

import queue
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from bench.engines.chunks import about_one_image
from bench.engines.cluster.connect import LOCAL, connected
from bench.engines.cluster.crew import Crew
from bench.engines.cluster.host import MOST_LOST, ChunkResult, HostGone, work_there
from bench.engines.cluster.lost import LostSlot
from bench.engines.cluster.outgoing import Outgoing
from bench.engines.cluster.plugins import HostPlugin, LossCounter, by_value, end
from bench.engines.cluster.window import Chunk, Waiting
from bench.engines.engine import Answer, Engine, EngineOptions, Machine, Piece, Result, Task
from bench.engines.messages import Failed, Request
from bench.errors import WorkersLost

_LOST = "the connection to the Dask scheduler is lost; when it is back, the same command goes on from there"
_LONGEST = 32
"""Most pieces of a task; each costs the scheduler the same, whatever is in it."""
_AHEAD = 3
"""Tasks that are handed out for each place that works."""
_TASKS_PER_SECOND = 100
"""How many the scheduler is to deal with, a third of what it can: with more places they are made longer."""
_SHORTEST = 1.0
"""Seconds for which a task goes on with further pieces."""
_LOOK_EVERY = 1.0
"""Seconds between two looks at who is there."""
_TOGETHER = 32
"""Most tasks whose results are fetched at once."""
_PATIENCE = 10.0
"""Seconds without any worker until the user is told."""


class ClusterEngine(Engine):
    """Runs on the workers of a Dask cluster, which it leaves as it found them.

    Parameters
    ----------
    options : those of every engine; ``cluster`` names the scheduler
    client : of Dask, in place of that; it stays open

    Raises
    ------
    ConfigError
        Dask is not installed, or no scheduler answers.
    """

    isolated = True

    def __init__(self, options: EngineOptions, client: Any = None) -> None:
        self._options = options
        with ExitStack() as stack:
            self._client = client or stack.enter_context(connected(options))
            self._name = f"rdbench-{uuid.uuid4().hex[:12]}"
            self._crew = Crew(self._client, self._name, options.note)
            by_value()
            stack.callback(self._leave)
            settings = {"timeout": options.timeout, "alone": options.alone, "jobs": options.jobs}
            self._client.register_plugin(LossCounter(self._name, self._client.id))
            self._client.register_plugin(HostPlugin(self._name, version("rdbench"), settings))
            self._closing = stack.pop_all()

    @property
    def machines(self) -> tuple[Machine, ...]:
        """Those whose workers take part, or did; waits for the first one."""
        if not self._crew.machines:
            with self._connection():
                self._crew.wait()
        address = self._options.cluster
        if address is not None and address.scheduler == LOCAL:
            return tuple(
                replace(it, name="") for it in self._crew.machines
            )  # a run of this one like any other
        return self._crew.machines

    def describe(self, request: Request[Answer]) -> Answer | Failed:
        """What most workers say; those that say something else are left out, and the user is told."""
        with self._connection():
            return self._crew.describe(request)

    def run(self, task: Task[Piece, Result], work: Sequence[Piece]) -> Iterator[Result]:
        """The results, as they come in.

        Raises
        ------
        WorkersLost
            The scheduler is gone; from the iterator.
        """
        if not work:
            return
        on_gpu = task.on_gpu or any(it.codec.on_gpu for it in work)
        try:
            with self._connection():
                self._crew.open(task, {it.codec.ref for it in work}, on_gpu=on_gpu)
                yield from _Run(self._client, self._crew, self._name, self._options, task, work).results()
        finally:
            if self._client.status == "running":
                self._crew.close()

    def close(self) -> None:
        """End everything of rdbench at the scheduler and at the workers."""
        self._closing.close()

    @contextmanager
    def _connection(self) -> Iterator[None]:
        """Whatever fails because the scheduler is gone is told as that."""
        try:
            yield
        except (OSError, CancelledError) as error:
            if self._client.status == "running":
                raise
            raise WorkersLost(_LOST) from error

    def _leave(self) -> None:
        if self._client.status == "running":
            with suppress(OSError, TimeoutError):  # the scheduler ends meanwhile
                self._client.run_on_scheduler(end, self._name)


class _Run:
    """The tasks of one run."""

    def __init__(
        self,
        client: Any,
        crew: Crew,
        name: str,
        options: EngineOptions,
        task: Task[Any, Any],
        work: Sequence[Any],
    ) -> None:
        self._client = client
        self._crew = crew
        self._name = name
        self._note = options.note
        self._task = task
        longest = min(_LONGEST, -(-len(work) // (4 * max(1, crew.jobs))))
        self._waiting = Waiting(about_one_image(work, longest))
        self._running: dict[Any, Chunk[Any]] = {}
        """By Dask's futures."""
        self._outgoing = Outgoing(client)
        self._ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._count = 0
        self._looked = 0.0
        self._without_workers: float | None = None

    def results(self) -> Iterator[Any]:
        """What comes in, until all is done."""
        try:
            while self._waiting or self._running:
                self._look()
                while self._waiting and len(self._running) < _AHEAD * self._crew.jobs:
                    self._hand_out(self._waiting.take())
                yield from self._taken(self._some_that_ended())
        finally:
            if self._client.status == "running":
                self._client.cancel([*self._running])

    def _look(self) -> None:
        if self._client.status != "running":
            raise WorkersLost(_LOST)
        if time.monotonic() - self._looked > _LOOK_EVERY:
            self._crew.look()
            self._looked = time.monotonic()
        if self._crew.jobs:
            self._without_workers = None
        elif self._without_workers is None:
            self._without_workers = time.monotonic()
        elif time.monotonic() - self._without_workers > _PATIENCE:
            self._note("the cluster has no worker left; waiting for another one")
            self._without_workers = float("inf")

    def _hand_out(self, chunk: Chunk[Any]) -> None:
        self._count += 1
        key = f"{self._name}-{self._count}"
        seconds = max(_SHORTEST, self._crew.jobs / _TASKS_PER_SECOND)
        future = self._client.submit(
            work_there,
            self._name,
            key,
            chunk.pieces,
            self._outgoing.content(chunk.files),
            seconds,
            chunk.lost,
            key=key,
            pure=False,
            resources={self._name: 1},
        )
        self._running[future] = chunk
        future.add_done_callback(self._ended.put)

    def _some_that_ended(self) -> list[Any]:
        """Futures that ended, as many as are worth one request for their results."""
        ended = []
        with suppress(queue.Empty):
            ended.append(self._ended.get(timeout=_LOOK_EVERY))
            while len(ended) < _TOGETHER:
                ended.append(self._ended.get_nowait())
        return ended

    def _taken(self, ended: Sequence[Any]) -> Iterator[Any]:
        for future, found in zip(ended, self._fetched(ended), strict=True):
            chunk = self._running.pop(future)
            if isinstance(found, Exception):
                yield from self._failed(chunk, found)
                continue
            self._crew.finished(found.worker, len(found.results))
            yield from found.results
            if found.left:
                yield from self._rest(chunk, found)

    def _fetched(self, ended: Sequence[Any]) -> list[ChunkResult | Exception]:
        """What each of them gives, or why it gives nothing."""
        if all(it.status == "finished" for it in ended):
            with suppress(CancelledError):  # a result was lost on its way; which, is seen one by one
                return list(self._client.gather(ended))
        found: list[ChunkResult | Exception] = []
        for future in ended:
            try:
                found.append(future.result())
            except Exception as error:
                found.append(error)
        return found

    def _rest(self, chunk: Chunk[Any], found: ChunkResult) -> Iterator[Any]:
        """Hand out again what a task has left."""
        left = [chunk.pieces[it] for it in found.left]
        if found.broke:
            yield from self._again(Chunk(left[:1], found.lost + 1))
            left = left[1:]
            if not left:
                return
        suspect = found.lost > chunk.lost and len(chunk.pieces) > 1
        yield from self._again(Chunk(left, found.lost, found.absent), apart=suspect)

    def _failed(self, chunk: Chunk[Any], error: Exception) -> Iterator[Any]:
        from distributed.comm.core import CommClosedError
        from distributed.scheduler import KilledWorker

        if isinstance(error, KilledWorker):  # Dask counts those too that only waited there
            yield from self._again(Chunk(chunk.pieces, chunk.lost + 1), apart=True)
        elif isinstance(error, CancelledError | CommClosedError | HostGone):
            yield from self._again(chunk)
        else:
            raise error

    def _again(self, chunk: Chunk[Any], *, apart: bool = False) -> Iterator[Any]:
        """Hand out a chunk again; pieces that were at too many workers' end get the result of that."""
        if chunk.lost >= MOST_LOST and len(chunk.pieces) == 1:
            machine = self._crew.machines[0].environment.id
            yield self._task(chunk.pieces[0], LostSlot(machine, chunk.lost))
            return
        parts = 1 if self._waiting else self._crew.jobs
        self._waiting.again(chunk, len(chunk.pieces) if apart else max(1, parts))
