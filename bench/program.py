"""How an adapter runs programs, so that rdbench can tell what of a time is the start of them.

An adapter that runs each program by :func:`run_program` needs to do no more: with ``--timing`` the memory of
its programs is measured, and what it takes to start them and to write and read their files.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

Ended: TypeAlias = subprocess.CompletedProcess[bytes]
"""A program that has ended: its exit status, and in ``stdout`` what it printed, errors included."""

Runner: TypeAlias = Callable[[Sequence[str], Path], Ended]
"""What takes a program's command line and the file that it writes, and runs it."""


def run_program(words: Sequence[str], writes: Path) -> Ended:
    """Run a program to its end, without a shell and without input.

    Parameters
    ----------
    words : the program and its arguments
    writes : the file that the program makes, in a folder of this call
    """
    return _runner(words, writes)


def start(words: Sequence[str], writes: Path) -> Ended:
    """What :func:`run_program` does as a rule: ``writes`` is not looked at."""
    return subprocess.run(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )


def fingerprint(words: Iterable[str]) -> str:
    """A short SHA-256 of each program and file (script, configuration) that a command line names.

    Parameters
    ----------
    words : of one command line or of several; a file may stand after a ``=`` too
    """
    parts = {}
    named = [part for word in words for part in (word, word.partition("=")[2]) if part]
    for word in named:
        found = shutil.which(word) or word
        if Path(found).is_file():
            digest = hashlib.sha256(Path(found).read_bytes()).hexdigest()
            parts[Path(found).name] = digest[:12]
    return " ".join(f"{name} sha256:{digest}" for name, digest in parts.items())


_runner: Runner = start


@contextmanager
def programs_run_by(runner: Runner) -> Iterator[None]:
    """Have :func:`run_program` hand over to something else inside; in this process, which has one thread."""
    global _runner
    former, _runner = _runner, runner
    try:
        yield
    finally:
        _runner = former
