"""Which workers of a cluster take part: those on which everything is as it was planned."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, cast

import msgspec

from bench.engines.cluster.differences import answers_of_most, difference
from bench.engines.cluster.host import keep_there
from bench.engines.cluster.parcels import Parcel, Parcels
from bench.engines.cluster.plugins import call
from bench.engines.engine import Answer, Machine, Task
from bench.engines.messages import Failed, Request
from bench.errors import ConfigError
from bench.trials.codec_ref import CodecRef

_JOINING_AT_ONCE = 8
_LOOK_EVERY = 0.5
"""Seconds between two looks for a first worker."""
_PATIENCE = 5.0
"""Seconds without a worker until the user is told."""
_TOLD = 3
"""Most workers whose reason is told where none is left."""


class Crew:
    """The workers of a Dask cluster that work for an engine.

    Parameters
    ----------
    client : of Dask
    name : of the engine
    note : called with what the user should read: who is left out, who was lost
    """

    def __init__(self, client: Any, name: str, note: Callable[[str], None]) -> None:
        self._client = client
        self._name = name
        self._note = note
        self._members: dict[str, Machine] = {}
        """The machine of each worker that takes part, by address."""
        self._gone: list[Machine] = []
        self._left_out: dict[str, str] = {}
        """Why a worker does not take part, by address."""
        self._agreed: list[tuple[Request[Any], Any]] = []
        """What the plan was made from."""
        self._parcels = Parcels()
        self._open: tuple[Any, ...] | None = None
        """With what :meth:`bench.engines.cluster.host.Host.open` is called while there is a run."""
        self._pool = ThreadPoolExecutor(_JOINING_AT_ONCE, thread_name_prefix="rdbench-joining")
        self._joining: dict[str, Future[None]] = {}

    @property
    def machines(self) -> tuple[Machine, ...]:
        """The machines, each with all its workers; those that are gone have no jobs."""
        by_machine: dict[bytes, Machine] = {}
        for machine in [*self._members.values(), *self._gone]:
            key = msgspec.json.encode((machine.name, machine.environment))
            same = by_machine.get(key)
            by_machine[key] = machine if same is None else _joined(same, machine)
        return tuple(by_machine.values())

    @property
    def jobs(self) -> int:
        """Pieces of work that all of them do at a time."""
        return sum(it.jobs for it in self._members.values())

    def finished(self, worker: str, count: int) -> None:
        """Count what a worker has done."""
        if (machine := self._members.get(worker)) is not None:
            self._members[worker] = replace(machine, finished=machine.finished + count)

    def wait(self) -> None:
        """Wait until somebody takes part.

        Raises
        ------
        ConfigError
            Workers are there, and none of them is of use.
        """
        start, told = time.monotonic(), False
        while True:
            self._join(self._look())
            if self._members:
                return
            if self._left_out:
                reasons = [f"{worker}: {why}" for worker, why in self._left_out.items()][:_TOLD]
                raise ConfigError("no worker of the cluster can take part; " + "; ".join(reasons))
            if not told and time.monotonic() - start > _PATIENCE:
                told = True
                self._note("the cluster has no worker yet; waiting for the first one")
            time.sleep(_LOOK_EVERY)

    def describe(self, request: Request[Answer]) -> Answer | Failed:
        """The answer that most of the workers give; the others are left out from now on."""
        self.wait()
        while not (answers := self._ask(self._members, request)):
            self.wait()  # all of them ended meanwhile
        weights = {it: self._members[it].jobs for it in answers}
        agreed = answers_of_most(answers, weights)
        self._agreed.append((request, agreed))
        for worker, answer in answers.items():
            if differs := difference(request, answer, agreed):
                self._leave_out(worker, differs)
        return cast("Answer | Failed", agreed)

    def open(self, task: Task[Any, Any], codecs: Iterable[CodecRef], *, on_gpu: bool) -> None:
        """Start a run on all that take part, and on those that join.

        Parameters
        ----------
        task : what is done with each piece of work
        codecs : of all pieces
        on_gpu : whether any codec or metric is there
        """
        self.wait()
        parcels = {it: parcel for it in codecs if (parcel := self._parcels.of(it)).files}
        self._open = (task, parcels, on_gpu)
        for parcel in parcels.values():
            self._bring(self._members, parcel)
        self._start(self._members)

    def close(self) -> None:
        """End the run on all that take part, at once."""
        self._open = None
        self._call(self._members, "stop")
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = ThreadPoolExecutor(_JOINING_AT_ONCE, thread_name_prefix="rdbench-joining")

    def look(self) -> None:
        """See who is gone and who is new; the latter are asked in the background."""
        for worker in self._look():
            if worker not in self._joining:
                self._joining[worker] = self._pool.submit(self._join, [worker])
        for worker, joining in [*self._joining.items()]:
            if joining.done():
                del self._joining[worker]
                joining.result()

    def _look(self) -> list[str]:
        """The workers that nobody has asked yet; those that are gone are taken from the list."""
        present = self._client.nthreads()
        for worker in self._members.keys() - present.keys():
            machine = self._members.pop(worker)
            self._gone.append(replace(machine, jobs=0))
            self._note(f"{_named(worker, machine)} is gone; its trials go to others")
        for worker in self._left_out.keys() - present.keys():
            del self._left_out[worker]
        return [it for it in present if it not in self._members and it not in self._left_out]

    def _join(self, workers: Collection[str]) -> None:
        """Ask workers all that was asked before, and have them take part if they answer the same."""
        machines: dict[str, Machine] = {}
        for worker, problem in self._call(workers, "problem").items():
            if problem:
                self._leave_out(worker, problem)
            else:
                machines |= self._call([worker], "machine")
        for request, agreed in [*self._agreed]:
            for worker, answer in self._ask(machines, request).items():
                if differs := difference(request, answer, agreed):
                    self._leave_out(worker, differs, machines.pop(worker))
        if self._open is not None:
            for parcel in self._open[1].values():
                self._bring(machines, parcel)
            self._members |= machines  # known before its first result comes
            machines = self._call(machines, "open", *self._open)
        self._members |= machines

    def _start(self, workers: Collection[str]) -> None:
        assert self._open is not None
        for worker, machine in self._call(workers, "open", *self._open).items():
            self._members[worker] = replace(machine, finished=self._members[worker].finished)

    def _ask(self, workers: Collection[str], request: Request[Any]) -> dict[str, Any]:
        codec = getattr(request, "codec", None)
        parcel = self._parcels.of(codec) if isinstance(codec, CodecRef) else Parcel()
        self._bring(workers, parcel)
        return self._call(workers, "describe", request, parcel)

    def _bring(self, workers: Collection[str], parcel: Parcel) -> None:
        """Have the files of a codec be where they are not found."""
        if not parcel.files:
            return
        lacking: dict[tuple[Any, str], list[str]] = {}
        for worker, files in self._call(workers, "lacking", parcel.files).items():
            for file in files:
                lacking.setdefault(file, []).append(worker)
        for (path, sha256), those in lacking.items():
            content = self._client.scatter(path.read_bytes(), hash=False)
            arguments = (self._name, path, sha256, content)
            kept = {it: self._client.submit(keep_there, *arguments, workers=[it], pure=False) for it in those}
            while waiting := {it for it, future in kept.items() if not future.done()}:
                if not waiting & self._client.nthreads().keys():
                    break
                time.sleep(_LOOK_EVERY)

    def _call(self, workers: Collection[str], method: str, *arguments: Any) -> dict[str, Any]:
        """What the hosts of some workers answer; those that are lost meanwhile do not."""
        found: dict[str, Any] = self._client.sync(self._asked, [*workers], method, arguments)
        return found

    async def _asked(self, workers: Sequence[str], method: str, arguments: tuple[Any, ...]) -> dict[str, Any]:
        """Ask each by itself: Dask tries for half a minute to reach one that has just died."""

        async def ask(worker: str) -> Any:
            options: dict[str, Any] = {"workers": [worker], "on_error": "return", "asynchronous": True}
            answers = await self._client.run(call, self._name, method, *arguments, **options)
            return answers.get(worker)

        asking = {it: asyncio.create_task(ask(it)) for it in workers}
        while waiting := {it for it, task in asking.items() if not task.done()}:
            await asyncio.wait([asking[it] for it in waiting], timeout=_LOOK_EVERY)
            for worker in waiting - (await self._client.scheduler.ncores()).keys():
                asking[worker].cancel()
                await asyncio.wait([asking[worker]])
        answers = {it: task.result() for it, task in asking.items() if not task.cancelled()}
        for worker, answer in answers.items():
            if isinstance(answer, LookupError):  # it was started anew, and is asked to join again
                self._members.pop(worker, None)
            elif isinstance(answer, Exception) and not isinstance(answer, OSError):
                raise answer
        return {it: answer for it, answer in answers.items() if not isinstance(answer, Exception)}

    def _leave_out(self, worker: str, why: str, machine: Machine | None = None) -> None:
        machine = self._members.pop(worker, machine)
        self._left_out[worker] = why
        self._note(f"{_named(worker, machine)} is left out: {why}")


def _named(worker: str, machine: Machine | None) -> str:
    return f"worker {worker}" + (f" on {machine.name}" if machine is not None and machine.name else "")


def _joined(one: Machine, other: Machine) -> Machine:
    return replace(one, jobs=one.jobs + other.jobs, finished=one.finished + other.finished)
