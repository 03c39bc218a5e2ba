"""Codecs that do the work and lie about the time, or about the result: each slow enough to be worth it.

``told`` is a pattern of what a run says of those that it refuses.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time

import msgspec
import numpy as np

WORK = 0.06
_MUCH = bytes(10_000_000)
ADD_UP = "times don't add up"
NO_ANSWER = "sent what is no answer"


def burn(seconds: float = WORK) -> None:
    """Work for so long, by this thread's own clock."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


class Slow:
    """Honest: six bits a sample, and work."""

    qualities = (6.0,)
    lossless = False

    def encode(self, image, quality):
        return bytes(image.shape[1].to_bytes(2, "big")) + (image >> 2).tobytes()

    def decode(self, bitstream):
        burn()
        width = int.from_bytes(bitstream[:2], "big")
        return np.frombuffer(bitstream[2:], np.uint8).reshape(-1, width, 3) << 2


class WorksInThreads(Slow):
    """Honest: shares its work among threads, and waits for them."""

    def decode(self, bitstream):
        threads = [threading.Thread(target=burn, args=(WORK / 4,)) for _ in range(4)]
        for it in threads:
            it.start()
        for it in threads:
            it.join()
        return Slow.decode(self, bitstream)


class CachesTables(Slow):
    """Honest: has its tables from the first call on."""

    tables = None

    def decode(self, bitstream):
        if self.tables is None:
            burn(10 * WORK)
            self.tables = np.arange(256)
        return super().decode(bitstream)


class PatchesTheClock(Slow):
    """Has the harness's own clock stand still; its first call ends before it begins."""

    told = f"{ADD_UP}|{NO_ANSWER}"

    def decode(self, bitstream):
        import bench.engines.gpu

        bench.engines.gpu.perf_counter = lambda: 0.0
        return super().decode(bitstream)


class StartsTheClockStopped(Slow):
    """The same, from when it is constructed."""

    told = ADD_UP

    def __init__(self):
        import bench.engines.gpu

        bench.engines.gpu.perf_counter = lambda: 0.0


class PatchesTheLibrary(Slow):
    """Has the standard library's clocks stand still, which the harness does not ask any more."""

    def decode(self, bitstream):
        time.perf_counter = time.monotonic = time.time = lambda: 0.0
        return super().decode(bitstream)


class WorksOnceInThree(Slow):
    """Works in the repetition that counts."""

    told = "decode returned something else when it was repeated"
    calls = 0

    def decode(self, bitstream):
        self.calls += 1
        return super().decode(bitstream) if self.calls % 3 == 0 else np.zeros((1, 1, 3), np.uint8)


class Lively(Slow):
    """Another bitstream each time."""

    told = "encode returned something else when it was repeated"
    calls = 0

    def encode(self, image, quality):
        self.calls += 1
        return super().encode(image, quality) + bytes([self.calls, 0, 0] * image.shape[1])


