"""Processes, shared memory, mounts and a network that are this process's own, with nothing of others in them.

First :func:`fork_apart` forks a process that can name no process but those that it starts. That one then
calls :func:`leave`, after which it sees all files of the machine read-only, its own ``/proc``, and empty
folders for temporary files and shared memory, which end with it.

A file that can't be written to can't have its times, attributes or permissions changed either, so that
nothing is left there for another process to find.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from bench.sealing.linux import Prctl, checked, libc, open_place, prctl

_MOUNTS, _IPC, _USER, _PROCESSES, _NETWORK = 0x00020000, 0x08000000, 0x10000000, 0x20000000, 0x40000000
_BIND, _RECURSIVE, _PRIVATE = 1 << 12, 1 << 14, 1 << 18
_NO_SETUID, _NO_DEVICES, _NO_EXECUTION = 1 << 1, 1 << 2, 1 << 3
_MOUNT_SETATTR, _CAPSET = 442, {"x86_64": 126, "aarch64": 91}
_HERE, _TREE, _READ_ONLY = -100, 0x8000, 1
_CAPABILITIES_VERSION = 0x20080522
_PIDS = struct.Struct("<qq")
SHARED_MEMORY = Path("/dev/shm")
_OF_THE_KERNEL = (
    *(
        "allocinfo",
        "buddyinfo",
        "interrupts",
        "kallsyms",
        "kcore",
        "key-users",
        "keys",
        "kmsg",
        "kpagecgroup",
    ),
    *("kpagecount", "kpageflags", "latency_stats", "locks", "pagetypeinfo", "sched_debug", "schedstat"),
    *("slabinfo", "softirqs", "timer_list", "vmallocinfo", "zoneinfo"),
)
"""Files in ``/proc`` that tell of all processes, whatever the namespace."""


def fork_apart() -> tuple[int, int]:
    """Fork a process that is alone with what it starts.

    Only for a process with one thread that adopts orphans, ``PR_SET_CHILD_SUBREAPER``.

    A namespace of processes ends with the first process in it, to which the kernel does not deliver signals
    as to others; so the new process is the second. The first does nothing.

    Returns
    -------
    In the caller the numbers of the new process and of the first one, both its children, of which the first
    one is to be killed when the other has ended; in the new process two zeros.

    Raises
    ------
    OSError
        The system does not let a process do that.
    """
    ours, theirs = socket.socketpair()
    with ours:
        between = os.fork()
        if between == 0:
            ours.close()
            return _come_between(theirs)
        theirs.close()
        data = ours.recv(_PIDS.size, socket.MSG_WAITALL)
        number = os.waitstatus_to_exitcode(os.waitpid(between, 0)[1])
        if len(data) < _PIDS.size:
            raise OSError(number, f"no namespaces of its own: {os.strerror(number)}")
        process, first = _PIDS.unpack(data)
        # They are our children only now, so that only now they can ask to be told of our end.
        ours.sendall(b"12")
        ours.recv(2, socket.MSG_WAITALL)
    return process, first


def _come_between(parent: socket.socket) -> tuple[int, int]:
    """Fork both and leave them to the parent; returns in the second alone."""
    try:
        _leave_processes()
        first = os.fork()
        if first == 0:
            _be_first(parent)
        process = os.fork()
    except OSError as error:
        os.write(2, f"{error}\n".encode())
        os._exit(error.errno or 1)
    if process == 0:
        _follow(parent)
        return 0, 0
    parent.sendall(_PIDS.pack(process, first))
    os._exit(0)


def _leave_processes() -> None:
    user, group = os.getuid(), os.getgid()
    checked(libc().unshare(_USER | _PROCESSES))
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        Path("/proc/self", name).write_text(text)
    prctl(Prctl.SET_DUMPABLE, 1)  # new credentials took it, and with it what /proc tells of this process


def _be_first(parent: socket.socket) -> NoReturn:
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        _follow(parent)
        os.closerange(0, 1 << 16)
        while True:
            signal.pause()
    finally:
        os._exit(1)


def _follow(parent: socket.socket) -> None:
    """End with the parent, which may have ended already."""
    with parent:
        if not parent.recv(1):
            os._exit(1)
        prctl(Prctl.SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        try:
            parent.sendall(b".")
        except OSError:
            os._exit(1)


def leave(writable: Iterable[Path], empty: Iterable[Path], temporary: Path, *, network: bool = True) -> None:
    """Leave the machine's mounts, shared memory and network for new ones.

    Only for a process with one thread, of :func:`fork_apart`.

    Parameters
    ----------
    writable : files and folders that can be written to as before; none of them in another, nor a link
    empty : folders that look empty; those that do not exist are passed over
    temporary : a folder that becomes an empty one
    network : leave that too

    Raises
    ------
    OSError
        The system does not let a process do that, or a link has taken the place of one of ``writable``.
    """
    checked(libc().unshare(_MOUNTS | _IPC | (_NETWORK if network else 0)))
    _mount(None, "/", None, _PRIVATE | _RECURSIVE)
    # of files that are written to the whole name is needed, since one may lie in another's way
    opened = [(it, open_place(it)) for it in writable]
    _set_read_only("/", _READ_ONLY)
    _mount("proc", "/proc", "proc", _NO_SETUID | _NO_DEVICES | _NO_EXECUTION)
    for name in _OF_THE_KERNEL:
        if os.path.exists(f"/proc/{name}"):
            _mount(os.devnull, f"/proc/{name}", None, _BIND)
    for folder in empty:
        with suppress(FileNotFoundError, NotADirectoryError):
            _mount("tmpfs", str(folder), "tmpfs", _READ_ONLY | _NO_SETUID | _NO_DEVICES)
    for folder in (temporary, SHARED_MEMORY):
        _mount("tmpfs", str(folder), "tmpfs", _NO_SETUID | _NO_DEVICES, f"mode=1777{_size()}")
    for path, file in opened:
        _mount(f"/proc/self/fd/{file}", str(path), None, _BIND | _RECURSIVE)
        os.close(file)
        with suppress(OSError):  # it could not be written to before
            _set_read_only(str(path), 0)


def give_up_capabilities() -> None:
    """Those that a process has in a namespace of its own, as to mount."""
    number = _CAPSET.get(os.uname().machine)
    if number is not None:
        header = struct.pack("Ii", _CAPABILITIES_VERSION, 0)
        checked(libc().syscall(ctypes.c_long(number), header, bytes(24)))


def _size() -> str:
    """No more than a process may have of memory, which files in memory are not counted with."""
    most = resource.getrlimit(resource.RLIMIT_DATA)[0]
    return "" if most == resource.RLIM_INFINITY else f",size={most}"


def _mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    given = (None if it is None else os.fsencode(it) for it in (source, target, kind))
    data = None if options is None else options.encode()
    checked(libc().mount(*given, ctypes.c_ulong(flags), data))


def _set_read_only(path: str, wanted: int) -> None:
    """``mount_setattr`` on a mount and those beneath."""
    attributes = struct.pack("QQQQ", wanted, _READ_ONLY - wanted, 0, 0)
    place = os.fsencode(path)
    checked(
        libc().syscall(
            ctypes.c_long(_MOUNT_SETATTR), _HERE, place, _TREE, attributes, ctypes.c_size_t(len(attributes))
        )
    )
