"""Kept bitstreams -> pixels, decoded in isolated worker processes."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from bench.codec import Image
from bench.engines.messages import Decode, Decoded, Failed, Repeat
from bench.engines.worker_handle import Limits, Worker, share_of_memory
from bench.engines.zygote import Zygote
from bench.errors import ConfigError
from bench.files.access import MAX_BITSTREAM, read_regular
from bench.trials.codec_ref import CodecRef

_TIMEOUT = 300.0


class Undecodable(Exception):
    """A kept bitstream that does not give the pixels that were measured."""


class Decoders:
    """Worker processes, each with one thread of this process waiting on it; a context manager."""

    def __init__(self, jobs: int) -> None:
        self._zygote = Zygote()
        self._limits = Limits(timeout=_TIMEOUT, memory=share_of_memory(jobs))
        self._workers: list[Worker] = []
        self._local = threading.local()
        self._pool = ThreadPoolExecutor(jobs, initializer=self._start)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.kill()
        self._pool.shutdown(cancel_futures=True)
        for worker in self._workers:
            worker.close()
        self._zygote.close()

    def decode(self, codec: CodecRef, jobs: Sequence[tuple[Path, str]]) -> Iterator[Image]:
        """Pixels of each (bitstream file, SHA-256 of its pixels), in order.

        Raises
        ------
        Undecodable
            A file is missing, does not decode, or gives other pixels; from the iterator.
        ConfigError
            The codec, or the GPU that it ran on, is absent here; from the iterator.
        """
        return self._pool.map(lambda job: self._one(codec, *job), jobs)

    def _start(self) -> None:
        self._local.worker = Worker(self._zygote, self._limits)
        self._workers.append(self._local.worker)

    def _one(self, codec: CodecRef, file: Path, pixels_sha256: str) -> Image:
        worker: Worker = self._local.worker
        what = f"bitstream {file.name[:12]}…"
        try:
            bitstream = read_regular(file, MAX_BITSTREAM)
        except OSError as error:
            raise Undecodable(f"{what} cannot be read ({error.strerror})") from error
        answer = worker.ask(Decode(codec, bitstream, Repeat()))
        if isinstance(answer, Failed) and answer.status == "unsupported":
            raise ConfigError(f"{what} cannot be decoded on this machine: {answer.message}")
        if not isinstance(answer, Decoded):
            raise Undecodable(f"{what} does not decode: {answer.message}")
        if answer.sha256 != pixels_sha256:
            raise Undecodable(f"{what} decodes to other pixels than when it was measured")
        return worker.samples(answer.shape)