class GoesOnInThread(Slow):
    """Returns at once; a thread, which leaves the interpreter to the harness meanwhile, does the work."""

    def decode(self, bitstream):
        width = int.from_bytes(bitstream[:2], "big")
        pixels = np.zeros((len(bitstream[2:]) // 3 // width, width, 3), np.uint8)
        thread = threading.Thread(target=self.fill, args=(pixels, bitstream))
        thread.start()
        return pixels

    def fill(self, pixels, bitstream):
        pixels[:] = np.frombuffer(bitstream[2:], np.uint8).reshape(pixels.shape) << 2
        end = time.thread_time() + WORK
        while time.thread_time() < end:
            hashlib.sha256(_MUCH)


class ForksHelpers(Slow):
    """Has a child do half of the work, on a processor that it was not given."""

    def decode(self, bitstream):
        child = os.fork()
        if child == 0:
            os.sched_setaffinity(0, range(os.cpu_count()))
            burn()
            os._exit(0)
        pixels = super().decode(bitstream)
        os.waitpid(child, 0)
        return pixels


class Remembers(Slow):
    """Decodes once and gives the same to every repetition."""

    told = "results are kept between calls"
    last = (b"", None)

    def decode(self, bitstream):
        if self.last[0] != bitstream:
            self.last = bitstream, super().decode(bitstream)
        return self.last[1].copy()


class RemembersAndIdles(Remembers):
    """The same, and takes a seventeenth for each repetition."""

    def decode(self, bitstream):
        if self.last[0] == bitstream:
            burn(WORK / 17)
        return super().decode(bitstream)


class RemembersPictures(Slow):
    """Encodes once, and hands out the same."""

    told = "results are kept between calls"
    last = (b"", b"")

    def encode(self, image, quality):
        data = image.tobytes()
        if self.last[0] != data:
            burn()
            self.last = data, super().encode(image, quality)
        return self.last[1]


class Forges(Slow):
    """Has the harness, in its own process, tell other times than it took."""

    told = ADD_UP

    def __init__(self):
        import bench.engines.worker as harness

        measured = harness._measured

        def forged(*given):
            result, took = measured(*given)
            return result, msgspec.structs.replace(took, **self.forged(took.calls))

        if not hasattr(harness, "forges"):
            harness.forges = True
            harness._measured = forged

    def forged(self, calls) -> dict[str, object]:
        """What is told instead."""
        return {"calls": tuple(it / 1000 for it in calls)}


class ForgesRepetitions(Forges):
    """Of the repetitions alone, so that the first call is right."""

    def forged(self, calls):
        return {"calls": (calls[0], *(it / 1000 for it in calls[1:]))}


class ForgesFirst(Forges):
    """The sum is right: the time of the repetitions is told as that of the first call."""

    told = "results are kept between calls"

    def forged(self, calls):
        told = [it / 1000 for it in calls[1:]]
        return {"calls": (sum(calls) - sum(told), *told)}


class ForgesPrograms(Forges):
    """The sum is right: the time of the repetitions is told as that of programs."""

    told = "results are kept between calls"

    def forged(self, calls):
        told = tuple(it / 1000 for it in calls)
        return {"calls": told, "programs": sum(calls) - sum(told)}


class ForgesMemory(Forges):
    """Tells of little memory, and no less time."""

    weights_sha256 = "0" * 64
    told = ""

    def forged(self, calls):
        return {"program_peak_bytes": 1}

    def decode(self, bitstream):
        hoard = np.ones(100_000_000, np.uint8)
        return super().decode(bitstream) + (hoard[-1] - np.uint8(1))


class ClaimsGpu(Forges, Remembers):
    """Keeps results, and says that it was a GPU that it worked on."""

    told = "was given none|results are kept"

    def forged(self, calls):
        return {"gpu_bytes": 1}


class ForgesNumbers(Forges):
    """Tells what no journal can hold."""

    told = NO_ANSWER

    def forged(self, calls):
        return {"gpu_bytes": -5, "startup": 1e300, "cpu_share": float("inf"), "calls": (-1.0,) * len(calls)}


class SaysTooMuch(Slow):
    """Fills the journal."""

    told = NO_ANSWER
    treatment = "A" * 5_000_000


class LazyBytes(Slow):
    """Its bitstream is computed when somebody looks at it."""

    told = ""

    class Later(bytes):
        picture = None

    def encode(self, image, quality):
        later = self.Later(super().encode(image, quality)[:2])
        later.picture = image
        return later

    def decode(self, bitstream):
        picture = getattr(bitstream, "picture", None)
        return np.full((1, 1, 3), 128, np.uint8) if picture is None else picture


class LazyArray(Slow):
    """Its picture is computed when somebody looks at it."""

    told = "not a numpy array"

    class Later(np.ndarray):
        def __array_finalize__(self, other):
            burn()

    def decode(self, bitstream):
        width = int.from_bytes(bitstream[:2], "big")
        return np.frombuffer(bitstream[2:], np.uint8).reshape(-1, width, 3).view(self.Later)


class ForgesTheAnswer(Slow):
    """Sends an answer of its own with better times, and is gone before the harness can send the true one."""

    told = f"ended while it answered|ended by itself|{ADD_UP}"

    def decode(self, bitstream):
        import gc

        from bench.engines import messages
        from bench.engines.channel import Channel
        from bench.engines.shared_pixels import write_samples
        from bench.engines.worker import WorkerState

        pixels = super().decode(bitstream)
        (state,) = (it for it in gc.get_objects() if isinstance(it, WorkerState))
        (channel,) = (it for it in gc.get_objects() if isinstance(it, Channel))
        write_samples(state.samples, pixels)
        forged = messages.Decoded(pixels.shape, messages.Took(calls=(1e-6,) * 4))
        channel.send(messages.pack(forged))
        os._exit(0)


class PatchesMetrics(Slow):
    """Has numpy, builtins, metrics and checks say what it likes, in its own process."""

    told = ""

    def encode(self, image, quality):
        import builtins

        import bench.engines.worker
        import bench.trials.output_checks
        from bench.metrics.psnr import PsnrRgb

        written = super().encode(image, quality)
        PsnrRgb.__call__ = lambda self, pair: 99.0
        bench.engines.worker.check_pixels = lambda *given, **options: True
        np.array_equal = lambda *given: True
        builtins.sum = lambda *given: 0
        return written
