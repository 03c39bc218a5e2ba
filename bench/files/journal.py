"""Journals: files of JSON lines that one process appends to, and anyone reads at any time.

A record is one line, handed to the operating system when it is written, so that a process killed at any
instant loses at most the record that it was at: a torn last line is left out on reading, and cut off before
the next one is written. Who may write is a lock's affair: see :class:`bench.runs.store.RunWriter`.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Generic, Self, TypeAlias, TypeVar

import msgspec

from bench.errors import StoreError
from bench.files.access import LONGEST_LINE, open_appending, open_regular, writing
from bench.files.typed_json import MALFORMED, fault

Record = TypeVar("Record")
Span: TypeAlias = tuple[int, int]
"""The bytes from the first number to before the second one."""

_BLOCK = 1 << 18  # bytes; what a block is decoded into stays in the cache until it is used


class Journal(Generic[Record]):
    """Records of one kind, in the order of writing. A context manager that closes itself.

    Parameters
    ----------
    path : the file; where there is none, the journal is empty. It is made by the first record.
    kind : the type of a record as msgspec reads it: a struct, or a union of tagged ones
    consequence : what an error of writing says after the reason

    Raises
    ------
    StoreError
        On reading: the file is no regular one, can't be read, or a line other than the last is damaged; the
        message names it.
    """

    def __init__(self, path: Path, kind: Any, consequence: str = "") -> None:
        self.path = path
        self._decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(kind)
        self._consequence = consequence
        self._file: io.FileIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Record]:
        for batch in self.batches():
            yield from batch

    def batches(self, span: Span | None = None) -> Iterator[list[Record]]:
        """The records, some hundreds at a time, which is quicker than one by one.

        Parameters
        ----------
        span : the part to read, as :meth:`halves` gives it; default: everything
        """
        if not self.path.exists():
            return
        start, end = span or (0, self.path.stat().st_size)
        with self._opened() as file:
            file.seek(start)
            while start < end:
                lines = file.read(min(_BLOCK, end - start))
                if not lines.endswith(b"\n"):
                    lines += file.readline(LONGEST_LINE)
                whole = lines[: lines.rfind(b"\n") + 1]
                if len(lines) - len(whole) >= LONGEST_LINE:
                    raise self._damaged(self._newlines(start + len(whole)) + 1, "it does not end")
                try:
                    batch = self._decoder.decode_lines(whole)
                except MALFORMED:
                    batch = self._decoded_one_by_one(whole, start)
                yield batch
                if len(whole) < len(lines) or not lines:
                    return
                start += len(lines)

    def halves(self) -> tuple[Span, Span]:
        """Two parts of the journal as it is now, to be read at the same time; the first ends with a line.

        The second one is smaller: who reads it has to be started, and to hand over what it has read.
        """
        if not self.path.exists():
            return (0, 0), (0, 0)
        with self._opened() as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(end * 9 // 16)
            file.readline()
            middle = min(file.tell(), end)
        return (0, middle), (middle, end)

    def append(self, *records: Record) -> None:
        """Write lines together, in full or not at all, and hand them to the operating system.

        Raises
        ------
        StoreError
            It cannot be written, or the file is a link; the journal ends with the line before.
        """
        with writing(self.path, self._consequence):
            if self._file is None:
                self._file = open_appending(self.path)
                _cut_torn_line(self._file)
            end = self._file.seek(0, os.SEEK_END)
            rest = memoryview(b"".join(msgspec.json.encode(it) + b"\n" for it in records))
            try:
                while rest:
                    rest = rest[self._file.write(rest) :]
            except OSError:
                with suppress(OSError):
                    self._file.truncate(end)
                raise

    def close(self) -> None:
        """Close the file, if a line was written."""
        if self._file is not None:
            self._file.close()

    def _opened(self) -> IO[bytes]:
        try:
            return open_regular(self.path, links=True)
        except OSError as error:
            raise StoreError(f"{self.path}: cannot be read ({error.strerror})") from error

    def _decoded_one_by_one(self, lines: bytes, offset: int) -> list[Record]:
        """Decode lines that begin at ``offset``, of which one is damaged, to say which."""
        batch = []
        for index, line in enumerate(lines.removesuffix(b"\n").split(b"\n")):
            try:
                batch.append(self._decoder.decode(line))
            except MALFORMED as error:
                raise self._damaged(self._newlines(offset) + index + 1, fault(error)) from error
        return batch

    def _damaged(self, line: int, why: str) -> StoreError:
        return StoreError(f"{self.path}:{line}: damaged line ({why}); remove the line")

    def _newlines(self, end: int) -> int:
        """How many lines end before ``end``."""
        count = 0
        with self._opened() as file:
            while block := file.read(min(_BLOCK, end - file.tell())):
                count += block.count(b"\n")
        return count


def _cut_torn_line(file: io.FileIO) -> None:
    """Remove what stands behind the last newline."""
    position = size = file.seek(0, os.SEEK_END)
    while position:
        start = max(0, position - _BLOCK)
        file.seek(start)
        newline = file.read(position - start).rfind(b"\n")
        if newline >= 0:
            position = start + newline + 1
            break
        position = start
    if position < size:
        file.truncate(position)
