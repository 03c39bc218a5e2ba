"""A GPU for tests of the harness: what it asks of ``torch.cuda``, with memory that is only counted."""

from __future__ import annotations

import sys
from types import SimpleNamespace

from tests.adapters import Honest

WEIGHTS, WORK = 1000, 70


class Cuda:
    """``torch.cuda`` as far as the engine knows it."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._now = self._peak = 0

    def is_initialized(self) -> bool:
        return True

    def is_available(self) -> bool:
        return True

    def synchronize(self) -> None:
        self.calls.append("synchronize")

    def allocate(self, count: int) -> None:
        self._now += count
        self._peak = max(self._peak, self._now)

    def memory_allocated(self) -> int:
        return self._now

    def max_memory_allocated(self) -> int:
        return self._peak

    def reset_peak_memory_stats(self) -> None:
        self._peak = self._now


class OnGpu(Honest):
    """Holds weights and takes memory while it works, as a network does."""

    name = "OnGpu"
    needs = ("gpu",)

    def __init__(self) -> None:
        sys.modules.setdefault("torch", SimpleNamespace(cuda=Cuda()))
        self._cuda = sys.modules["torch"].cuda
        self._cuda.allocate(WEIGHTS)

    def encode(self, image, quality):
        self._cuda.allocate(WORK)
        self._cuda.allocate(-WORK)
        return super().encode(image, quality)

    def decode(self, bitstream):
        self._cuda.allocate(2 * WORK)
        self._cuda.allocate(-2 * WORK)
        return super().decode(bitstream)


class Beside(Honest):
    """A codec on the CPU in a process where others use the GPU."""

    name = "Beside"
