"""Adapters for tests of memory and of what a learned codec says of itself."""

from __future__ import annotations

import os

import numpy as np

from tests.adapters import Honest


class TorchEatsMemory(Honest):
    def encode(self, image, quality):
        import torch

        return bytes(torch.empty(1 << 46, dtype=torch.uint8)[:4].numpy())


class AbortsForMemory(Honest):
    """Dies as a C++ library does whose allocation fails."""

    def encode(self, image, quality):
        os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n")
        os.abort()


class NoComplexity(Honest):
    def complexity(self):
        raise RuntimeError("not counted")


class Learned(Honest):
    """Says that it has weights; decodes quality 6 with half a gibibyte, and others with none."""

    weights_sha256 = "0" * 64

    def decode(self, bitstream):
        if bitstream[4] == 6:
            np.ones(1 << 29, np.uint8)
        return super().decode(bitstream)


class Counted(Learned):
    def complexity(self):
        return {"parameters": 1}


class AlsoCounted(Counted):
    pass


class LeavesPages(Learned):
    """Quality 6 goes through 200 MB of small pieces, which the allocator keeps; others through 20 MB."""

    def __init__(self):
        self.table = np.ones(30_000_000, np.uint8)

    def _work(self, quality):
        pieces = [np.ones(100_000, np.uint8) for _ in range(2000 if quality == 6 else 200)]
        self.pin = np.ones(1000, np.uint8)  # lies above the pieces, so that the heap can't shrink
        del pieces

    def encode(self, image, quality):
        self._work(quality)
        return super().encode(image, quality)

    def decode(self, bitstream):
        self._work(bitstream[4])
        return Honest.decode(self, bitstream)


class WritesBehindNumpy(Honest):
    """Writes into its input behind numpy's back."""

    def encode(self, image, quality):
        import ctypes

        ctypes.memset(image.ctypes.data, 0, image.nbytes // 2)
        return super().encode(image, quality)


_HOARD = []


class Hoards(Honest):
    """Keeps what it allocates until there is no more."""

    def encode(self, image, quality):
        while True:
            _HOARD.append(np.ones(1 << 27, np.uint8))


class Carries(bytes):
    """Bytes with something beside them."""


class SubclassOfBytes(Honest):
    def encode(self, image, quality):
        found = Carries(super().encode(image, quality))
        found.original = image.copy()
        return found


class NumpyComplexity(Honest):
    def complexity(self):
        return {"parameters": np.int64(7)}


class ForksAndForgets(Honest):
    """Its child comes back from the call as well."""

    def encode(self, image, quality):
        if os.fork() == 0:
            raise ValueError("the child failed")
        return super().encode(image, quality)


class DiesOfRealTimeSignal(Honest):
    def encode(self, image, quality):
        os.kill(os.getpid(), 40)


class SpeaksSurrogates(Honest):
    def encode(self, image, quality):
        raise ValueError("caf\udce9")


class Sleeps(Honest):
    def encode(self, image, quality):
        import time

        time.sleep(0.4)
        return super().encode(image, quality)


class UsesThreads(Honest):
    """Refuses to work with another number of processors, or with libraries told another number of threads."""

    added_options = ("threads",)

    def __init__(self, *, threads: int = 1) -> None:
        self.threads = threads

    def encode(self, image, quality):
        processors, told = len(os.sched_getaffinity(0)), os.environ["OMP_NUM_THREADS"]
        if processors != self.threads or told != str(self.threads):
            raise RuntimeError(f"{self.threads} threads: {processors} processors, libraries are told {told}")
        return super().encode(image, quality)


class ThreadsCostBits(UsesThreads):
    """Quality 6 takes a byte more with each thread."""

    def encode(self, image, quality):
        return super().encode(image, quality) + bytes(self.threads - 1 if quality == 6 else 0)


class EncodesWith64Megabytes(Honest):
    """Holds a buffer of 64 MB while it encodes, and none while it decodes."""

    def encode(self, image, quality):
        np.ones(64_000_000, np.uint8)
        return super().encode(image, quality)
