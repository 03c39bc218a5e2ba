"""Adapters for tests of clusters."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tests.adapters import Honest


class Steady(Honest):
    """Slow enough that something can happen meanwhile; another codec for each number."""

    def __init__(self, number: int = 0) -> None:
        self.number = number

    def encode(self, image, quality):
        time.sleep(0.3)
        return super().encode(image, quality)


class Tells(Honest):
    """Says what its environment says."""

    version = os.environ.get("RDBENCH_TEST_VERSION", "1")
    weights_sha256 = os.environ.get("RDBENCH_TEST_WEIGHTS", "0" * 64)


class Pillow(Honest):
    """Is as new as Pillow is."""

    @property
    def version(self):
        import PIL

        return PIL.__version__


class KillsDask(Honest):
    """Takes the Dask worker with it: the parent of the process that starts codecs' processes."""

    def encode(self, image, quality):
        with Path(os.environ["RDBENCH_TEST_DEATHS"]).open("a") as file:
            file.write("one\n")
        status = Path(f"/proc/{os.getppid()}/status").read_text()
        parent = next(int(it.split()[1]) for it in status.splitlines() if it.startswith("PPid:"))
        os.kill(parent, signal.SIGKILL)
        return super().encode(image, quality)
