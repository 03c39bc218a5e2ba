"""An engine that pretends to have several machines: all are this process, each by another description."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bench.api import resolve_suite
from bench.engines.engine import Answer, Engine, Machine, Piece, Result, Task
from bench.engines.in_process import InProcessWorker
from bench.engines.messages import Failed, Request
from bench.engines.slot import LocalSlot
from bench.host.environment import Environment
from bench.runs.options import Events, Options
from bench.runs.runner import Summary
from bench.runs.runner import run as run_suite

SOFTWARE = {"python": "3.12.1", "numpy": "2.0.0"}


def machine(cpu: str, name: str = "", software: dict[str, str] | None = None, jobs: int = 2) -> Machine:
    """A machine that differs from others by its processor."""
    hardware = {"cpu": cpu, "cores": "8", "memory": "16 GiB"}
    return Machine(Environment(hardware, software or SOFTWARE), jobs, name)


class FarEngine(Engine):
    """Gives each of its machines a piece of work in turn.

    Parameters
    ----------
    machines : those that are there from the start
    joining : those that are there once the first piece is done
    """

    isolated = True

    def __init__(self, *machines: Machine, joining: Sequence[Machine] = ()) -> None:
        self._machines = list(machines)
        self._joining = joining
        self._here = InProcessWorker()

    @property
    def machines(self) -> tuple[Machine, ...]:
        return tuple(self._machines)

    def describe(self, request: Request[Answer]) -> Answer | Failed:
        return self._here.ask(request)

    def run(self, task: Task[Piece, Result], work: Sequence[Piece]) -> Iterator[Result]:
        for number, piece in enumerate(work):
            at = number % len(self._machines)
            here = self._machines[at]
            slot = LocalSlot(InProcessWorker, here.environment.id, sealed=False)
            result = task(piece, slot)
            slot.close()
            self._machines[at] = replace(here, finished=here.finished + 1)
            if number == 0:
                self._machines += self._joining
            yield result

    def close(self) -> None:
        self._here.close()


def measured(
    engine: Engine,
    pictures: Path,
    out: Path,
    *codecs: str,
    options: Options = Options(),
    events: Events = Events(),
) -> Summary:
    """A run by an engine, of two operating points of JPEG if no codecs are named."""
    suite = resolve_suite(
        None,
        datasets=[str(pictures)],
        codecs=list(codecs or ("jpeg@30,80",)),
        metrics=["psnr_rgb"],
    )
    with engine:
        return run_suite(suite, out, options, events, engine)


def noted(lines: list[str]) -> Events:
    """Collects what is told, but for which pictures there are."""
    return Events(note=lambda text: None if text.startswith("data set") else lines.append(text))
