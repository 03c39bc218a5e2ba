"""Reading and writing in a folder that somebody else may have made, since run folders are passed around.

The folder itself is the user's choice and may be reached through a link. Nothing in it may lead out of it: no
file is written through a link in it, and devices, pipes and endless files are never read.
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
"""Size in bytes of the largest document (``run.json``, a baseline, a results file) that is read."""
MAX_BITSTREAM = 1 << 30
"""Size in bytes of the largest bitstream that is read."""
MAX_WEIGHTS = 1 << 32
"""Size in bytes of the largest file of weights that is read."""
LONGEST_LINE = 1 << 26
"""Bytes of the longest line of a journal; real ones have about a thousand."""

_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
_NO_WAITING = getattr(os, "O_NONBLOCK", 0)


def subfolder(root: Path, *parts: str) -> Path:
    """Make the folder ``root/parts[0]/…`` if it does not exist.

    Parameters
    ----------
    root : where the user wants the files; made with its parents, and links on the way to it are followed
    parts : names of folders in it

    Raises
    ------
    StoreError
        One of ``parts`` is a link or a file, or cannot be made.
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
    """Make ``out`` if it is below one of ``folders``, and refuse links on the way to it.

    Raises
    ------
    StoreError
        As for :func:`subfolder`.
    """
    for folder in folders:
        if out != folder and out.is_relative_to(folder):
            subfolder(folder, *out.relative_to(folder).parts)


def read_regular(path: Path, most: int = MAX_DOCUMENT, *, links: bool = False) -> bytes:
    """The contents of a regular file.

    Parameters
    ----------
    path : the file
    most : largest size in bytes
    links : whether ``path`` may be a link

    Raises
    ------
    OSError
        There is no such file, or it is a link, not a regular file, or too large; ``strerror`` says which.
    """
    with open_regular(path, links=links) as file:
        size = min(os.fstat(file.fileno()).st_size, most)
        data = file.read(size + 1)  # as much memory is taken as is asked for
        if len(data) > size:  # it has grown meanwhile, or is too large
            data += file.read(most - size)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"larger than {most >> 20} MiB", str(path))
    return data


def open_regular(path: Path, *, links: bool = False) -> IO[bytes]:
    """Open a regular file for reading, without waiting for a writer; as for :func:`read_regular`."""
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
    """Refuse a link, before another library opens the file for writing.

    Raises
    ------
    StoreError
        It is a link.
    """
    if path.is_symlink():
        raise StoreError(_is_link(path))


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees either the old or the new contents.

    A link at ``path`` is replaced and not followed. Missing folders are made.

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
    """A context in which a failed write (full disk, quota, no permission) becomes an error of one line.

    Parameters
    ----------
    path : the file that is written within the context
    consequence : appended to the reason in the message

    Raises
    ------
    StoreError
        Instead of an ``OSError``.
    """
    try:
        yield
    except OSError as error:
        ending = f"; {consequence}" if consequence else ""
        raise StoreError(f"{path}: cannot be written ({error.strerror or error}){ending}") from error


def _is_link(path: Path) -> str:
    return f"{path}: a link; nothing is written through links in a run folder, remove it"
