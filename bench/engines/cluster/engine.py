"""The engine of many machines: pieces of work become tasks of Dask, a window of them at a time."""

from __future__ import annotations

import asyncio
import itertools
import queue
import time
import uuid
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.engines.chunks import about_one_image
from bench.engines.cluster.connect import LOCAL, connected
from bench.engines.cluster.crew import LOST, Crew
from bench.engines.cluster.host import MOST_LOST
from bench.engines.cluster.lost import LostSlot
from bench.engines.cluster.outgoing import Outgoing
from bench.engines.cluster.plugins import HostPlugin, LossCounter, by_value, end
from bench.engines.cluster.tasks import ChunkResult, HostGone, work_there
from bench.engines.cluster.window import Chunk, Waiting
from bench.engines.engine import Answer, Engine, EngineOptions, Machine, Piece, Result, Task
from bench.engines.messages import Failed, Request
from bench.errors import ConfigError, WorkersLost
from bench.host.environment import current

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
_MOST_BYTES = 64 << 20
"""Of results, as many as are fetched at once, going by those before."""
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
            if self._client.asynchronous:
                raise ConfigError("an asynchronous Dask client can't be waited for: give one that is not")
            most = 1 if options.alone else options.jobs
            self._crew = Crew(self._client, self._name, most, options.note)
            stack.enter_context(by_value())
            stack.callback(self._leave)
            settings = {
                "timeout": options.timeout,
                "alone": options.alone,
                "jobs": options.jobs,
                "sealed": options.sealed,
                "software": current().software,
            }
            with self._connection():
                self._client.register_plugin(LossCounter(self._name, self._client.id))
                with suppress(OSError):  # of a worker that is out of reach; all others have it
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
            # a run of this machine like any other
            return tuple(replace(it, name="") for it in self._crew.machines)
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
                self._crew.open(task, {ref for it in work for ref in it.codec.refs}, on_gpu=on_gpu)
                yield from _Run(self._client, self._crew, self._name, self._options, task, work).results()
        finally:
            if self._client.status == "running":
                with suppress(WorkersLost):
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
            raise WorkersLost(LOST) from error

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
        self._connection = client.scheduler_comm
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
        self._keys = itertools.count()
        self._together = 1
        """How many tasks' results are fetched at once."""
        self._looked = 0.0
        self._alone_since: float | None = None

    def results(self) -> Iterator[Any]:
        """What comes in, until all is done."""
        try:
            while self._waiting or self._running:
                self._look()
                while self._waiting and self._has_room():
                    self._hand_out(self._waiting.take())
                yield from self._taken(self._some_that_ended())
        finally:
            if self._client.status == "running":
                self._client.cancel([*self._running])

    def _look(self) -> None:
        """See who is there, if it is time for that."""
        # Dask connects anew by itself, and then knows nothing any more of what was handed out
        if self._client.status != "running" or self._client.scheduler_comm is not self._connection:
            raise WorkersLost(LOST)
        if time.monotonic() - self._looked > _LOOK_EVERY:
            self._rescue(self._crew.look())
            self._looked = time.monotonic()
        if self._crew.jobs:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = time.monotonic()
        elif time.monotonic() - self._alone_since > _PATIENCE:
            self._note("the cluster has no worker left; waiting for another one")
            self._alone_since = float("inf")

    def _rescue(self, keys: Collection[str]) -> None:
        """Hand out again what silent workers have."""
        rescued = [it for it in self._running if it.key in keys]
        for future in rescued:
            self._waiting.again(self._running.pop(future))
        if rescued:
            self._client.cancel(rescued)

    def _has_room(self) -> bool:
        """Whether another task may be handed out: results that nobody fetched yet are waited for."""
        return len(self._running) < _AHEAD * self._crew.jobs and self._ended.qsize() < 2 * _TOGETHER

    def _hand_out(self, chunk: Chunk[Any]) -> None:
        key = f"{self._name}-{next(self._keys)}"
        future = self._client.submit(
            work_there,
            self._name,
            key,
            chunk.number,
            chunk.pieces,
            self._outgoing.content(chunk.files),
            max(_SHORTEST, self._crew.jobs / _TASKS_PER_SECOND),
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
            while len(ended) < self._together:
                ended.append(self._ended.get_nowait())
        return ended

    def _taken(self, ended: Sequence[Any]) -> Iterator[Any]:
        """The results of tasks that ended; what they left is handed out again."""
        found = self._fetched([it for it in ended if it.status == "finished"])
        size = sum(it.__sizeof__() for it in found.values())
        if found:
            self._together = max(1, min(_TOGETHER, len(found) * _MOST_BYTES // size))
        for future in ended:
            chunk = self._running.pop(future, None)
            if chunk is None:  # it was handed out again
                continue
            if (result := found.get(future)) is None:
                self._failed(chunk, future)
                continue
            self._crew.finished(result.worker, len(result.results))
            yield from map(unpacked, result.results)
            if result.left:
                yield from self._left(chunk, result)

    def _fetched(self, finished: Sequence[Any]) -> dict[Any, ChunkResult]:
        """What tasks give; a result is missing whose worker was lost before it was fetched."""
        if not finished:
            return {}

        async def gather() -> list[ChunkResult]:
            results: list[ChunkResult] = await self._client.gather(finished, asynchronous=True)
            return results

        fetching = asyncio.run_coroutine_threadsafe(gather(), self._client.loop.asyncio_loop)
        # Dask would do a lost one again and wait for that, though there may be nobody to do it
        there = finished
        while len(there) == len(finished):
            try:
                return dict(zip(finished, fetching.result(_LOOK_EVERY), strict=True))
            except CancelledError:
                break
            except TimeoutError:
                if fetching.done():  # it is of the connection
                    break
            self._look()
            there = [it for it in finished if it.status == "finished"]
        fetching.cancel()
        return self._fetched(there) if len(there) < len(finished) else {}

    def _left(self, chunk: Chunk[Any], result: ChunkResult) -> Iterator[Any]:
        """Hand out again what a task has left; a piece that took too many workers has the result of that."""
        left = [chunk.pieces[it] for it in result.left]
        lost = result.lost
        if result.broke:
            yield from self._alone(left.pop(0), (*lost, result.worker))
        if len(lost) > len(chunk.lost) and len(chunk.pieces) > 1:  # which of them it was, shows each alone
            self._waiting.rest(left, lost, parts=len(left))
        elif len(left) == 1:
            yield from self._alone(left[0], lost, result.absent)
        else:
            parts = 1 if self._waiting else self._crew.jobs
            self._waiting.rest(left, lost, result.absent, parts)

    def _alone(
        self, piece: Any, lost: tuple[str, ...], files: dict[str, Path] | None = None
    ) -> Iterator[Any]:
        if len(lost) < MOST_LOST:
            self._waiting.rest([piece], lost, files)
            return
        with LostSlot(self._crew.machine_of(lost[-1]).environment.id, len(lost)) as slot:
            yield self._task(piece, slot)

    def _failed(self, chunk: Chunk[Any], future: Any) -> None:
        """Hand out again what Dask, the machine or the connection have failed at; else raise it."""
        from distributed.scheduler import KilledWorker

        if future.status == "error":
            error = future.exception()
            if isinstance(error, HostGone):
                worker, reason = error.args
                self._crew.forget(worker)
                if reason:
                    self._note(f"worker {worker} could not go on: {reason}; its trials go to others")
            elif not isinstance(error, KilledWorker):  # which counts those too that only waited there
                raise error
        self._client.cancel([future])
        self._waiting.again(chunk)


def unpacked(data: bytes) -> Any:
    """A result as it was made."""
    from distributed.protocol import pickle

    return pickle.loads(data)
