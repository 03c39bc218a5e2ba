"""What the programs behind a codec need: their memory, and the time that starting them takes without work.

Both come from further calls of the codec, outside the clock: what is timed is started as ever.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import perf_counter

from bench.program import Ended, programs_run_by, start

_NULL_PROGRAM = "true"
"""Does nothing, whatever its arguments."""
_APART = 'exec 3<&0; (read -r go <&3; exec "$@" 3<&-) >&2 & exec echo $!'
"""A shell that starts a program as a child of its own, tells its process id and ends; the program waits for a
line before it begins."""


@dataclass(frozen=True)
class ProgramUse:
    """What the programs of one call need; None where nothing is told, or no program ran."""

    peak_bytes: int | None = None
    """The most memory of any of them, less what the null program has."""
    startup: float | None = None
    """Seconds of the call with the null program in their place: the median."""
    spent: float = 0.0
    """Seconds of all calls that this took."""


class ProgramCount:
    """Counts the programs that run inside ``with programs_run_by(...)``, and starts them as ever."""

    def __init__(self) -> None:
        self.started = 0

    def __call__(self, words: Sequence[str], writes: Path) -> Ended:
        """Run a program."""
        self.started += 1
        return start(words, writes)


def program_use(call: Callable[[], object], samples: int) -> ProgramUse:
    """Run a codec again to see what its programs need.

    A call that fails here, having worked before, has no numbers.

    Parameters
    ----------
    call : encodes or decodes, by way of :func:`bench.program.run_program`
    samples : how often it is run without its programs
    """
    begin = perf_counter()
    seconds = []
    peaks: list[int] = []
    with suppress(Exception), tempfile.TemporaryDirectory(prefix="rdbench-kept-") as folder:
        kept: list[Path] = []

        def watched(words: Sequence[str], writes: Path) -> Ended:
            ended, peak = _run_apart(words)
            kept.append(Path(folder, str(len(kept))))
            shutil.copyfile(writes, kept[-1])
            peaks.extend([] if peak is None else [peak])
            return ended

        with programs_run_by(watched):
            call()
        for _ in range(samples):
            seconds.append(_without_programs(call, kept))
    return ProgramUse(
        max(0, max(peaks) - _idle_bytes()) if peaks else None,
        statistics.median(seconds) if seconds else None,
        perf_counter() - begin,
    )


def _without_programs(call: Callable[[], object], kept: Sequence[Path]) -> float:
    """Seconds of a call whose programs do nothing: what they would write is there at once.

    ``kept`` has what each of them wrote, in their order.
    """
    files = iter(kept)

    def null(words: Sequence[str], writes: Path) -> Ended:
        os.link(next(files), writes)
        return start((_NULL_PROGRAM, *words[1:]), writes)

    with programs_run_by(null):
        begin = perf_counter()
        call()
        return perf_counter() - begin


def _run_apart(words: Sequence[str]) -> tuple[Ended, int | None]:
    """Run a program as the child of a shell that has ended, and its peak of memory.

    Linux counts as a program's peak what the process had resident that it was forked from: here a small
    shell, and not this process with the pictures that it holds. This process inherits the program, being
    the reaper of its descendants (:mod:`bench.engines.zygote`).
    """
    if sys.platform != "linux":
        return start(words, Path()), None
    with tempfile.TemporaryFile() as said:
        command = ("/bin/sh", "-c", _APART, "sh", *words)
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=said) as shell:
            assert shell.stdin is not None
            assert shell.stdout is not None
            pid = int(shell.stdout.read())
            shell.wait()
            shell.stdin.write(b"\n")
        _, status, usage = os.wait4(pid, 0)
        said.seek(0)
        ended = Ended(words, os.waitstatus_to_exitcode(status), said.read())
    return ended, usage.ru_maxrss * 1024


@cache
def _idle_bytes() -> int:
    """The peak of the null program."""
    return _run_apart((_NULL_PROGRAM,))[1] or 0
