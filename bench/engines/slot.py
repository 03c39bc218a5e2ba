"""The three workers that a piece of work visits, on this machine, and the picture that it is about."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from bench.engines.engine import Worker
from bench.engines.messages import Failed, Load
from bench.engines.shared_pixels import Original, SharedPixels
from bench.inputs.pixels import RGB8, Accepted


class LocalWorker(Worker, Protocol):
    """A worker that this process started."""

    def close(self) -> None:
        """End it, with all that it holds."""


W = TypeVar("W", bound=LocalWorker)


class LocalSlot(Generic[W]):
    """Three workers of a kind; see :class:`bench.engines.engine.Slot`."""

    def __init__(self, start: Callable[[], W], environment: str, *, sealed: bool) -> None:
        """``start`` makes a worker, on this machine, whose environment has that ``id``."""
        self.environment, self.sealed = environment, sealed
        self.scorer, self.encoder, self.decoder = start(), start(), start()
        self._original: Original | None = None
        self._scratch: Path | None = None

    @property
    def workers(self) -> tuple[W, W, W]:
        """All of them."""
        return self.scorer, self.encoder, self.decoder

    @property
    def scratch(self) -> Path:
        """A folder that ends with the slot; there is none until it is asked for."""
        if self._scratch is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="rdbench-"))
        return self._scratch

    def file(self, path: Path, sha256: str) -> Path:
        """The file itself, whatever it holds: who reads it compares."""
        return path.absolute()

    def original(self, image: Path, sha256: str | None, accepted: Accepted = RGB8) -> Original | Failed:
        """A picture as the scorer read it; it is kept until another one is asked for."""
        image = image.absolute()
        kept = self._original
        if kept is not None and (kept.image, kept.sha256, kept.accepted) == (image, sha256, accepted):
            return kept
        self._forget()
        pixels = SharedPixels()
        answer = self.scorer.ask(Load(image, sha256, accepted), pixels)
        if isinstance(answer, Failed):
            pixels.close()
            return answer
        pixels.seal()
        self._original = Original(
            image, sha256, answer.shape, answer.treatment, pixels, answer.depth, accepted
        )
        return self._original

    def close(self) -> None:
        """End all workers."""
        for worker in self.workers:
            worker.close()
        self._forget()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _forget(self) -> None:
        if self._original is not None:
            self._original.pixels.close()
            self._original = None
