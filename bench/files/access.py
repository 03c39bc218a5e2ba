"""Reading and writing below a folder that somebody else may have made: run folders are passed around.

The folder itself is the user's choice and may be reached through a link. Nothing below it may lead out of it:
a link there is never written through, and devices, pipes and endless files are never read.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bench.errors import StoreError

MAX_DOCUMENT = 1 << 28
"""Bytes of the largest document (``run.json``, a baseline, a results file) that is read as a whole."""
MAX_BITSTREAM = 1 << 30
LONGEST_LINE = 1 << 26
"""Bytes of a journal's line; real ones take about a thousand."""

_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
_NO_WAITING = getattr(os, "O_NONBLOCK", 0)


def subfolder(root: Path, *parts: str) -> Path:
    """``root/parts[0]/…``, made where it is missing.

    Parameters
    ----------
    root : where the user wants the files; made with its parents, links on the way to it are followed
    parts : names of folders below it

    Raises
    ------
    StoreError
        One of ``parts`` is a link or a file, or can't be made.
    """
    folder = root
    try:
        root.mkdir(parents=True, exist_ok=True)
        for part in parts:
            folder /= part
            folder.mkdir(exist_ok=True)
            if folder.is_symlink():
                raise StoreError(_is_link(folder))
    except OSError as error:
        if folder.is_symlink():
            raise StoreError(_is_link(folder)) from error
        raise StoreError(f"{folder}: cannot be a folder ({error.strerror})") from error
    return folder


def require_inside(out: Path, folders: Sequence[Path]) -> None:
    """Make ``out`` where it is below one of ``folders``, so that no link leads out of there.

    Raises
    ------
    StoreError
        As for :func:`subfolder`.
    """
    for folder in folders:
        if out != folder and out.is_relative_to(folder):
            subfolder(folder, *out.relative_to(folder).parts)


def read_regular(path: Path, most: int = MAX_DOCUMENT, *, links: bool = False) -> bytes:
    """The bytes of a regular file of at most ``most`` bytes; ``links`` lets ``path`` be a link to one.

    Raises
    ------
    OSError
        There is no such file, it is a link, no regular file, or too large; ``strerror`` says which.
    """
    with open_regular(path, links=links) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"larger than {most >> 20} MiB", str(path))
    return data


def open_regular(path: Path, *, links: bool = False) -> IO[bytes]:
    """A regular file, opened for reading without waiting for anybody; errors as of :func:`read_regular`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_WAITING | (0 if links else _NO_LINKS))
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "a link, which is not followed", str(path)) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def open_appending(path: Path) -> io.FileIO:
    """A journal for reading and appending, made where it is missing.

    It has no buffer: what could not be written must not be tried again on closing.

    Raises
    ------
    StoreError
        It is a link or no regular file.
    OSError
        It can't be written.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | _NO_LINKS | _NO_WAITING
    try:
        descriptor = os.open(path, flags, 0o644)
    except OSError as error:
        if path.is_symlink():
            raise StoreError(_is_link(path)) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise StoreError(f"{path}: not a regular file; remove it")
    return io.FileIO(descriptor, "a+")


def require_no_link(path: Path) -> None:
    """Refuse a file that another library is going to open for writing.

    Raises
    ------
    StoreError
        It is a link.
    """
    if path.is_symlink():
        raise StoreError(_is_link(path))


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old contents or the new ones, never a part.

    A link at ``path`` is replaced, not followed. Folders that it is to be in are made.

    Raises
    ------
    StoreError
        It cannot be written there.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


@contextmanager
def writing(path: Path, consequence: str = "") -> Iterator[None]:
    """What the system refuses (a full disk, a quota, no permission) as one line that names the file.

    Parameters
    ----------
    path : the file to be written inside
    consequence : what the error says after the reason

    Raises
    ------
    StoreError
        In the place of an ``OSError``.
    """
    try:
        yield
    except OSError as error:
        told = f"; {consequence}" if consequence else ""
        raise StoreError(f"{path}: cannot be written ({error.strerror or error}){told}") from error


def _is_link(path: Path) -> str:
    return f"{path}: a link; nothing is written through links in a run folder, remove it"
