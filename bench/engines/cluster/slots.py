"""Slots on a Dask worker: codecs and files are those of the client, as they are found there."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from bench.engines.engine import Answer, Spent
from bench.engines.local import LocalEngine
from bench.engines.messages import Decode, Decoded, Failed, Request
from bench.engines.shared_pixels import Original, SharedPixels
from bench.engines.slot import LocalSlot
from bench.errors import WorkersLost
from bench.host.environment import Environment
from bench.inputs.pixels import RGB8, Accepted
from bench.trials.codec_ref import CodecRef

if TYPE_CHECKING:
    from bench.engines.worker_handle import WorkerHandle

R = TypeVar("R", bound=Request[Any])


class Finder(Protocol):
    """Knows what of the client is where on this machine."""

    def here(self, codec: CodecRef) -> CodecRef:
        """How a codec of the client is constructed."""

    def file(self, path: Path, sha256: str) -> Path:
        """Where a file of the client is."""


class HostSlot(LocalSlot["HostWorker"]):
    """A slot of a host.

    Parameters
    ----------
    finder : of the client's codecs and files
    engine : whose processes it has
    share : of how many slots it is one
    """

    def __init__(self, finder: Finder, engine: LocalEngine, environment: Environment, share: int) -> None:
        super().__init__(lambda: HostWorker(engine.worker(share), self), environment.id, sealed=engine.sealed)
        self.engine = engine
        self.finder = finder
        self.image: Hashable = None
        """Of the last chunk."""
        self.dead = False
        """Whether its workers can't be started any more."""

    def file(self, path: Path, sha256: str) -> Path:
        """Where a file of the client is here."""
        return self.finder.file(path.absolute(), sha256)

    def original(self, image: Path, sha256: str | None, accepted: Accepted = RGB8) -> Original | Failed:
        """A picture of the client as the scorer read it."""
        here = image if sha256 is None else self.file(image, sha256)
        self.engine.hide([here])
        return super().original(here, sha256, accepted)

    def kill(self) -> None:
        """End what goes on; safe from any thread."""
        for worker in self.workers:
            worker.kill()


class HostWorker:
    """A worker that constructs codecs of the client as they are here."""

    def __init__(self, handle: WorkerHandle, slot: HostSlot) -> None:
        self._handle = handle
        self._slot = slot
        self.close, self.kill = handle.close, handle.kill
        self.samples, self.stderr = handle.samples, handle.stderr

    @property
    def decoded(self) -> SharedPixels:
        """What was decoded last."""
        return self._handle.decoded

    @property
    def spent(self) -> Spent:
        """What the last request took."""
        return self._handle.spent

    def recheck(self, request: Decode, answer: Decoded, image: int) -> str | None:
        """See :class:`bench.engines.engine.Worker`."""
        return self._handle.recheck(self._here(request), answer, image)

    def _here(self, request: R) -> R:
        codec = getattr(request, "codec", None)
        if isinstance(codec, CodecRef):
            return msgspec.structs.replace(request, codec=self._slot.finder.here(codec))
        return request

    def ask(self, request: Request[Answer], pixels: SharedPixels | None = None) -> Answer | Failed:
        """Answer a request; errors as of :class:`bench.engines.worker_handle.WorkerHandle`."""
        try:
            return self._handle.ask(self._here(request), pixels)
        except WorkersLost:
            self._slot.dead = True
            raise
