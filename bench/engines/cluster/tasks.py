"""What Dask runs on a worker for a chunk of work, and what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")
Content: TypeAlias = Mapping[str, tuple[Path, bytes | None]]
"""Files that come with a task, by SHA-256: the path at the client, and the bytes, or None for none."""


class HostGone(Exception):
    """A worker can't do its task, and another one may; the arguments are its address and the reason."""


@dataclass
class ChunkResult:
    """What became of a chunk of work on a host."""

    results: list[bytes] = field(default_factory=list)
    """Pickled there one by one, so that Dask knows what they weigh."""
    left: list[int] = field(default_factory=list)
    """Places in the chunk of what was not done, for want of time or of a file."""
    absent: dict[str, Path] = field(default_factory=dict)
    """Files that have to be brought, by their SHA-256."""
    lost: tuple[str, ...] = ()
    """Addresses of the workers that were lost while they were at this chunk, or at one that held it."""
    broke: bool = False
    """Whether the first piece of what is left ended the process that starts codecs' processes."""
    worker: str = ""
    """Address of the one that did it."""

    def __sizeof__(self) -> int:
        return sum(map(len, self.results)) + 1000


def work_there(
    name: str,
    key: str,
    chunk: int,
    pieces: Sequence[Any],
    content: Content,
    seconds: float,
    lost: tuple[str, ...],
) -> ChunkResult:
    """Do a chunk of work on the host of this worker.

    Parameters
    ----------
    name : of the engine
    key : of Dask's task
    chunk : its number, which stays the same where it is handed out again
    pieces, content, seconds : as of :meth:`bench.engines.cluster.host.Host.work`
    lost : workers that were lost with other chunks that had these pieces

    Raises
    ------
    HostGone
        It has to be done somewhere else.
    """
    from distributed import get_worker

    worker = get_worker()
    address = str(worker.contact_address)
    host = getattr(worker.plugins.get(name), "host", None)
    if host is None:
        raise HostGone(address, "")

    def begin() -> tuple[str, ...]:
        """From now on the worker is at this chunk; who was lost with it before."""
        tell = getattr(worker.scheduler, f"begin-{name}")
        return lost + tuple(wait_for(worker, tell(key=key, chunk=chunk, worker=address)))

    try:
        found: ChunkResult = host.work(pieces, content, seconds, begin)
    except OSError as error:  # a full disk, or the scheduler out of reach
        raise HostGone(address, str(error)) from error
    found.worker = address
    return found


def packed(result: Any) -> bytes:
    """A result as it travels; of a class of the client's own script too."""
    from distributed.protocol import pickle

    data: bytes = pickle.dumps(result)
    return data


def wait_for(worker: Any, coroutine: Coroutine[Any, Any, T], seconds: float | None = None) -> T:
    """Wait in a thread for something that a Dask worker's event loop does.

    Raises
    ------
    TimeoutError
        It took longer.
    """
    return asyncio.run_coroutine_threadsafe(coroutine, worker.loop.asyncio_loop).result(seconds)
