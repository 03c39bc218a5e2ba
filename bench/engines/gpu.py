"""What a codec does on a GPU: the clock waits for it, and its memory is counted.

torch is looked up and never imported, so a worker whose codecs do without it pays nothing. Whether a codec
runs on a GPU is told by torch's allocator: no adapter has to say so.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any, TypeVar

from bench.engines.messages import Repeat
from bench.host.processor import processor_seconds

T = TypeVar("T")


def active_cuda() -> Any:
    """The module ``torch.cuda`` where this process has begun to use a GPU; else None."""
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    return cuda if cuda is not None and cuda.is_initialized() else None


class GpuUse:
    """The GPU memory of one codec in this process, and its share of the processor.

    Other codecs and metrics may run in the same process.
    """

    def __init__(self) -> None:
        self._held = 0
        self.peak: int | None = None
        """Bytes that the codec held at most, its weights included, during the last :meth:`counted`; None
        if it did not touch the GPU."""
        self.cpu_share: float | None = None
        """Processor time ÷ time of the last :func:`timed`, 0 to 1, the median of the repetitions; None for a
        codec on the GPU, for which the processor waits."""

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count what the codec allocates inside; what others hold meanwhile is left out."""
        self.peak = None
        cuda = active_cuda()
        before = 0
        if cuda is not None:
            cuda.reset_peak_memory_stats()
            before = cuda.memory_allocated()
        yield
        cuda = active_cuda()
        if cuda is None:
            return
        most = self._held + cuda.max_memory_allocated() - before
        self._held += cuda.memory_allocated() - before
        if most > 0:
            self.peak = most


def timed(
    function: Callable[[], T],
    repeat: Repeat,
    use: GpuUse,
    take: Callable[[T, float], None] = lambda result, seconds: None,
) -> tuple[T, tuple[float, ...]]:
    """The last result, and the seconds of each repetition after the warm-up.

    Work that a codec leaves queued on the GPU is waited for inside its time, and only there: a codec on the
    CPU is not charged for asking.

    Parameters
    ----------
    use : holds afterwards the codec's peak of GPU memory, and its share of the processor
    take : is given each result and its seconds, warm-up included, outside the clock
    """
    spans: list[tuple[float, float]] = []
    shares: list[float] = []
    with use.counted():
        for number in range(repeat.calls):
            timed_one = number >= repeat.warmup
            if timed_one:
                _settle()  # nothing that came before is timed
            before = processor_seconds()
            start = perf_counter()
            result = function()
            stop = perf_counter()
            share = min(1.0, (processor_seconds() - before) / max(stop - start, 1e-9))
            settled = perf_counter() if timed_one and _settle() else stop
            take(result, settled - start)
            if timed_one:
                spans.append((stop - start, settled - start))
                shares.append(share)
    use.cpu_share = statistics.median(shares) if use.peak is None else None
    return result, tuple(settled if use.peak is not None else returned for returned, settled in spans)


def _settle() -> bool:
    """Wait for the GPU; whether there is one in use."""
    cuda = active_cuda()
    if cuda is not None:
        cuda.synchronize()
    return cuda is not None
