"""A filter of system calls: those that reach other processes, or the network, fail without going there.

Files are Landlock's, and what a process can name is its namespaces'. Closed are what those leave open:
locks and watches on a file that two processes may both read, what is known of a file's pages in memory,
sockets of all kinds (pairs of streams, which stay within the process, are allowed), keys, and new
namespaces, in which more would be possible. What a lock would do is said to be done: nobody is there to be
locked out.

What two processes that run at the same time can tell each other by keeping a processor, a cache or a futex
in a library that both have in memory busy stays open.
https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

from bench.sealing.linux import Prctl, prctl

_FILTER = 2
_LOAD, _AND, _EQUAL, _AT_LEAST, _ANY_OF, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
"""Where ``struct seccomp_data`` has them; of an argument the lower half comes first."""
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_X32 = 0x40000000
"""Numbers from here on are those of another interface to the same kernel."""

# of each architecture: its number in linux/audit.h, and those of the calls in asm/unistd.h
_X86_64 = 0xC000003E
_AARCH64 = 0xC00000B7
_CALLS: dict[str, tuple[int, int | None]] = {
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
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "mount_setattr": (442, 442),
    "open_tree_attr": (467, 467),
    "inotify_init": (253, None),
    "inotify_init1": (294, 26),
    "fanotify_init": (300, 262),
    "mincore": (27, 232),
    "cachestat": (451, 451),
    "syslog": (103, 116),
    "bind": (49, 200),
    "connect": (42, 203),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
}
_NETWORK = frozenset({"socket", "bind", "connect", "listen", "accept", "accept4"})

_FCNTL, _FLOCK, _ADVISE, _SOCKETPAIR = (72, 25), (73, 32), (221, 223), (53, 199)
_CLONE, _CLONE3, _PRCTL = (56, 220), (435, 435), (157, 167)
_STREAM, _KIND_OF_SOCKET = 1, 0xF
_SET_LOCKS = (6, 7, 37, 38)
_HARMLESS = (*range(6), 36, *range(1030, 1035))
"""Commands of ``fcntl`` on descriptors, pipes and files in memory, and those that ask for a lock's holder."""
_ELSEWHERE = 0x7E028080
"""Flags of ``clone``: namespaces of its own, or its parent's parent for a parent."""


def is_known() -> bool:
    """Whether the numbers are known of this machine's architecture."""
    return _column() is not None


def deny(*, network: bool = True) -> None:
    """Have them fail, most with EPERM: in this thread, and in what it starts from now on.

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
    allow = _statement(_RETURN, 0, 0, _ALLOW)
    program = [
        _statement(_LOAD, 0, 0, _ARCHITECTURE),
        _statement(_EQUAL, 1, 0, (_X86_64, _AARCH64)[column]),
        _fail(errno.EPERM),  # a call of another architecture's interface
        _statement(_LOAD, 0, 0, _NUMBER),
        _statement(_AT_LEAST, 0, 1, _X32),
        _fail(errno.EPERM),
    ]
    special = {
        _FCNTL: [
            _argument(1),
            *(it for command in _HARMLESS for it in _where(command, [allow])),
            *(it for command in _SET_LOCKS for it in _where(command, [_fail(0)])),
            _fail(errno.EINVAL),
        ],
        _FLOCK: [_fail(0)],
        _ADVISE: [_fail(0)],
        # the worker is where what its codec leaves behind is counted
        _PRCTL: [_argument(0), *_where(Prctl.SET_CHILD_SUBREAPER, [_fail(errno.EPERM)]), allow],
        _CLONE3: [_fail(errno.ENOSYS)],  # has its flags in memory; the C library then asks clone
        _CLONE: [
            _argument(0),
            _statement(_ANY_OF, 0, 1, _ELSEWHERE),
            _fail(errno.EPERM),
            allow,
        ],
    }
    if network:
        special[_SOCKETPAIR] = [
            _argument(1),
            _statement(_AND, 0, 0, _KIND_OF_SOCKET),
            *_where(_STREAM, [allow]),
            _fail(errno.EPERM),
        ]
    for call, answer in special.items():
        program += _where(call[column], answer)
    program += [it for number in denied if number is not None for it in _where(number, [_fail(errno.EPERM)])]
    program.append(allow)
    code = ctypes.create_string_buffer(b"".join(program))
    header = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code))
    prctl(Prctl.SET_SECCOMP, _FILTER, ctypes.create_string_buffer(header))


def _where(value: int, then: list[bytes]) -> list[bytes]:
    """What to do where that was loaded; it has to end the program."""
    return [_statement(_EQUAL, 0, len(then), value), *then]


def _argument(place: int) -> bytes:
    """Load the lower half of an argument."""
    return _statement(_LOAD, 0, 0, _ARGUMENTS + 8 * place)


def _fail(number: int) -> bytes:
    """The call is not made; 0 lets it seem so."""
    return _statement(_RETURN, 0, 0, _FAIL | number)


def _column() -> int | None:
    return {"x86_64": 0, "aarch64": 1}.get(platform.machine())


def _statement(code: int, if_so: int, if_not: int, value: int) -> bytes:
    """An instruction of the filter's language: what to do, and how many to skip."""
    return struct.pack("HBBI", code, if_so, if_not, value)
