"""The parent's side of a worker: one process for each codec."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import msgspec

from bench import registry
from bench.codec import Samples
from bench.engines import memory
from bench.engines.description import identified
from bench.engines.engine import Answer, Spent
from bench.engines.messages import (
    AskNeeds,
    Confine,
    Decode,
    Decoded,
    Encoded,
    Explain,
    Failed,
    KernelsOf,
    Key,
    Needed,
    Prepare,
    Request,
    attached,
    key_of,
)
from bench.engines.process import Limits, Process
from bench.engines.rechecks import Rechecks, unlike
from bench.engines.shared_pixels import SampleType, SharedPixels
from bench.engines.zygote import Zygote
from bench.errors import ConfigError
from bench.host.environment import memory_bytes
from bench.host.processor import usable_processors
from bench.sealing.seal import View
from bench.sealing.view import is_own
from bench.trials.codec_ref import CodecRef, Description

_HAS_KERNELS = "bench_codecs._common.kernels:has_kernels"
_MOST_PROCESSES = 32
_MEMORY_SHARE = 0.2
"""Of the limit of memory of one process, what a worker's idle processes may hold together."""


class WorkerHandle:
    """One process for each codec that it is asked about, and one for requests without a codec.

    A process is started when it is first needed, and serves no other codec: what an adapter changes in it
    (the working directory, limits, modules) is its own affair. Those that were used least recently end when
    there are too many, or when they hold too much memory; one that died is replaced at the next request.
    """

    def __init__(self, zygote: Zygote, limits: Limits) -> None:
        self._zygote = zygote
        self._limits = limits
        self._idle_memory = int(_MEMORY_SHARE * (limits.memory or memory_bytes()))
        self.processes: dict[Key, Process] = {}
        """The one used last at the end."""
        self._last: Process | None = None
        self._needs: dict[CodecRef, tuple[str, ...]] = {}
        """Of the codecs that were asked."""
        self._rechecks = Rechecks()

    def ask(self, request: Request[Answer], pixels: SharedPixels | None = None) -> Answer | Failed:
        """Send a request, with samples for the worker, and wait for the answer.

        Raises
        ------
        WorkersLost
            The process that starts workers has ended.
        ConfigError
            An option of the codec is no bool, number or string.
        """
        key = key_of(request)
        codec: CodecRef | None = getattr(request, "codec", None)
        process = self._ready(key, codec, explaining=isinstance(request, Explain))
        if isinstance(process, Failed):
            # a process that died was at what was asked of it, as far as anybody knows
            return msgspec.structs.replace(process, phase=request.phase) if process.ended else process
        answer = self._asked(key, process, request, pixels)
        if isinstance(answer, Description) and codec is not None and process.view is not None:
            answer = _contradiction(answer.needs, self._all_needs(codec)) or answer
        return identified(request, answer)

    def samples(self, shape: tuple[int, ...], dtype: SampleType = "uint8") -> Samples:
        """The picture that this worker decoded last."""
        assert self._last is not None
        return self._last.samples(shape, dtype)

    @property
    def decoded(self) -> SharedPixels:
        """What this worker decoded last."""
        assert self._last is not None
        return self._last.decoded

    @property
    def spent(self) -> Spent:
        """What the last request took, as seen from here."""
        return self._last.spent if self._last is not None else Spent()

    def recheck(self, request: Decode, answer: Decoded, image: int) -> str | None:
        """Decode again, now and then; see :class:`bench.engines.engine.Worker`."""
        process, codec = self.processes[request.codec], request.codec
        known = image in process.images
        process.images.add(image)
        if not known or not self._rechecks.due(codec):
            return None
        try:
            before = process.samples(answer.shape, answer.dtype)
        except EOFError:  # the scorer has told
            return None
        if answer.sha256 not in (None, hashlib.sha256(before.reshape(-1).data).hexdigest()):
            return "the decoder wrote another picture once it had answered"
        del self.processes[codec]
        process.close()  # there may be no memory for two; the new one takes its place
        again = self.ask(request)
        problem = _unlike(again, before, lambda: self.samples(before.shape, answer.dtype))
        if codec in self.processes:
            self.processes[codec].images.add(image)
        if problem is not None:
            self._rechecks.distrust(codec)
        return problem

    def stderr(self) -> str:
        """The last lines that the codec printed since the last request."""
        return self._last.stderr() if self._last is not None else ""

    def kill(self) -> None:
        """Kill all processes at once; safe from any thread. Whoever waits for an answer sees it die."""
        for process in list(self.processes.values()):
            process.kill()

    def close(self) -> None:
        """End all processes."""
        for process in self.processes.values():
            process.close()
        self.processes.clear()

    def _ready(self, key: Key, codec: CodecRef | None, *, explaining: bool) -> Process | Failed:
        """The process that serves a codec, which sees what it is to see; or why there is none."""
        process = self.processes.get(key)
        try:
            if (
                process is None
                or not process.alive
                or process.view != self._view(codec)
                or (explaining and not process.numba and _needs_numba(codec, explaining=True))
            ):
                failed = self._start(key, codec, explaining=explaining)
                if failed is not None:
                    return failed
        except ConfigError as error:  # needs that can't be given
            return Failed("codec_error", "load", "", str(error))
        return self.processes[key]

    def _start(self, key: Key, codec: CodecRef | None, *, explaining: bool = False) -> Failed | None:
        """Start a process and construct the codec in it; what went wrong, if anything did."""
        if (dead := self.processes.pop(key, None)) is not None:
            dead.close()
        threads = key.threads if isinstance(key, CodecRef) else 1
        if self._limits.pinned and threads > usable_processors():
            text = f"{threads} threads, and {usable_processors()} processors that may be used"
            return Failed("unsupported", "load", "", text)
        view = self._view(codec)
        numba = _needs_numba(codec, explaining=explaining)
        try:
            process = Process(self._zygote, self._limits, threads, apart=view is not None, numba=numba)
        except OSError as error:
            return Failed("crash", "load", "", f"no process can be started ({error.strerror})")
        self.processes[key] = process
        if codec is None:
            return None
        process.view = view
        kernels = None
        if view is not None and is_own(codec.target) and (explaining or not isinstance(key, CodecRef)):
            kernels = KernelsOf(codec.target, explaining)
        confined = self._asked(key, process, Confine(view, kernels))
        if isinstance(confined, Failed):
            return confined
        process.idle = memory.resident(process.pid)
        if view is not None and not codec.settled and codec not in self._needs:
            needed = self._asked(key, process, AskNeeds(codec))
            # what fails in it fails again where it is told
            self._needs[codec] = needed.needs if isinstance(needed, Needed) else ()
            if self._needs[codec] or not process.alive:
                return self._start(key, codec, explaining=explaining)
        if not isinstance(key, CodecRef):
            return None
        prepared = self._asked(key, process, Prepare(key))
        return prepared if isinstance(prepared, Failed) else None

    def _view(self, codec: CodecRef | None) -> View | None:
        """What a process with this codec sees of the machine; None for everything."""
        if codec is None or self._limits.view is None:
            return None
        return self._limits.view(codec, self._all_needs(codec))

    def _all_needs(self, codec: CodecRef) -> tuple[str, ...]:
        """What a codec is given, and has declared when it was asked."""
        return tuple(dict.fromkeys((*codec.needs, *self._needs.get(codec, ()))))

    def _asked(
        self, key: Key, process: Process, request: Request[Answer], pixels: SharedPixels | None = None
    ) -> Answer | Failed:
        self._last = process
        self.processes[key] = self.processes.pop(key)
        answer = process.ask(request, attached(request, pixels))
        if isinstance(answer, Failed) and (answer.status == "oom" or isinstance(request, Confine | Prepare)):
            process.end()  # what it holds on to would be missing, or it is not shut in
        process.on_gpu |= isinstance(answer, Encoded | Decoded) and answer.took.gpu_bytes is not None
        self._retire(process)
        return answer

    def _retire(self, current: Process) -> None:
        """End those processes that were used least recently, as far as there is no room for them."""
        if len(self.processes) == 1:
            return
        current.resident = (memory.used(current.pid) or 0) if current.alive else 0
        for key, process in list(self.processes.items()):
            held = sum(it.resident for it in self.processes.values())
            crowded = len(self.processes) > _MOST_PROCESSES or held > self._idle_memory
            # On a GPU each process takes some half gigabyte before it has done anything.
            if process is not current and (crowded or (process.on_gpu and current.on_gpu)):
                del self.processes[key]
                process.close()


