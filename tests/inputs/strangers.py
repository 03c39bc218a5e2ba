"""A run folder as a stranger might send it: one sound run, and the ways in which it can be made hostile."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from bench.errors import BenchError

DEEP = "[" * 100_000
"""More levels than any parser follows."""


@dataclass(frozen=True)
class Ended:
    """How a command ended: its code, and everything that it printed."""

    code: int
    text: str


def rdbench(*words: str | Path) -> Ended:
    """Run a command in this process; a bug (an exception that is not the user's to mend) is raised."""
    from bench.cli.app import app

    result = CliRunner().invoke(app, [str(it) for it in words])
    error = result.exception
    if isinstance(error, BenchError) or (isinstance(error, OSError) and error.filename is not None):
        return Ended(2, f"{result.output}\nrdbench: {error}")
    if error is not None and not isinstance(error, SystemExit):
        raise error
    return Ended(result.exit_code, result.output)


@dataclass(frozen=True)
class Stranger:
    """A copy of a sound run, to be tampered with, and a place outside it that nobody may touch."""

    run: Path
    outside: Path

    def info(self, change: Callable[[Any], object]) -> None:
        """Rewrite ``run.json``."""
        document = json.loads((self.run / "run.json").read_text())
        change(document)
        (self.run / "run.json").write_text(json.dumps(document))

    def lines(self, name: str, change: Callable[[Any], object]) -> None:
        """Rewrite each line of a journal."""
        journal = self.run / name
        documents = [json.loads(it) for it in journal.read_text().splitlines()]
        for it in documents:
            change(it)
        journal.write_text("".join(json.dumps(it) + "\n" for it in documents))

    def both(self, change: Callable[[Any], object]) -> None:
        """Rewrite every object of a codec, in ``run.json`` and in the journal."""
        self.info(lambda it: [change(codec) for codec in it["codecs"]])
        self.lines("measurements.jsonl", change)

    def raw(self, name: str, data: bytes) -> None:
        """Replace a file."""
        (self.run / name).write_bytes(data)

    def link(self, name: str, target: str) -> None:
        """Replace a file or a folder by a link to something outside."""
        path = self.run / name
        if path.is_dir():
            path.rename(path.with_name(f"{path.name}-moved"))
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(self.outside / target)

    @property
    def untouched(self) -> bool:
        """Whether everything outside is as it was, and nothing was added."""
        return {it.name: it.read_bytes() for it in self.outside.iterdir()} == _OUTSIDE

    def prepare(self) -> None:
        """Fill the outside."""
        self.outside.mkdir()
        for name, data in _OUTSIDE.items():
            (self.outside / name).write_bytes(data)


_OUTSIDE = {"private.txt": b"private\n", "rd.png": b"mine\n", "ranking.tex": b"mine\n"}


def pipe(path: Path) -> None:
    """A file that makes a careless reader wait for ever."""
    path.unlink(missing_ok=True)
    os.mkfifo(path)
