"""The parent's side of the workers: one process for each codec, and the three workers that a trial visits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from bench.codec import Image
from bench.engines import memory
from bench.engines.messages import Describe, Failed, Load, Loaded, Prepare, Prepared
from bench.engines.process import Died, Limits, Process, Spent, share_of_memory
from bench.engines.shared_pixels import SampleFile
from bench.engines.zygote import Zygote
from bench.errors import ConfigError
from bench.host.environment import memory_bytes
from bench.trials.codec_ref import CodecRef

__all__ = ["Died", "Limits", "Original", "Slot", "Spent", "Worker", "share_of_memory"]

Key: TypeAlias = CodecRef | str | None
"""What a process serves: a codec, descriptions of what a target names, or requests without a codec."""

_MOST_PROCESSES = 32
_MEMORY_SHARE = 0.2
"""Of the limit of memory of one process, what a worker's idle processes may hold together."""


class Worker:
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

    def ask(self, request: Any, files: Sequence[int] = ()) -> Any:
        """Send a request, with descriptors for the worker, and wait for the answer.

        Returns the worker's answer, :class:`~bench.engines.messages.Failed`, or :class:`Died`.

        Raises
        ------
        WorkersLost
            The process that starts workers has ended.
        ConfigError
            An option of the codec is no bool, number or string.
        """
        codec: CodecRef | None = getattr(request, "codec", None)
        # What a class says of its configurations needs no process for each: importing torch takes seconds.
        key = request.codec.target if isinstance(request, Describe) else codec
        process = self.processes.get(key)
        if process is None or not process.alive:
            answer = self._start(key)
            if answer is not None:
                return answer
            process = self.processes[key]
        repeat = getattr(request, "repeat", None)
        return self._asked(key, process, request, 1 if repeat is None else repeat.calls, files)

    def samples(self, shape: tuple[int, ...]) -> Image:
        """The picture that this worker decoded last."""
        assert self._last is not None
        return self._last.samples(shape)

    @property
    def decoded(self) -> int:
        """Descriptor of the samples that this worker decoded last."""
        assert self._last is not None
        return self._last.decoded

    @property
    def spent(self) -> Spent:
        """What the last request took, as seen from here."""
        return self._last.spent if self._last is not None else Spent()

    def met(self, shape: tuple[int, ...]) -> bool:
        """Whether the last process was asked about a picture of this shape before; from now on it was."""
        assert self._last is not None
        known = shape in self._last.shapes
        self._last.shapes.add(shape)
        return known

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

    def _start(self, key: Key) -> Failed | Died | None:
        """Start a process and construct the codec in it; what went wrong, if anything did."""
        if (dead := self.processes.pop(key, None)) is not None:
            dead.close()
        process = self.processes[key] = Process(self._zygote, self._limits)
        if not isinstance(key, CodecRef):
            return None
        answer = self._asked(key, process, Prepare(key), 1, ())
        return None if isinstance(answer, Prepared) else answer

    def _asked(self, key: Key, process: Process, request: Any, calls: int, files: Sequence[int]) -> Any:
        self._last = process
        self.processes[key] = self.processes.pop(key)
        try:
            answer = process.ask(request, calls, files)
        except (TypeError, OverflowError, ValueError) as error:
            name = key.target if isinstance(key, CodecRef) else key
            raise ConfigError(f"codec {name}: {error}") from error
        if isinstance(answer, Failed) and (answer.status == "oom" or isinstance(request, Prepare)):
            process.end()  # what it holds on to would be missing
        process.on_gpu |= getattr(answer, "gpu_bytes", None) is not None
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


@dataclass(frozen=True)
class Original:
    """A picture that was read and cannot change any more."""

    image: Path
    sha256: str | None
    """Of the file's bytes, where it was to be a certain file."""
    shape: tuple[int, int, int]
    treatment: str
    samples: SampleFile


class Slot:
    """The three workers that a trial visits: nothing but the bitstream passes from encoder to decoder.

    The scorer reads the original and takes the metrics; no adapter is ever loaded there.
    """

    def __init__(self, zygote: Zygote, limits: Limits) -> None:
        self.scorer = Worker(zygote, limits)
        self.encoder = Worker(zygote, limits)
        self.decoder = Worker(zygote, limits)
        self._original: Original | None = None

    def original(self, image: Path, sha256: str | None) -> Original | Failed | Died:
        """A picture as the scorer read it; it is kept until another one is asked for."""
        image = image.absolute()
        kept = self._original
        if kept is not None and (kept.image, kept.sha256) == (image, sha256):
            return kept
        self._forget()
        samples = SampleFile()
        answer = self.scorer.ask(Load(image, sha256), [samples.writable])
        if not isinstance(answer, Loaded):
            samples.close()
            assert isinstance(answer, Failed | Died)
            return answer
        samples.seal()
        self._original = Original(image, sha256, answer.shape, answer.treatment, samples)
        return self._original

    def kill(self) -> None:
        """Kill all processes at once; safe from any thread."""
        for worker in (self.scorer, self.encoder, self.decoder):
            worker.kill()

    def close(self) -> None:
        """End all processes."""
        for worker in (self.scorer, self.encoder, self.decoder):
            worker.close()
        self._forget()

    def _forget(self) -> None:
        if self._original is not None:
            self._original.samples.close()
            self._original = None
