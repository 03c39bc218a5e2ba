"""The machines of a run: what is told of those that join, and ``run.json``, which names all of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from bench.engines.engine import Engine, Machine
from bench.host.environment import Environment
from bench.runs.options import Events
from bench.runs.store import RunInfo, RunWriter

_INTERVAL = 1.0
"""Seconds between two looks at the engine's machines."""
_NAMED = 4
_NO_COMPARISON = "times of different machines are not compared, and a codec that ran on several has no speed"


def are_several(machines: Sequence[Machine]) -> bool:
    """Whether an engine is one of several machines, even where only one of them is there yet."""
    return len(machines) > 1 or any(it.name for it in machines)


def machine_notes(before: RunInfo | None, machines: Sequence[Machine]) -> Iterator[str]:
    """What works now and did not when the folder was written, and what follows from it.

    Parameters
    ----------
    before : what the folder holds; None for nothing
    machines : those of the engine at hand
    """
    now = [it.environment for it in machines]
    if before is None:
        if several := kinds_note(now):
            yield several
    elif before.several_machines or are_several(machines):
        yield from _joining(before, now)
    elif changed := before.environment.differences(now[0]):
        consequence = (
            "another machine: everything is measured again"
            if before.environment.id != now[0].id
            else "codecs whose version changed are measured again"
        )
        yield f"the environment differs from this run's former one ({'; '.join(changed)}): {consequence}"


def kinds_note(environments: Sequence[Environment]) -> str | None:
    """What follows if these are machines of several kinds; None if they are of one."""
    if len({it.id for it in environments}) < 2:
        return None
    return f"machines of several kinds ({_kinds(environments)}): {_NO_COMPARISON}"


def _joining(before: RunInfo, now: Sequence[Environment]) -> Iterator[str]:
    held = {it.id: it for it in before.environments}
    if others := [it for it in now if it.id not in held]:
        yield (
            f"machines join those of this run ({_kinds(others)}): what was measured before stays;"
            f" {_NO_COMPARISON}"
        )
    new = [it for it in now if it not in before.environments]
    changes = Counter("; ".join(_software(held.get(it.id, before.environment), it)) for it in new)
    for text, count in changes.items():
        if text:
            yield (
                f"the software of {count} of {len(now)} machines differs from this run's former one ({text}):"
                " codecs whose version changed are measured again"
            )


def _software(former: Environment, now: Environment) -> list[str]:
    return Environment({}, former.software).differences(Environment({}, now.software))


def _kinds(environments: Sequence[Environment]) -> str:
    counts = Counter(it.id for it in environments).most_common()
    titles = {it.id: it.title for it in environments}
    named = [f"{count} × {titles[kind]}" for kind, count in counts[:_NAMED]]
    more = [f"{len(counts) - _NAMED} kinds more"] if len(counts) > _NAMED else []
    return "; ".join([*named, *more])


class RunMachines:
    """Sees to it that ``run.json`` names every machine before the journal does.

    Parameters
    ----------
    info : ``run.json`` as it was written
    events : told what machines there are now and then, and which of another kind have joined
    """

    def __init__(self, info: RunInfo, engine: Engine, writer: RunWriter, events: Events) -> None:
        self._info = info
        self._engine = engine
        self._writer = writer
        self._events = events
        self._held = {it.id for it in info.environments}
        machines = engine.machines
        events.machines(machines)
        self._at_work = _distinct(it.environment for it in machines)
        """Those that were there at some time: a result may come in after its machine has left."""
        self._told = self._held | {it.id for it in self._at_work}
        self._due = 0.0

    def saw(self, machine: str) -> None:
        """Called with the machine of each measurement, before that is written.

        Raises
        ------
        ValueError
            The engine has no such machine.
        """
        now = time.monotonic()
        if machine in self._held and now < self._due:
            return
        self._due = now + _INTERVAL
        machines = self._engine.machines
        self._events.machines(machines)
        self._at_work = _distinct([*self._at_work, *(it.environment for it in machines)])
        proven = [it.environment for it in machines if it.finished]
        self._hold([*(it for it in self._at_work if it.id == machine), *proven])
        if machine not in self._held:
            raise ValueError(f"a measurement names the machine {machine}, which the engine does not have")

    def _hold(self, environments: Sequence[Environment]) -> None:
        for environment in environments:
            if environment.id not in self._told:
                self._told.add(environment.id)
                self._events.note(
                    f"a machine of another kind has joined ({environment.title}): {_NO_COMPARISON}"
                )
        _, *further = _distinct([*self._info.environments, *environments])
        if len(further) > len(self._info.further_environments):
            self._info = msgspec.structs.replace(
                self._info, further_environments=tuple(further), several_machines=True
            )
            self._writer.write_info(self._info)
            self._held = {it.id for it in self._info.environments}


def _distinct(environments: Iterable[Environment]) -> list[Environment]:
    found: list[Environment] = []
    for environment in environments:
        if environment not in found:
            found.append(environment)
    return found
