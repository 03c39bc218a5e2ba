"""Files that work reads, on the machine that does it: found by what they hold, or brought by the client."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from bench.errors import BadImage
from bench.files.access import write_atomically
from bench.inputs.catalogue import NamedDataset, shipped
from bench.inputs.datasets import DATA_VARIABLE, places
from bench.inputs.image import sha256_of

_MOST_BYTES = 2 << 30
"""Of the pictures and bitstreams that were brought, as many as are kept; codecs' own files all are."""
_FEWEST = 1000
"""Of those, which are kept whatever their size."""


class Absent(Exception):
    """A file is not on this machine; the arguments are its path at the client and its SHA-256."""


class Files:
    """The files of a host.

    Parameters
    ----------
    folder : where files are put that the client brings; it exists
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[tuple[str, str], Path] = {}
        self._kept: dict[str, int] = {}
        """Size of each picture and bitstream that was brought, by hash, those used last at the end."""
        self._lock = threading.Lock()

    def find(self, path: Path, sha256: str) -> Path | None:
        """A file here that holds what another machine has under this path; None where there is none.

        Parameters
        ----------
        path : at the client
        sha256 : of its bytes
        """
        key = str(path), sha256
        with self._lock:
            if sha256 in self._kept:
                self._kept[sha256] = self._kept.pop(sha256)
        if (known := self._known.get(key)) is not None and known.is_file():
            return known
        for place in self._places(path, sha256):
            if _holds(place, sha256):
                self._known[key] = place
                return place
        return None

    def keep(self, path: Path, sha256: str, content: bytes, *, always: bool = False) -> None:
        """Put a file here that the client brings.

        Parameters
        ----------
        always : whether it is needed until the end; others make room for later ones
        """
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ValueError(f"{path}: other bytes have come than those that were named")
        place = self._brought(path, sha256)
        with self._lock:
            if not place.is_file():
                place.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(place, content)
            if not always:
                self._make_room(sha256, len(content))

    def _make_room(self, sha256: str, size: int) -> None:
        self._kept.pop(sha256, None)
        self._kept[sha256] = size
        # the last ones are in use, by as many slots
        while len(self._kept) > _FEWEST and sum(self._kept.values()) > _MOST_BYTES:
            oldest = next(iter(self._kept))
            del self._kept[oldest]
            for file in (self._folder / oldest).glob("*"):
                file.unlink(missing_ok=True)

    def bundle(self, name: str, files: Mapping[Path, Path]) -> Path:
        """A folder in which these files lie at their relative paths.

        Parameters
        ----------
        name : another one for other files
        files : where each is here, by its path in the folder
        """
        folder = self._folder / name
        for relative, file in files.items():
            if not (folder / relative).is_file():
                (folder / relative).parent.mkdir(parents=True, exist_ok=True)
                write_atomically(folder / relative, file.read_bytes())
        return folder

    def _brought(self, path: Path, sha256: str) -> Path:
        return self._folder / sha256 / path.name

    def _places(self, path: Path, sha256: str) -> Iterator[Path]:
        yield self._brought(path, sha256)
        yield path
        yield from self._of_data_sets.get(sha256, ())
        if root := os.environ.get(DATA_VARIABLE):
            yield Path(root).expanduser().joinpath(*path.parts[-2:])

    @cached_property
    def _of_data_sets(self) -> dict[str, list[Path]]:
        """Where images of the data sets that rdbench ships may be here, by their hash."""
        found: dict[str, list[Path]] = {}
        for name, spec in shipped().items():
            for folder in places(name, NamedDataset(spec)):
                for file, it in spec.files.items():
                    if it.sha256 is not None:
                        found.setdefault(it.sha256, []).append(folder / file)
        return found


def _holds(path: Path, sha256: str) -> bool:
    try:
        return path.is_file() and sha256_of(path) == sha256
    except (OSError, BadImage):
        return False
