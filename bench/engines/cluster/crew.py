"""Which workers of a cluster take part: those on which everything is as it was planned."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, cast

import msgspec

from bench.engines.cluster.differences import agreed_answer, difference
from bench.engines.cluster.parcels import Parcel, Parcels
from bench.engines.cluster.plugins import SILENT, call
from bench.engines.engine import Answer, Machine, Task
from bench.engines.messages import Failed, Request
from bench.errors import ConfigError, WorkersLost
from bench.trials.codec_ref import CodecRef

LOST = "the connection to the Dask scheduler is lost; when it is back, the same command goes on from there"
_JOINING_AT_ONCE = 8
_LOOK_EVERY = 0.5
"""Seconds between two looks for a first worker."""
_PATIENCE = 5.0
"""Seconds without a worker until the user is told."""
_TOLD = 3
"""Most workers whose reason is told where none is left."""
_MOST_BYTES = 256 << 20
"""Of codecs' files that are on their way to workers at a time."""


class Crew:
    """The workers of a Dask cluster that work for an engine; safe from any thread.

    Parameters
    ----------
    client : of Dask
    name : of the engine
    most : pieces of work at a time on each machine, whatever its workers can do; None for no limit
    note : called with what the user should read: who is left out, who was lost
    """

    def __init__(self, client: Any, name: str, most: int | None, note: Callable[[str], None]) -> None:
        self._client = client
        self._name = name
        self._most = most
        self._note = note
        self._state = threading.RLock()
        """For the next five; nobody is asked anything meanwhile."""
        self._members: dict[str, Machine] = {}
        """The machine of each worker that takes part, by address."""
        self._gone: dict[str, Machine] = {}
        """Of those that did."""
        self._left_out: dict[str, str] = {}
        """Why a worker does not take part, by address."""
        self._agreed: list[tuple[Request[Any], Any]] = []
        """What the plan was made from."""
        self._joining: dict[str, Future[None]] = {}
        self._parcels = Parcels()
        self._open: tuple[Any, ...] | None = None
        """With what :meth:`bench.engines.cluster.host.Host.open` is called while there is a run."""
        self._pool = ThreadPoolExecutor(_JOINING_AT_ONCE, thread_name_prefix="rdbench-joining")

    @property
    def machines(self) -> tuple[Machine, ...]:
        """The machines, each with all its workers; those that are gone have no jobs."""
        by_machine: dict[bytes, Machine] = {}
        with self._state:
            known = [*self._members.values(), *self._gone.values()]
        for machine in known:
            key = msgspec.json.encode((machine.name, machine.environment))
            same = by_machine.get(key)
            by_machine[key] = machine if same is None else _joined(same, machine)
        return tuple(replace(it, jobs=min(it.jobs, self._most or it.jobs)) for it in by_machine.values())

    @property
    def jobs(self) -> int:
        """Pieces of work that the workers take at a time."""
        with self._state:
            return sum(it.jobs for it in self._members.values())

    def machine_of(self, worker: str) -> Machine:
        """The machine of a worker that took part."""
        with self._state:
            return self._members.get(worker) or self._gone[worker]

    def finished(self, worker: str, count: int) -> None:
        """Count what a worker has done."""
        with self._state:
            for machines in (self._members, self._gone):
                if (machine := machines.get(worker)) is not None:
                    machines[worker] = replace(machine, finished=machine.finished + count)

    def forget(self, worker: str) -> None:
        """A worker takes part no more; if it is there, it is asked everything again."""
        with self._state:
            machine = self._members.pop(worker, None)
            if machine is not None:
                self._gone[worker] = replace(machine, jobs=0)

    def wait(self) -> None:
        """Wait until somebody takes part.

        Raises
        ------
        ConfigError
            Workers are there, and none of them is of use.
        """
        start, told = time.monotonic(), False
        while True:
            new, _ = self._look()
            self._join(new)
            with self._state:
                if self._members:
                    return
                reasons = [f"{worker}: {why}" for worker, why in self._left_out.items()][:_TOLD]
            if reasons and not new:
                raise ConfigError("no worker of the cluster can take part; " + "; ".join(reasons))
            if not told and time.monotonic() - start > _PATIENCE:
                told = True
                self._note("the cluster has no worker yet; waiting for the first one")
            time.sleep(_LOOK_EVERY)

    def describe(self, request: Request[Answer]) -> Answer | Failed:
        """The answer that most of the workers give; the others are left out from now on."""
        self.wait()
        while not (answers := self._ask([*self._members], request)):
            time.sleep(_LOOK_EVERY)
            self.wait()
        with self._state:
            agreed = agreed_answer(answers, self._members)
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
        self._start([*self._members], self._open)

    def close(self) -> None:
        """End the run on all that take part, at once."""
        self._open = None
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = ThreadPoolExecutor(_JOINING_AT_ONCE, thread_name_prefix="rdbench-joining")
        with self._state:
            self._joining.clear()
        self._call([*self._members], "stop")

    def look(self) -> list[Any]:
        """See who is gone and who is new; the latter are asked in the background.

        Returns
        -------
        The keys of tasks at workers that are silent, which others are to do.
        """
        new, stuck = self._look()
        for worker in new:
            if worker not in self._joining:
                self._joining[worker] = self._pool.submit(self._join, [worker])
        for worker, joining in [*self._joining.items()]:
            if joining.done():
                del self._joining[worker]
                joining.result()
        return stuck

    def _look(self) -> tuple[list[str], list[Any]]:
        """The workers that nobody has asked yet, and the keys of tasks at silent ones.

        Those that are gone, or silent, take part no more.
        """
        heard = self._client.sync(self._heard)
        present = {it for it, (seconds, _) in heard.items() if seconds <= SILENT}
        with self._state:
            gone = {it: self._members[it] for it in self._members.keys() - present}
            for worker in self._left_out.keys() - heard.keys():
                del self._left_out[worker]
        for worker, machine in gone.items():
            self.forget(worker)
            how = f"has been silent for {heard[worker][0]:.0f} s" if worker in heard else "is gone"
            self._note(f"{_named(worker, machine)} {how}; its trials go to others")
        with self._state:
            new = [it for it in present if it not in self._members and it not in self._left_out]
        return new, [key for _, keys in heard.values() for key in keys]

    async def _heard(self) -> dict[str, tuple[float, list[Any]]]:
        """See :meth:`bench.engines.cluster.plugins.LossCounter.heard`."""
        ask = getattr(self._client.scheduler, f"heard-{self._name}")
        answer: dict[str, tuple[float, list[Any]]] | None = await ask()
        if answer is None:  # it took this client for dead
            raise WorkersLost(LOST)
        return answer

    def _join(self, workers: Collection[str]) -> None:
        """Ask workers all that was asked before, and have them take part if they answer the same."""
        problems = self._call(workers, "problem")
        for worker, problem in problems.items():
            if problem:
                self._leave_out(worker, problem)
        able = [it for it, problem in problems.items() if not problem]
        machines: dict[str, Machine] = self._call(able, "machine")
        for request, agreed in [*self._agreed]:
            answers = self._ask([*machines], request)
            for worker in machines.keys() - answers.keys():
                del machines[worker]
            for worker, answer in answers.items():
                if differs := difference(request, answer, agreed):
                    self._leave_out(worker, differs, machines.pop(worker))
        opening = self._open
        with self._state:
            for worker, machine in machines.items():
                finished = self._gone.pop(worker, machine).finished
                jobs = machine.jobs if opening is None else 0  # until it has begun
                self._members[worker] = replace(machine, jobs=jobs, finished=finished)
        if opening is not None:
            self._start(machines, opening)

    def _start(self, workers: Collection[str], opening: tuple[Any, ...]) -> None:
        """Have workers begin; one that does not answer is asked to join again."""
        for parcel in opening[1].values():
            self._bring(workers, parcel)
        opened: dict[str, Machine] = self._call(workers, "open", *opening)
        with self._state:
            for worker, machine in opened.items():
                if (member := self._members.get(worker)) is not None:
                    self._members[worker] = replace(machine, finished=member.finished)
        for worker in set(workers) - opened.keys():
            self.forget(worker)

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
            content = path.read_bytes()
            at_once = max(1, _MOST_BYTES // (len(content) or 1))
            for start in range(0, len(those), at_once):
                self._call(those[start : start + at_once], "keep", path, sha256, content)

    def _call(self, workers: Collection[str], method: str, *arguments: Any) -> dict[str, Any]:
        """What the hosts of some workers answer.

        One that fails is left out. One that can't be reached, or was started anew, does not take part any
        more, and is asked to join again.
        """
        told: dict[str, tuple[str, Any]] = self._client.sync(self._asked, [*workers], method, arguments)
        answers = {}
        for worker in workers:
            kind, answer = told.get(worker, ("gone", ""))
            if kind == "ok":
                answers[worker] = answer
            elif kind == "failed":
                self._leave_out(worker, answer)
            else:
                self.forget(worker)
        return answers

    async def _asked(
        self, workers: Sequence[str], method: str, arguments: tuple[Any, ...]
    ) -> dict[str, tuple[str, Any]]:
        """Ask each by itself: Dask tries for half a minute to reach one that has just died."""

        async def ask(worker: str) -> Any:
            options: dict[str, Any] = {"workers": [worker], "on_error": "return", "asynchronous": True}
            answers = await self._client.run(call, self._name, method, *arguments, **options)
            return answers.get(worker)

        asking = {it: asyncio.create_task(ask(it)) for it in workers}
        while asking:
            await asyncio.wait(asking.values(), timeout=_LOOK_EVERY)
            waiting = [it for it, task in asking.items() if not task.done()]
            if not waiting:
                break
            heard = await self._heard()
            for worker in waiting:
                if worker in heard and heard[worker][0] <= SILENT:
                    continue
                asking[worker].cancel()
                await asyncio.wait([asking[worker]])
        answers = {it: task.result() for it, task in asking.items() if not task.cancelled()}
        return {it: answer for it, answer in answers.items() if isinstance(answer, tuple)}

    def _leave_out(self, worker: str, why: str, machine: Machine | None = None) -> None:
        with self._state:
            machine = self._members.get(worker, machine)
            if machine is not None and (software := machine.environment.machine.get("software")):
                why = f"{why}; of software it has {software}, unlike this machine"
            self.forget(worker)
            self._left_out[worker] = why
        self._note(f"{_named(worker, machine)} is left out: {why}")


def _named(worker: str, machine: Machine | None) -> str:
    return f"worker {worker}" + (f" on {machine.name}" if machine is not None and machine.name else "")


def _joined(one: Machine, other: Machine) -> Machine:
    return replace(one, jobs=one.jobs + other.jobs, finished=one.finished + other.finished)
