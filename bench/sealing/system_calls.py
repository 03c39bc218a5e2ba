"""A filter of system calls: those that reach other processes or the network fail, without going there.

Files are Landlock's. Closed are what Landlock leaves open: shared memory and messages of System V and POSIX,
sockets of all kinds (pairs, which stay within the process, are allowed), keys, and looking into processes.
What two processes can tell each other by locks on a file that both may read, or by keeping a processor busy,
stays open.
https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

from bench.sealing.linux import prctl

_SET_SECCOMP, _FILTER = 22, 2
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE = 0, 4
"""Where ``struct seccomp_data`` has them."""
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_X32 = 0x40000000
"""Numbers from here on are those of another interface to the same kernel."""

# of each architecture: its number in linux/audit.h, and those of the calls in asm/unistd.h
_X86_64 = 0xC000003E
_AARCH64 = 0xC00000B7
_CALLS = {
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semget": (64, 190),
    "semop": (65, 193),
    "semtimedop": (220, 192),
    "semctl": (66, 191),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "socket": (41, 198),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_by_handle_at": (304, 265),
}
_NETWORK = frozenset({"socket"})


def is_known() -> bool:
    """Whether the numbers are known of this machine's architecture."""
    return _column() is not None


def deny(*, network: bool = True) -> None:
    """Have them fail with EPERM: in this thread, and in what it starts from now on.

    Parameters
    ----------
    network : sockets too

    Raises
    ------
    OSError
        The kernel refuses.
    """
    column = _column()
    assert column is not None
    denied = [calls[column] for name, calls in _CALLS.items() if network or name not in _NETWORK]
    last = len(denied)
    program = [
        _statement(_LOAD, 0, 0, _ARCHITECTURE),
        _statement(_EQUAL, 1, 0, (_X86_64, _AARCH64)[column]),
        _statement(_RETURN, 0, 0, _FAIL | errno.EPERM),  # a call of another architecture's interface
        _statement(_LOAD, 0, 0, _NUMBER),
        _statement(_AT_LEAST, last + 1, 0, _X32),
        *(_statement(_EQUAL, last - place, 0, number) for place, number in enumerate(denied)),
        _statement(_RETURN, 0, 0, _ALLOW),
        _statement(_RETURN, 0, 0, _FAIL | errno.EPERM),
    ]
    code = ctypes.create_string_buffer(b"".join(program))
    header = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code))
    prctl(_SET_SECCOMP, _FILTER, ctypes.create_string_buffer(header))


def _column() -> int | None:
    return {"x86_64": 0, "aarch64": 1}.get(platform.machine())


def _statement(code: int, if_so: int, if_not: int, value: int) -> bytes:
    """An instruction of the filter's language: what to do, and how many to skip."""
    return struct.pack("HBBI", code, if_so, if_not, value)
