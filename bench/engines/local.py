"""Trials on this machine: one thread of the parent for each slot of worker processes."""

from __future__ import annotations

import contextlib
import math
import os
import queue
import resource
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TypeVar

from bench.engines.quota import cpu_quota
from bench.engines.worker_handle import Limits, Slot
from bench.engines.zygote import Zygote
from bench.trials.plan import Trial

R = TypeVar("R")

_CHUNKS_PER_JOB = 4
_GPU_JOBS = 4
_FILES = 1 << 16


def run_trials(
    trials: Sequence[Trial], zygote: Zygote, limits: Limits, jobs: int, measure: Callable[[Trial, Slot], R]
) -> Iterator[R]:
    """``measure(trial, slot)`` for every trial, as the results come in.

    A slot keeps to one image for as long as it can: the reader and the metrics keep what depends on the
    original alone. Codecs on a GPU come last, one after the other, since a slot holds only one of them there.
    Closing the iterator ends all workers at once.

    Raises
    ------
    WorkersLost
        The process that starts workers has ended; from the iterator.
    """
    _allow_files()
    work: queue.SimpleQueue[Sequence[Trial]] = queue.SimpleQueue()
    for chunk in _chunks(trials, jobs):
        work.put(chunk)
    results: queue.Queue[R | BaseException | None] = queue.Queue(maxsize=4 * jobs)
    stop = threading.Event()
    slots = [Slot(zygote, limits) for _ in range(jobs)]

    def deliver(item: R | BaseException | None) -> None:
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                results.put(item, timeout=0.1)
                return

    def serve(slot: Slot) -> None:
        try:
            while True:
                for trial in work.get_nowait():
                    if stop.is_set():
                        return
                    deliver(measure(trial, slot))
        except queue.Empty:
            deliver(None)
        except BaseException as error:
            deliver(error)

    threads = [threading.Thread(target=serve, args=(slot,), daemon=True) for slot in slots]
    for thread in threads:
        thread.start()
    try:
        working = len(threads)
        while working:
            item = results.get()
            if item is None:
                working -= 1
            elif isinstance(item, BaseException):
                raise item
            else:
                yield item
    finally:
        stop.set()
        for thread, slot in zip(threads, slots, strict=True):
            while thread.is_alive():
                slot.kill()
                thread.join(0.02)
            slot.close()


def _gpu_codec(trial: Trial) -> str:
    return trial.codec.label if trial.codec.on_gpu else ""


def _allow_files() -> None:
    """Let this process open as many files as it may: each worker process takes a handful."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if most == resource.RLIM_INFINITY else min(_FILES, most)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(now, wanted), most))


def default_jobs(*, gpu: bool = False) -> int:
    """One job for each processor that this process may use (affinity, quota), on a GPU at most four.

    Each job is several processes, and each that codes takes some half gigabyte of the GPU before it has done
    anything. Four keep a GPU busy: while one reads a picture or codes symbols, another's network runs.
    """
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if (quota := cpu_quota()) is not None:
        processors = min(processors, max(1, math.ceil(quota)))
    return min(_GPU_JOBS, processors) if gpu else processors


def pinned_cpu() -> int:
    """The processor for timed work: the last of those that this process may use; -1 where that is unknown."""
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else -1


def _chunks(trials: Sequence[Trial], jobs: int) -> Iterator[Sequence[Trial]]:
    """Runs of trials on one image, short enough that every job has several."""
    longest = max(1, -(-len(trials) // (_CHUNKS_PER_JOB * jobs)))
    in_order = sorted(trials, key=_gpu_codec)
    for _, group in groupby(in_order, key=lambda it: (_gpu_codec(it), it.image)):
        of_image = list(group)
        for start in range(0, len(of_image), longest):
            yield of_image[start : start + longest]
