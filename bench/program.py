"""How an adapter runs programs, so that rdbench can tell what of a time is the start of them.

An adapter that runs each program by :func:`run_program` needs to do no more: with ``--timing`` the memory of
its programs is measured, and what it takes to start them and to write and read their files.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
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
