"""What Dask holds of rdbench: a plug-in at the scheduler, one at each worker, and how that one is called.

This module travels as source, see :func:`by_value`, so that a scheduler needs no rdbench, and a worker that
has none, or another version, can say so. It therefore imports nothing of rdbench before a worker has it.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from distributed import SchedulerPlugin, WorkerPlugin
from distributed.metrics import time

_PATIENCE = 5.0
"""Seconds in which workers take back what they have of an engine; the dead do not."""
SILENT = 30.0
"""Seconds without a word from a worker until others do its work. Dask itself waits for minutes as long as the
connection stands, which that of a process that was stopped does."""


class HostPlugin(WorkerPlugin):
    """Has a :class:`bench.engines.cluster.host.Host` on a worker for as long as it is registered.

    Parameters
    ----------
    name : of the engine that registers it
    version : of rdbench, which has to be the same on both sides
    settings : of the host
    """

    def __init__(self, name: str, version: str, settings: dict[str, Any]) -> None:
        self.name = name
        self.problem = "it has not started"
        self.host: Any = None
        self._version = version
        self._settings = settings

    async def setup(self, worker: Any) -> None:
        """Start the host; a worker on which that fails says why when it is asked."""
        self.problem = await asyncio.to_thread(self._start, worker)

    def _start(self, worker: Any) -> str:
        from importlib.metadata import PackageNotFoundError, version

        try:
            found = version("rdbench")
        except PackageNotFoundError:
            return "rdbench is not installed there"
        if found != self._version:
            return f"it has rdbench {found}, not {self._version}"
        try:
            from bench.engines.cluster.host import Host

            self.host = Host(worker, self.name, **self._settings)
            return str(self.host.problem())
        except Exception as error:  # whatever is wrong with that machine, others may do
            return f"{type(error).__name__}: {error}"

    async def teardown(self, worker: Any) -> None:
        """End everything that belongs to the host."""
        if self.host is not None:
            await asyncio.to_thread(self.host.close)


async def call(name: str, method: str, *arguments: Any, dask_worker: Any) -> tuple[str, Any]:
    """Call a method of a worker's host; Dask runs this on the worker.

    Parameters
    ----------
    name : of the engine
    method : of the host, or ``problem`` for why there is none

    Returns
    -------
    ``("ok", answer)``; ``("failed", reason)`` for whatever the host raises; ``("gone", "")`` where there
    is no host, since the worker was started anew. What is raised is the connection's.
    """
    plugin = dask_worker.plugins.get(name)
    if method == "problem":
        return "ok", "it has not started" if plugin is None else plugin.problem
    if plugin is None or plugin.host is None:
        return "gone", ""
    try:
        return "ok", await asyncio.to_thread(getattr(plugin.host, method), *arguments)
    except Exception as error:
        return "failed", f"{type(error).__name__}: {error}"


class LossCounter(SchedulerPlugin):
    """Knows which workers were lost while they were at a chunk, and ends the hosts of a client that died.

    Dask's own count is of all tasks that a lost worker had, those that only waited there included.
    """

    def __init__(self, name: str, client: str) -> None:
        self.name = name
        self._client = client
        self._scheduler: Any = None
        self._at: dict[Any, tuple[str, int]] = {}
        """The worker that is at a task, and the task's chunk."""
        self._lost: dict[int, list[str]] = {}
        """Of chunks that are handed out again under another key too."""

    async def start(self, scheduler: Any) -> None:
        """Let workers call :meth:`begin` and :meth:`offered`, and the client :meth:`heard`."""
        self._scheduler = scheduler
        operations = (self.begin, self.offered, self.heard)
        scheduler.handlers |= {f"{it.__name__}-{self.name}": it for it in operations}

    def begin(self, key: Any, chunk: int, worker: str) -> list[str]:
        """A worker begins with a chunk; which were lost with it before."""
        self._at[key] = worker, chunk
        return self._lost.get(chunk, [])

    def offered(self, worker: str) -> None:
        """A worker takes part from now on: it gets what waits because there was nobody.

        Dask looks at that when a worker registers, and then this one took no part yet.
        """
        state = self._scheduler.workers.get(worker)
        if state is not None:
            waiting = self._scheduler.bulk_schedule_unrunnable_after_adding_worker(state)
            self._scheduler.transitions(waiting, stimulus_id=f"offered-{self.name}")

    def heard(self) -> dict[str, tuple[float, list[Any]]]:
        """The seconds since each worker was heard of, and of those that are silent the tasks that they have.

        Nothing more goes to those that are: they can only offer themselves anew.
        """
        found = {}
        for address, worker in self._scheduler.workers.items():
            seconds, keys = time() - worker.last_seen, []
            if seconds > SILENT:
                keys = [it.key for it in worker.processing if str(it.key).startswith(f"{self.name}-")]
                worker.resources.pop(self.name, None)
                self._scheduler.resources.get(self.name, {}).pop(address, None)
            found[address] = seconds, keys
        return found

    def log_event(self, topic: Any, msg: Any) -> None:
        """Of a worker that is removed: which comes before its tasks go to another one."""
        if topic == "all" and isinstance(msg, dict) and msg.get("action") == "remove-worker":
            for key in [it for it, (worker, _) in self._at.items() if worker == msg.get("worker")]:
                worker, chunk = self._at.pop(key)
                if not msg.get("expected"):
                    self._lost.setdefault(chunk, []).append(worker)

    def transition(self, key: Any, start: str, finish: str, *_: Any, **__: Any) -> None:
        """A task that has ended costs no worker any more."""
        if finish in ("memory", "erred", "forgotten"):
            self._at.pop(key, None)

    def remove_client(self, scheduler: Any, client: str) -> None:
        """Leave nothing running for a client that is no more."""
        if client == self._client:
            self._ending = asyncio.ensure_future(end(self.name, scheduler))


async def end(name: str, dask_scheduler: Any) -> None:
    """Take back what an engine of this name left at the scheduler and at the workers."""
    if dask_scheduler.plugins.pop(name, None) is not None:
        for operation in ("begin", "offered", "heard"):
            dask_scheduler.handlers.pop(f"{operation}-{name}", None)
    if name in dask_scheduler.worker_plugins:
        ending = asyncio.ensure_future(dask_scheduler.unregister_worker_plugin(comm=None, name=name))
        ending.add_done_callback(lambda it: it.cancelled() or it.exception())  # some workers may have died
        # Dask tries for half a minute to reach one that has just died
        await asyncio.wait({ending}, timeout=_PATIENCE)
    dask_scheduler.resources.pop(name, None)
    for worker in dask_scheduler.workers.values():
        worker.resources.pop(name, None)
        worker.used_resources.pop(name, None)


@contextlib.contextmanager
def by_value() -> Iterator[None]:
    """Have this module's classes and functions travel as source."""
    import cloudpickle

    module = sys.modules[__name__]
    if module.__name__ in cloudpickle.list_registry_pickle_by_value():  # for another engine
        yield
        return
    cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        cloudpickle.unregister_pickle_by_value(module)
