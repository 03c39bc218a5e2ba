"""The work of a run that is not done yet, in chunks that are handed out one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic

from bench.engines.engine import Piece


@dataclass(frozen=True)
class Chunk(Generic[Piece]):
    """Pieces of work that one worker does one after the other."""

    pieces: Sequence[Piece]
    lost: int = 0
    """Workers that were lost with a chunk of which this is a part."""
    files: dict[str, Path] = field(default_factory=dict)
    """Those that have to be brought with it, by SHA-256."""


class Waiting(Generic[Piece]):
    """The chunks that nobody has yet."""

    def __init__(self, chunks: Iterable[Sequence[Piece]]) -> None:
        self._chunks = deque(Chunk(it) for it in chunks)

    def __bool__(self) -> bool:
        return bool(self._chunks)

    def take(self) -> Chunk[Piece]:
        """The next one."""
        return self._chunks.popleft()

    def again(self, chunk: Chunk[Piece], parts: int = 1) -> None:
        """Hand a chunk out again, before all others.

        Parameters
        ----------
        parts : into how many it may be cut, so that each of as many idle places has something to do
        """
        count = len(chunk.pieces)
        size = max(1, -(-count // parts))
        cut = [chunk.pieces[start : start + size] for start in range(0, count, size)]
        self._chunks.extendleft(Chunk(it, chunk.lost, chunk.files) for it in reversed(cut))
