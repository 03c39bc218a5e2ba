"""Landlock: a process gives up all files but those that it names, for ever and for its children.

https://docs.kernel.org/userspace-api/landlock.html, and ``linux/landlock.h`` for the numbers. Processes that
are shut in can also neither trace nor signal any process outside, nor mount anything.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from bench.sealing.linux import Prctl, checked, libc, open_place, prctl

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on all architectures
_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE, _IOCTL_DEV = (1 << it for it in (0, 1, 2, 3, 14, 15))
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_ALL_OF = (0, (1 << 13) - 1, (1 << 14) - 1, (1 << 15) - 1, (1 << 15) - 1, (1 << 16) - 1)
"""Rights on files that are known to each version of the interface; later ones add none."""
_ALL_OF_NETWORK = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11

_PASSED_OVER = (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ELOOP)

READ = _EXECUTE | _READ_FILE | _READ_DIR
LIST = _READ_DIR
DEVICE = READ | _WRITE_FILE | _IOCTL_DEV
EVERYTHING = (1 << 16) - 1


@cache
def version() -> int:
    """Of the interface; 0 where the kernel has none, or it is switched off."""
    try:
        return int(checked(_call(_CREATE_RULESET, None, 0, _CREATE_RULESET_VERSION)))
    except (OSError, AttributeError):
        return 0


def restrict(rights: Iterable[tuple[Path, int]], *, network: bool = True) -> None:
    """Keep nothing but these rights: this thread, and what it starts from now on.

    Parameters
    ----------
    rights : paths, and what is allowed with them and all beneath; those that do not exist, or are links, are
        passed over
    network : give up TCP too

    Raises
    ------
    OSError
        The kernel refuses.
    """
    known = _ALL_OF[min(version(), len(_ALL_OF) - 1)]
    attributes = struct.pack(
        "QQQ",
        known,
        _ALL_OF_NETWORK if network and version() >= 4 else 0,
        _ABSTRACT_SOCKETS_AND_SIGNALS if version() >= 6 else 0,
    )
    size = 8 if version() < 4 else 16 if version() < 6 else 24
    ruleset = checked(_call(_CREATE_RULESET, attributes, size, 0))
    try:
        for path, allowed in rights:
            _allow(ruleset, path, allowed & known)
        prctl(Prctl.SET_NO_NEW_PRIVS, 1)
        checked(_call(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, allowed: int) -> None:
    try:
        file = open_place(path)
    except OSError as error:
        if error.errno not in _PASSED_OVER:
            raise
        return
    try:
        if not stat.S_ISDIR(os.fstat(file).st_mode):
            allowed &= _OF_FILES
        checked(_call(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, struct.pack("=Qi", allowed, file), 0))
    finally:
        os.close(file)


def _call(number: int, *arguments: int | bytes | None) -> int:
    given = [ctypes.c_long(it) if isinstance(it, int) else it for it in arguments]
    return int(libc().syscall(ctypes.c_long(number), *given))
