"""The CSV files of a training run, one line a step: written as it goes, trimmed when it is resumed."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bench.errors import ConfigError
from bench.files.access import read_regular, write_atomically

TRACES = ("log.csv", "validation.csv")
"""The files that a run appends to. The first column of each is the step."""


class Log:
    """``log.csv`` of a run: means over the steps since the previous line."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._path = path
        self._columns = tuple(columns)
        self.recent: list[dict[str, float]] = []
        """The steps since the last line."""

    def add(self, row: dict[str, float]) -> None:
        """Remember one step."""
        self.recent.append(row)

    def write(self, step: int, seconds: float) -> dict[str, float]:
        """Append a line and return it."""
        row = {name: sum(it[name] for it in self.recent) / len(self.recent) for name in self.recent[0]}
        self.recent = []
        row |= {"step": step, "seconds": seconds}
        append(self._path, self._columns, [[f"{row[c]:.6g}" if c != "step" else step for c in self._columns]])
        return row


def append(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Add rows to a CSV file; a new file gets a header line first."""
    is_new = not path.exists()
    with path.open("a", newline="") as handle:
        writer = csv.writer(handle)
        if is_new:
            writer.writerow(columns)
        writer.writerows(rows)


def read_lines(path: Path) -> list[str]:
    """The lines of a CSV file with their ends; none where there is no file.

    Raises
    ------
    ConfigError
        It can't be read, or is no text.
    """
    try:
        return read_regular(path).decode().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise _damaged(path, "not a text file in UTF-8") from error


def columns(path: Path, names: Sequence[str]) -> list[list[float]]:
    """Columns of a CSV file of numbers; empty ones where there is no file, or nothing in it.

    Raises
    ------
    ConfigError
        It has no such column, or something else than numbers in it.
    """
    lines = read_lines(path)
    if not lines:
        return [[] for _ in names]
    try:
        header, *rows = csv.reader(lines)
        places = [header.index(it) for it in names]
        return [[float(row[place]) for row in rows] for place in places]
    except (csv.Error, ValueError, IndexError) as error:
        raise _damaged(path, error) from error


def has_step(path: Path, step: int) -> bool:
    """Whether a CSV file exists and has a row for ``step``."""
    return any(line.startswith(f"{step},") for line in read_lines(path))


def trim(path: Path, step: int) -> None:
    """Drop the rows after ``step``: the checkpoint does not include them, and they will be written again.

    Raises
    ------
    ConfigError
        A row does not begin with a step.
    """
    lines = read_lines(path)
    try:
        if not lines or not lines[0].startswith("step,"):
            return
        kept = lines[:1] + [line for line in lines[1:] if int(line.split(",", 1)[0]) <= step]
    except ValueError as error:
        raise _damaged(path, error) from error
    write_atomically(path, "".join(kept).encode())


def _damaged(path: Path, why: object) -> ConfigError:
    return ConfigError(f"{path}: damaged ({why}); remove it, or use another --out")
