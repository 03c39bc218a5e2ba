"""What holds for every reader of foreign files, tried in a process of its own.

A reader gives a value or raises an error of the project's own that names the file, in bounded time and
memory. Meanwhile it writes nothing, starts nothing, asks nobody, and imports and reads nothing that the file
names.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings

from bench.errors import BenchError
from tests.fuzz.mutations import CANARY, PRIVATE, Files

CPU_SECONDS = 5
"""Of one case; real ones take milliseconds."""
HEADROOM = 1 << 30
"""Bytes that a case may take beyond what its process has."""

_FORBIDDEN = (
    *("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "pickle.find_class"),
    *("socket.connect", "socket.getaddrinfo", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link"),
    *("os.symlink", "os.truncate", "os.chmod", "shutil.rmtree", "ctypes.dlopen"),
)


@dataclass(frozen=True)
class Reader:
    """A reader of files that strangers may have made.

    To add one is a line in ``READERS`` of :mod:`tests.fuzz.readers`.
    """

    name: str
    """Of the file in its folder."""
    examples: Callable[[Path], Files]
    """Given the folder, puts there what the reader needs beside the file, and says how the file may be."""
    read: Callable[[Path], Any]
    """Given the path of the file."""
    errors: tuple[type[Exception], ...] = (BenchError,)
    names_file: bool = True
    """Whether an error has to name the file."""
    share: float = 1.0
    """Of the number of cases, where each takes long."""
    needs: str | None = None
    """A package that tests can do without."""


class Fault(Exception):
    """What no reader may do."""


class _TooLong(BaseException):
    pass


@dataclass
class _Watch:
    """What a reader did, by Python's audit events."""

    noted: list[str] = field(default_factory=list)
    active: bool = False

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.active:
            return
        if event in _FORBIDDEN:
            self.noted.append(f"{event} {arguments[:2]!r}")
        elif event == "open" and isinstance(arguments[0], str | bytes):
            name = os.fsdecode(arguments[0])
            if isinstance(arguments[2], int) and arguments[2] & os.O_ACCMODE != os.O_RDONLY:
                self.noted.append(f"writes {name}")
            if PRIVATE in name or CANARY in name or name.startswith("/dev/zero"):
                self.noted.append(f"reads {name}")
        elif event == "import" and str(arguments[0]).startswith(CANARY):
            self.noted.append(f"imports {arguments[0]}")


def fuzz(reader: Reader, cases: int, *, seeded: bool) -> str:
    """Try a reader on changed files in a process of its own.

    Parameters
    ----------
    cases : how many
    seeded : whether they are the same each time

    Returns
    -------
    What went wrong, with the smallest file that shows it; empty where nothing did.
    """
    with tempfile.TemporaryDirectory(prefix="rdbench-fuzz-") as scratch:
        folder = Path(scratch, "run")
        folder.mkdir()
        report = Path(scratch, "report")
        child = os.fork()
        if not child:
            _serve(reader, cases, seeded, folder, report)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            case = (folder / reader.name).read_bytes()
            return f"the process died of {signal.Signals(os.WTERMSIG(status)).name}, reading {case[:4000]!r}"
        return report.read_text()


def _serve(reader: Reader, cases: int, seeded: bool, folder: Path, report: Path) -> None:
    """In the child: try, report and leave without the parent's own endings."""
    try:
        faults = _tried(reader, cases, seeded, folder)
        report.write_text(faults, errors="backslashreplace")
    except BaseException:
        report.write_text(traceback.format_exc(), errors="backslashreplace")
    os._exit(0)


def _tried(reader: Reader, cases: int, seeded: bool, folder: Path) -> str:
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / PRIVATE).write_text("private\n")
    files = reader.examples(folder)
    for data in files.sound:  # which imports what is needed
        (folder / reader.name).write_bytes(files.whole(data))
        reader.read(folder / reader.name)
    before = _listing(folder.parent)
    watch = _Watch()
    sys.addaudithook(watch.hook)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libraries complain about what they are given

    @settings(
        max_examples=cases,
        deadline=None,
        derandomize=seeded,
        database=None,
        suppress_health_check=[*HealthCheck],
        phases=[Phase.generate, Phase.shrink],
        print_blob=False,
    )
    @given(files.changed)
    def property(data: bytes) -> None:
        path = folder / reader.name
        path.write_bytes(files.whole(data))
        _read(reader, path, watch)
        left = _listing(folder.parent) - before - {path}
        if left:
            raise Fault(f"leaves {left}")

    limit = _memory() + HEADROOM
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        property()
    except BaseException as error:
        return "\n".join(_told(error))
    return ""


def _read(reader: Reader, path: Path, watch: _Watch) -> None:
    watch.noted.clear()
    try:
        with _limited():
            watch.active = True
            try:
                reader.read(path)
            finally:
                watch.active = False
    except _TooLong:
        raise Fault(f"takes longer than {CPU_SECONDS} s") from None
    except reader.errors as error:
        if reader.names_file and reader.name not in str(error) and path.parent.name not in str(error):
            raise Fault(f"does not name the file: {error}") from error
    if watch.noted:
        raise Fault("; ".join(watch.noted))


@contextmanager
def _limited() -> Iterator[None]:
    """An end to what computes for too long; by the processor's time, since machines may be busy."""

    def stop(*_: object) -> None:
        raise _TooLong

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _memory() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _listing(folder: Path) -> set[Path]:
    return {*folder.rglob("*")}


def _told(error: BaseException) -> Sequence[str]:
    """The innermost frames of each fault, and the file that hypothesis found."""
    if isinstance(error, BaseExceptionGroup):
        return [line for it in error.exceptions for line in _told(it)]
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    notes = [it[:3000] for it in getattr(error, "__notes__", ())]
    return [f"{type(error).__name__}: {str(error)[:500]}", *traceback.format_list(frames), *notes, ""]
