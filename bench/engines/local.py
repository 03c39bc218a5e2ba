"""The engine of this machine: worker processes, and one thread of this process for each slot of three."""

from __future__ import annotations

import contextlib
import queue
import resource
import threading
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.engines.chunks import about_one_image
from bench.engines.engine import Answer, Engine, EngineOptions, Machine, Piece, Result, Task
from bench.engines.zygote import Zygote
from bench.errors import ConfigError
from bench.host.environment import Environment, current
from bench.host.processes import allowed

if TYPE_CHECKING:
    from bench.engines.messages import Failed, Request
    from bench.engines.slot import LocalSlot
    from bench.engines.worker_handle import WorkerHandle
    from bench.sealing.seal import View
    from bench.trials.codec_ref import CodecRef

_CHUNKS_PER_JOB = 4
_GPU_JOBS = 4
_MOST_FILES = 1 << 16


class LocalEngine(Engine):
    """Isolated worker processes on this machine.

    The process that forks workers starts with the engine, and loads what all of them share while the caller
    goes on: so nothing heavy is imported here before a worker is asked.
    """

    isolated = True

    def __init__(self, options: EngineOptions, memory: int | None = None) -> None:
        """``memory`` in bytes is what all codecs may have; by default most of the machine's.

        Raises
        ------
        ConfigError
            Codecs are to be sealed, and this machine can't.
        """
        self._options = options
        self._memory = memory
        self._hidden = frozenset(options.hidden)
        """What no codec is to see."""
        self._views: dict[tuple[CodecRef, tuple[str, ...]], View] = {}
        self._looking = threading.Lock()
        """Slots may have more hidden while others make views."""
        if options.sealed:
            _require_sealing()
        self._zygote = Zygote()
        self._describer: WorkerHandle | None = None

    def close(self) -> None:
        """End all processes."""
        self.end_describing()
        self._zygote.close()

    @property
    def machines(self) -> tuple[Machine, ...]:
        """The one that this process is on."""
        processors = default_jobs(on_gpu=False)
        return (Machine(self._environment, self._options.jobs or processors, processors=processors),)

    def describe(self, request: Request[Answer]) -> Answer | Failed:
        """What a codec, a metric or the GPU is, from a worker of its own: a broken one can't harm a run."""
        if self._describer is None:
            self._describer = self._worker()
        return self._describer.ask(request)

    def run(self, task: Task[Piece, Result], work: Sequence[Piece]) -> Iterator[Result]:
        """The results, as they come in.

        A slot keeps to one image for as long as it can: the reader and the metrics keep what depends on the
        original alone. Codecs on a GPU come last, one after the other, since a slot holds only one of them
        there. All workers end with the iterator.

        Raises
        ------
        WorkersLost
            The process that starts workers has ended; from the iterator.
        """
        self.end_describing()
        self.hide({it.path for it in work})
        on_gpu = task.on_gpu or any(it.codec.on_gpu for it in work)
        jobs = 1 if self._options.alone else self._options.jobs or default_jobs(on_gpu=on_gpu)
        jobs = max(1, min(jobs, len(work)))
        longest = -(-len(work) // (_CHUNKS_PER_JOB * jobs))
        yield from _run(task, about_one_image(work, longest), self.slots(jobs))

    def slots(self, count: int) -> list[LocalSlot[WorkerHandle]]:
        """Slots that share this machine's memory between them; whoever asks for them closes them."""
        from bench.engines.slot import LocalSlot

        machine = self._environment.id
        start = partial(self.worker, count)
        return [LocalSlot(start, machine, sealed=self.sealed) for _ in range(count)]

    def hide(self, images: Iterable[Path]) -> None:
        """Keep images from codecs from now on: their folders, and where links lead the files there."""
        images = [it.absolute() for it in images]
        found = {it.parent for it in images} | {it.resolve() for it in images if it.is_symlink()}
        with self._looking:
            if not found <= self._hidden:
                self._hidden |= found
                self._views.clear()

    def worker(self, count: int) -> WorkerHandle:
        """A worker of one of ``count`` slots."""
        _allow_files()
        return self._worker(count, pinned=self._options.alone)

    @cached_property
    def sealed(self) -> bool:
        """Whether codecs are sealed; where the user has no wish, that is tried when it is first asked."""
        wanted = self._options.sealed
        return self._zygote.can_seal() if wanted is None else wanted

    @cached_property
    def _environment(self) -> Environment:
        return current()

    def _worker(self, share: int = 1, *, pinned: bool = False) -> WorkerHandle:
        """A worker that gets one of ``share`` equal parts of the memory."""
        from bench.engines.process import Limits, share_of_memory
        from bench.engines.worker_handle import WorkerHandle

        view = self._view if self.sealed else None
        return WorkerHandle(
            self._zygote, Limits(self._options.timeout, share_of_memory(share, self._memory), pinned, view)
        )

    def _view(self, codec: CodecRef, needs: tuple[str, ...]) -> View:
        with self._looking:
            if (codec, needs) not in self._views:
                from bench.inputs.datasets import data_folders
                from bench.registry import CODECS, targets
                from bench.sealing.view import view_of

                foreign, granted = self._options.foreign, needs
                if foreign and codec.target not in targets(CODECS).values():
                    granted = tuple(it for it in needs if it == "gpu")
                gpu = ("gpu",) if codec.has_gpu else ()
                hidden = self._hidden.union(data_folders())
                values = [it for _, it in codec.config]
                self._views[codec, needs] = view_of(
                    codec.target,
                    values,
                    (*granted, *gpu),
                    hidden,
                    working_folder=not foreign,
                    patterns=codec.trusted,
                )
            return self._views[codec, needs]

    def end_describing(self) -> None:
        """End the processes that answered :meth:`describe`: they would hold memory beside those of a run."""
        if self._describer is not None:
            self._describer.close()
            self._describer = None


def default_jobs(*, on_gpu: bool) -> int:
    """One job for each processor that this process may use, on a GPU at most four.

    Each job is several processes, and each that codes takes some half gigabyte of the GPU before it has done
    anything. Four keep a GPU busy: while one reads a picture or codes symbols, another's network runs.
    """
    from bench.host.processor import usable_processors

    return min(_GPU_JOBS, usable_processors()) if on_gpu else usable_processors()


def _run(
    task: Task[Piece, Result], chunks: Iterator[Sequence[Piece]], slots: Sequence[LocalSlot[WorkerHandle]]
) -> Iterator[Result]:
    """The results of all chunks, from a thread for each slot; the slots end with the iterator."""
    waiting: queue.SimpleQueue[Sequence[Piece]] = queue.SimpleQueue()
    for chunk in chunks:
        waiting.put(chunk)
    results: queue.Queue[Result | _Finished] = queue.Queue(maxsize=4 * len(slots))
    stop = threading.Event()

    def deliver(item: Result | _Finished) -> None:
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                results.put(item, timeout=0.1)
                return

    def serve(slot: LocalSlot[WorkerHandle]) -> None:
        try:
            while True:
                for piece in waiting.get_nowait():
                    if stop.is_set():
                        return
                    deliver(task(piece, slot))
        except queue.Empty:
            deliver(_Finished())
        except BaseException as error:
            deliver(_Finished(error))

    threads = [threading.Thread(target=serve, args=(slot,), daemon=True) for slot in slots]
    for thread in threads:
        thread.start()
    try:
        working = len(threads)
        while working:
            item = results.get()
            if not isinstance(item, _Finished):
                yield item
            elif item.error is not None:
                raise item.error
            else:
                working -= 1
    finally:
        stop.set()
        for thread, slot in zip(threads, slots, strict=True):
            while thread.is_alive():
                for worker in slot.workers:
                    worker.kill()
                thread.join(0.02)
            slot.close()


def _require_sealing() -> None:
    """Refuse where codecs can't be sealed.

    Raises
    ------
    ConfigError
        This machine can't.
    """
    from bench.sealing.seal import can_seal, obstacle

    if not can_seal():
        raise ConfigError(f"codecs can't be sealed here: {obstacle()}; or leave out --sealed")


class _Finished:
    """A thread has no more to do, or can do no more."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def _allow_files() -> None:
    """Let this process open as many files as it may: each worker process takes a handful."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = allowed(resource.RLIMIT_NOFILE, _MOST_FILES)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(now, wanted), most))
