"""Adapters that reach beyond their own work: into other codecs, the metrics, the clock, the parent."""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import sys
import time
from pathlib import Path

import numpy as np

from tests.adapters import Honest


class Patches(Honest):
    """Improves metrics, checks and the built-in JPEG codec, as far as they are in its process."""

    def encode(self, image, quality):
        import builtins

        import bench.engines.worker
        import bench.trials.output_checks
        from bench.metrics.psnr import PsnrRgb
        from bench_codecs.jpeg import Jpeg

        written = super().encode(image, quality)
        PsnrRgb.__call__ = lambda self, pair: 99.0
        Jpeg.encode = lambda self, image, quality: b"\xff" * 20_000
        bench.engines.worker.check_pixels = lambda *given, **options: True
        np.array_equal = lambda *given: True
        builtins.sum = lambda *given: 0
        return written


class Harms(Honest):
    """Leaves its process in a bad state: directory, limits, environment, signals, file mode."""

    def encode(self, image, quality):
        os.chdir("/")
        os.umask(0o777)
        os.environ.clear()
        sys.path.clear()
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        written = super().encode(image, quality)
        resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
        return written


class TellsProcess(Honest):
    """Its bitstream ends with the process that wrote it."""

    def encode(self, image, quality):
        return super().encode(image, quality) + os.getpid().to_bytes(8, "big")


class WritesThroughProc(Honest):
    """Opens again, for writing, every file that it finds open, and blackens it."""

    def encode(self, image, quality):
        for entry in Path("/proc/self/fd").iterdir():
            try:
                if "memfd" not in os.readlink(entry):
                    continue
                with entry.open("r+b") as file:
                    file.write(bytes(image.nbytes))
            except OSError:
                continue
        return super().encode(image, quality)


class ForksAndCrashes(Honest):
    """Its child lives on and holds all that was open."""

    def encode(self, image, quality):
        if os.fork() == 0:
            time.sleep(3600)
        os.kill(os.getpid(), signal.SIGSEGV)


class StopsItself(Honest):
    def encode(self, image, quality):
        os.kill(os.getpid(), signal.SIGSTOP)


class LeavesDaemon(Honest):
    """Its grandchild leads a session of its own."""

    def encode(self, image, quality):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(3600)
            os._exit(0)
        return super().encode(image, quality)


class SharesMemory(Honest):
    """Takes its memory as a shared mapping, which RLIMIT_DATA does not count."""

    def encode(self, image, quality):
        import mmap

        size = 3 << 28
        with mmap.mmap(-1, size) as memory:
            for start in range(0, size, mmap.PAGESIZE):
                memory[start] = 1
            time.sleep(3600)


class SaysMuch(Honest):
    def encode(self, image, quality):
        raise ValueError("x" * 100_000_000)


class PrintsMuch(Honest):
    def encode(self, image, quality):
        for _ in range(100):
            os.write(2, b"y" * 1_000_000)
        return super().encode(image, quality)


class Unspeakable(Honest):
    """Its exception can't say what it is."""

    class Mute(Exception):
        def __str__(self):
            raise RuntimeError("no")

    def encode(self, image, quality):
        raise self.Mute


class WritesNothing(Honest):
    def encode(self, image, quality):
        return b""


class Chatters(Honest):
    """Answers in its own words, before the harness does."""

    def encode(self, image, quality):
        for entry in Path("/proc/self/fd").iterdir():
            if "socket" in os.readlink(entry):
                os.write(int(entry.name), (9).to_bytes(8, "little") + b"\0not a map")
        return super().encode(image, quality)


class AnswersAhead(Honest):
    """Says something a moment after its answer, when it is not asked."""

    def encode(self, image, quality):
        import threading

        threading.Timer(0.2, self.say).start()
        return super().encode(image, quality)

    def say(self):
        for entry in Path("/proc/self/fd").iterdir():
            if entry.is_socket():
                os.write(int(entry.name), (9).to_bytes(8, "little") + b"\0not a map")
        Path(os.environ["RDBENCH_TEST_MARK"], "said").touch()


class Reshapes(Honest):
    """Leaves the samples that it was given as they are, in another shape."""

    def encode(self, image, quality):
        written = super().encode(image, quality)
        image.shape = (-1, 3)
        return written


class KillsParent(Honest):
    def encode(self, image, quality):
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(3600)


class Spawns(Honest):
    """Uses a pool of processes that do not inherit this one."""

    def encode(self, image, quality):
        import multiprocessing

        with multiprocessing.get_context("spawn").Pool(1) as pool:
            assert pool.map(_double, [1, 2]) == [2, 4]
        return super().encode(image, quality)


def _double(number):
    return 2 * number


class HangsInConstructor(Honest):
    def __init__(self):
        time.sleep(3600)


class ExitsInConstructor(Honest):
    def __init__(self):
        os._exit(0)


class EatsMemoryInConstructor(Honest):
    def __init__(self):
        hoard = []
        while True:
            hoard.append(np.ones(1 << 27, np.uint8))


class Exploit:
    """Runs code where it is unpickled."""

    def __reduce__(self):
        return os.close, (os.open(os.environ["RDBENCH_TEST_MARK"], os.O_CREAT | os.O_WRONLY),)


class HashIsExploit(Honest):
    weights_sha256 = Exploit()


class HashIsPath(Honest):
    weights_sha256 = Path("weights.bin")


class RangeIsNan(Honest):
    quality_range = (float("nan"), 8.0)


class DefaultIsObject(Honest):
    def __init__(self, *, thing=Exploit):
        pass


class DefaultIsNan(Honest):
    def __init__(self, *, strength: float = float("nan")):
        pass


class NameIsSurrogate(Honest):
    version = "caf\udce9"


LEVEL, SHARE = np.int64(3), np.float32(0.5)


class HonestSlips(Honest):
    """Paths, numpy's numbers and digests where plain values were meant."""

    lossless = np.bool_(False)
    qualities = np.array([2, 4, 6])
    quality_range = np.array([1, 8])
    weights_sha256 = bytes(32)

    def __init__(self, *, table: Path = Path("tables") / "a.bin", level=LEVEL, share=SHARE):
        assert isinstance(table, Path)

    def complexity(self):
        return {"parameters": 7, "weight_bytes": np.float32(2), "training_hours": float("nan")}


class TellsLimits:
    """An error with how many files and processes it may have."""

    def __init__(self):
        limits = (resource.getrlimit(it)[1] for it in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC))
        raise RuntimeError(" ".join(map(str, limits)))

    def encode(self, image): ...

    def decode(self, bitstream): ...


class IsAnother:
    """Has its process tell that its file has another hash."""

    qualities = (1.0,)

    def __init__(self):
        from bench import registry
        from bench.files import codec_files

        for module in (registry, codec_files):
            module.file_version = lambda *given: "+sha256:000000000000"
            module.imported_beside = lambda *given: ("/etc/hostname", __file__ + "x")
        hashlib.sha256 = lambda data=b"": hashlib.md5(data)

    def encode(self, image, quality): ...

    def decode(self, bitstream): ...
