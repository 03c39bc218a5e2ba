"""The work of a run that is not done yet, in chunks that are handed out one after the other."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic

from bench.engines.engine import Piece


@dataclass(frozen=True)
class Chunk(Generic[Piece]):
    """Pieces of work that one worker does one after the other."""

    number: int
    """What the scheduler counts lost workers by."""
    pieces: Sequence[Piece]
    lost: tuple[str, ...] = ()
    """Workers that were lost with a chunk of which this is a part."""
    files: dict[str, Path] = field(default_factory=dict)
    """Those that have to be brought with it, by SHA-256."""


class Waiting(Generic[Piece]):
    """The chunks that nobody has yet."""

    def __init__(self, chunks: Iterable[Sequence[Piece]]) -> None:
        self._numbers = itertools.count()
        self._chunks = deque(Chunk(next(self._numbers), it) for it in chunks)

    def __bool__(self) -> bool:
        return bool(self._chunks)

    def take(self) -> Chunk[Piece]:
        """The next one."""
        return self._chunks.popleft()

    def again(self, chunk: Chunk[Piece]) -> None:
        """Hand the same chunk out again, before all others."""
        self._chunks.appendleft(chunk)

    def rest(
        self,
        pieces: Sequence[Piece],
        lost: tuple[str, ...] = (),
        files: dict[str, Path] | None = None,
        parts: int = 1,
    ) -> None:
        """Hand out what is left of a chunk, before all others.

        Parameters
        ----------
        lost : workers that were lost with it
        files : that have to be brought with it
        parts : into how many it may be cut, so that each of as many idle places has something to do
        """
        size = max(1, -(-len(pieces) // max(1, parts)))
        cut = [pieces[start : start + size] for start in range(0, len(pieces), size)]
        self._chunks.extendleft(Chunk(next(self._numbers), it, lost, files or {}) for it in reversed(cut))
