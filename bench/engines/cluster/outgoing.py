"""Files of the client on their way to workers that have them not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.files.access import read_regular

_MOST_BYTES = 256 << 20
"""Of the files that workers still may ask each other for."""


class Outgoing:
    """Reads files once, and has Dask carry them to whoever gets a task that needs them.

    Parameters
    ----------
    client : of Dask
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._brought: dict[str, tuple[Any, int]] = {}
        """Dask's future of a file's bytes, and how many they are, by SHA-256; those used last at the end."""

    def content(self, files: Mapping[str, Path]) -> dict[str, tuple[Path, Any]]:
        """What a task is given: by SHA-256 the path, and the bytes, or None for a file that is not here."""
        return {sha256: (path, self._of(path, sha256)) for sha256, path in files.items()}

    def _of(self, path: Path, sha256: str) -> Any:
        known = self._brought.pop(sha256, None)
        if known is None or known[0].status != "finished":
            content = _read(path, sha256)
            if content is None:
                return None
            try:
                known = self._client.scatter(content, hash=False), len(content)
            except OSError:  # the worker that Dask chose to hold it can't be reached: it goes with the task
                return content
        self._brought[sha256] = known
        while len(self._brought) > 1 and sum(size for _, size in self._brought.values()) > _MOST_BYTES:
            del self._brought[next(iter(self._brought))]
        return known[0]


def _read(path: Path, sha256: str) -> bytes | None:
    """A file, if it holds what a worker may ask for: it gets no other file of this machine."""
    try:
        content = read_regular(path, links=True)
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == sha256 else None