def _needs_numba(codec: CodecRef | None, *, explaining: bool) -> bool:
    """Whether the process of a codec is to have numba before it is sealed, and can be told to keep nothing.

    rdbench's own are known; any other may have kernels.
    """
    if codec is None:
        return False
    if not is_own(codec.target):
        return True
    return bool(registry.load(_HAS_KERNELS)(codec.target, explaining=explaining))


def _contradiction(told: tuple[str, ...], given: tuple[str, ...]) -> Failed | None:
    """Why the needs that a codec tells, and that are recorded, are not those that its process was given."""
    if {*told} == {*given}:
        return None
    first, now = (", ".join(map(repr, it)) or "nothing" for it in (given, told))
    text = (
        f"it declared to need {first} before its process was sealed, and {now} afterwards: what a codec is"
        " given is what is recorded, so `needs` has to stay the same"
    )
    return Failed("codec_error", "load", "", text)


def _unlike(again: Decoded | Failed, before: Samples, after: Callable[[], Samples]) -> str | None:
    """Why what a process alone answered is not what another one decoded ``before``.

    That it took too long, or found no memory beside the other one, says nothing.
    """
    if isinstance(again, Failed):
        if again.status in ("oom", "timeout", "unsupported"):
            return None
        told = f"does not decode this bitstream: {again.reason}"
    elif again.shape == before.shape and not unlike(before, after()):
        return None
    else:
        told = "decodes this bitstream to another picture"
    return (
        f"a process that has decoded nothing else {told}; the decoder needs what it keeps of other"
        " bitstreams, or gives another picture each time"
    )
