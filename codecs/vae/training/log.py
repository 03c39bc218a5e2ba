"""The CSV files of a training run, one line a step: written as it goes, trimmed when it is resumed."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bench.errors import ConfigError

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


def has_step(path: Path, step: int) -> bool:
    """Whether a CSV file exists and has a row for ``step``."""
    return path.exists() and any(line.startswith(f"{step},") for line in path.read_text().splitlines())


def trim(path: Path, step: int) -> None:
    """Drop the rows after ``step``: the checkpoint does not include them, and they will be written again.

    Raises
    ------
    ConfigError
        A row does not begin with a step.
    """
    try:
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        if not lines or not lines[0].startswith("step,"):
            return
        kept = lines[:1] + [line for line in lines[1:] if int(line.split(",", 1)[0]) <= step]
    except ValueError as error:
        raise ConfigError(f"{path}: damaged ({error}); remove it, or use another --out") from error
    path.write_text("".join(kept))
