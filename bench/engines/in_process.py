"""The engine for debugging: one piece of work after the other in this process, where a debugger sees it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial

import msgspec

from bench.codec import Samples
from bench.engines.description import identified
from bench.engines.engine import Answer, Engine, EngineOptions, Machine, Piece, Result, Spent, Task
from bench.engines.messages import (
    Decode,
    Decoded,
    Failed,
    Key,
    Request,
    attached,
    key_of,
    pack_request,
    unpack_answer,
    unpack_request,
)
from bench.engines.shared_pixels import SampleType, SharedPixels, read_samples
from bench.engines.slot import LocalSlot
from bench.engines.worker import WorkerState, packed_answer
from bench.errors import ConfigError
from bench.host.environment import current


class InProcessEngine(Engine):
    """No other process, no limits, no isolation.

    A breakpoint in a codec stops there, and Ctrl-C or the debugger's ``quit`` ends the run. A codec that
    raises is a failed trial as ever, but one that crashes or hangs takes the run along.

    Raises
    ------
    ConfigError
        Precise times are asked for.
    """

    isolated = False

    def __init__(self, options: EngineOptions) -> None:
        if options.alone:
            raise ConfigError(
                "the engine inprocess takes no precise times, since all share one process; leave out --timing"
            )
        if options.sealed:
            raise ConfigError("the engine inprocess shares its process with codecs, which can't be sealed")
        self._describer = InProcessWorker()
        self._machine = Machine(current(), jobs=1)

    def close(self) -> None:
        """Forget the codecs that were constructed."""
        self._describer.close()

    @property
    def machines(self) -> tuple[Machine, ...]:
        """The one that this process is on."""
        return (self._machine,)

    def describe(self, request: Request[Answer]) -> Answer | Failed:
        """What a codec, a metric or the GPU is."""
        return self._describer.ask(request)

    def run(self, task: Task[Piece, Result], work: Sequence[Piece]) -> Iterator[Result]:
        """The results, in the order of the work, each made when it is asked for."""
        slot = LocalSlot(InProcessWorker, self._machine.environment.id, sealed=False)
        try:
            yield from map(partial(task, slot=slot), work)
        finally:
            slot.close()


class InProcessWorker:
    """Does in this process what a worker process does, with a codec of its own for each configuration."""

    def __init__(self) -> None:
        self._states: dict[Key, WorkerState] = {}
        self._paths: dict[Key, list[str]] = {}
        """Where the modules of each codec are found: beside its file, where rdbench must not look."""
        self.decoded = SharedPixels()
        self.spent = Spent()

    def ask(self, request: Request[Answer], pixels: SharedPixels | None = None) -> Answer | Failed:
        """Answer a request; it travels as to a process, so that the answer is the same.

        Raises
        ------
        KeyboardInterrupt
            The user quits the debugger.
        ConfigError
            An option of the codec is no bool, number or string.
        """
        key = key_of(request)
        state = self._states.setdefault(key, WorkerState(self.decoded.writable, own_process=False))
        state.files = attached(request, pixels)
        own_path, sys.path[:] = sys.path[:], self._paths.get(key, sys.path)
        start, cpu, pid = time.perf_counter(), time.process_time(), os.getpid()
        try:
            data = packed_answer(state, unpack_request(pack_request(request)))
        except SystemExit as error:
            if os.getpid() != pid:  # a child that the codec forked
                os._exit(1)
            return Failed("crash", request.phase, "", f"the codec calls sys.exit({error.code!r})")
        finally:
            self._paths[key], sys.path[:] = sys.path[:], own_path
        self.spent = Spent(time.perf_counter() - start, time.process_time() - cpu)
        try:
            answer = unpack_answer(request, data)
        except msgspec.ValidationError as error:
            return Failed("mismatch", request.phase, "", f"the codec told what is no answer ({error})")
        if isinstance(answer, Failed) and answer.exception == "BdbQuit":
            raise KeyboardInterrupt
        return identified(request, answer)

    def recheck(self, request: Decode, answer: Decoded, image: int) -> None:
        """There is no other process."""

    def samples(self, shape: tuple[int, ...], dtype: SampleType = "uint8") -> Samples:
        """The picture that was decoded last."""
        return read_samples(self.decoded.readable, shape, dtype)

    def met(self, shape: tuple[int, ...]) -> bool:
        """Never: it only matters for precise times."""
        return False

    def stderr(self) -> str:
        """Nothing: what a codec prints goes to the terminal."""
        return ""

    def close(self) -> None:
        """Forget the codecs."""
        self._states.clear()
        self.decoded.close()
