"""Codecs whose bitstream has nothing of the picture: that gets past it without a file being written.

Where that fails they return grey. Each works where codecs are not sealed, which the tests see to. The
pictures have twelve samples.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import posix
import resource
import socket
import struct
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

COUNT = 12
"""Samples of a picture."""
HERE = Path(__file__)
MARKS = [HERE.with_name(f"mark{it}") for it in range(16)]
"""Files beside this one: what becomes of them can be seen."""


class Passage:
    """Puts the samples somewhere when it encodes, and gets them from there when it decodes."""

    qualities = (1.0,)
    lossless = False

    def encode(self, image, quality):
        with contextlib.suppress(OSError, ValueError):
            self.put(image.tobytes())
        return b"\0" + struct.pack("<I", os.getpid())

    def decode(self, bitstream):
        pixels = np.full((1, COUNT // 3, 3), 128, np.uint8)
        with contextlib.suppress(OSError, ValueError, LookupError, OverflowError):
            data = self.get(*struct.unpack("<I", bitstream[1:]))
            if len(data) == COUNT:
                pixels[:] = np.frombuffer(data, np.uint8).reshape(pixels.shape)
        return pixels

    def put(self, data: bytes) -> None:
        raise NotImplementedError

    def get(self, pid: int) -> bytes:
        raise NotImplementedError


class InAttributes(Passage):
    """Of its own file."""

    def put(self, data):
        os.setxattr(HERE, "user.rdbench", data)

    def get(self, pid):
        return os.getxattr(HERE, "user.rdbench")


class InTimes(Passage):
    """Of files beside it."""

    def put(self, data):
        for mark, value in zip(MARKS, data, strict=False):
            os.utime(mark, (0, value))

    def get(self, pid):
        return bytes(int(mark.stat().st_mtime) for mark in MARKS[:COUNT])


class InPermissions(Passage):
    """Of files beside it: eight bits, each in one file after the other's."""

    def put(self, data):
        for mark, value in zip(MARKS, data, strict=False):
            mark.chmod(0o400 | value & 0o377)

    def get(self, pid):
        return bytes(mark.stat().st_mode & 0o377 for mark in MARKS[:COUNT])


class InRecordLocks(Passage):
    """On bytes of its own file, which both read."""

    lock = struct.Struct("hhqqi4x")

    def put(self, data):
        self.file = HERE.open("rb")
        for place, value in enumerate(data):
            fcntl.lockf(self.file, fcntl.LOCK_SH, 1, 256 * place + value)

    def get(self, pid):
        found = []
        with HERE.open("rb") as file:
            for place in range(COUNT):
                query = self.lock.pack(fcntl.F_WRLCK, os.SEEK_SET, 256 * place, 256, 0)
                kind, _, start, _, _ = self.lock.unpack(fcntl.fcntl(file, fcntl.F_GETLK, query))
                if kind == fcntl.F_UNLCK:
                    raise LookupError
                found.append(start - 256 * place)
        return bytes(found)


class InFileLocks(Passage):
    """On files beside it: a bit each, one sample after the other."""

    def put(self, data):
        self.files = [it.open("rb") for it in MARKS]
        threading.Thread(target=self._play, args=(data,), daemon=True).start()

    def _play(self, data):
        while True:
            for place, value in enumerate(data):
                for bit, file in enumerate(self.files):
                    wanted = (place | value << 4) >> bit & 1
                    fcntl.flock(file, fcntl.LOCK_EX if wanted else fcntl.LOCK_UN)
                time.sleep(0.01)

    def get(self, pid):
        found: dict[int, int] = {}
        end = time.monotonic() + 5
        while len(found) < COUNT and time.monotonic() < end:
            read = (self._read(), self._read())
            if read[0] == read[1]:
                found[read[0] & 15] = read[0] >> 4 & 255
        return bytes(found[it] for it in range(COUNT))

    def _read(self):
        number = 0
        for bit, mark in enumerate(MARKS):
            with mark.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    number |= 1 << bit
        return number


class OnBoundDatagrams(Passage):
    """A pair of sockets is taken apart and bound in a folder for temporary files."""

    address = "/tmp/rdbench-passage-{}"

    def put(self, data):
        bound = _bound(self.address.format(os.getpid()))
        threading.Thread(target=self._serve, args=(bound, data), daemon=True).start()

    def _serve(self, bound, data):
        while True:
            with contextlib.suppress(OSError):
                bound.sendto(data, bound.recv(200).decode())

    def get(self, pid):
        mine = self.address.format(f"{os.getpid()}-decoder")
        bound = _bound(mine)
        try:
            bound.settimeout(5)
            bound.sendto(mine.encode(), self.address.format(pid))
            return bound.recv(200)
        finally:
            for path in (mine, self.address.format(pid)):
                os.unlink(path)


def _bound(address):
    one, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    family = struct.pack("h14x", socket.AF_UNSPEC)
    ctypes.CDLL(None).connect(one.fileno(), family, len(family))
    one.bind(address)
    return one


class InNamesOfTemporaryFiles(Passage):
    """The decoder looks beside its folder for temporary files."""

    def put(self, data):
        Path(tempfile.gettempdir(), f"rdbench-{data.hex()}").touch()

    def get(self, pid):
        folder = Path(tempfile.gettempdir()).parent
        (found,) = folder.glob(f"{pid}/rdbench-{2 * COUNT * '?'}")
        return bytes.fromhex(found.name.partition("-")[2])


class InLimits(Passage):
    """Of the encoder's process, which the decoder asks for."""

    kinds = (10, 15)  # RLIMIT_LOCKS, RLIMIT_RTTIME: nobody needs them

    def put(self, data):
        for place, kind in enumerate(self.kinds):
            value = int.from_bytes(data[6 * place : 6 * place + 6], "little")
            resource.setrlimit(kind, (value, resource.getrlimit(kind)[1]))

    def get(self, pid):
        return b"".join(resource.prlimit(pid, it)[0].to_bytes(6, "little") for it in self.kinds)


class InOpenedFiles(Passage):
    """The encoder opens files beside it, one for three bits; the decoder watches the folder.

    Two files take turns for the same bits, since the second of two equal events is left out.
    """

    digits = 8 * COUNT // 3

    def put(self, data):
        octal = f"{int.from_bytes(data):0{self.digits}o}"
        threading.Thread(target=self._play, args=(octal,), daemon=True).start()

    def _play(self, octal):
        while True:
            HERE.open("rb").close()
            for place, digit in enumerate(octal):
                MARKS[place % 2 * 8 + int(digit)].open("rb").close()
            time.sleep(0.05)

    def get(self, pid):
        libc = ctypes.CDLL(None)
        watch = libc.inotify_init1(os.O_NONBLOCK)
        libc.inotify_add_watch(watch, os.fsencode(HERE.parent), 0x20)  # IN_OPEN
        digits, end = "", time.monotonic() + 5
        while time.monotonic() < end:
            with contextlib.suppress(BlockingIOError):
                digits += "".join(self._names(os.read(watch, 1 << 16)))
            for it in digits.split("|")[1:-1]:
                if len(it) == self.digits:
                    return int(it, 8).to_bytes(COUNT)
            time.sleep(0.01)
        raise LookupError

    def _names(self, data):
        while data:
            size = struct.unpack_from("iIII", data)[3]
            name = data[16 : 16 + size].rstrip(b"\0").decode()
            data = data[16 + size :]
            if name == HERE.name:
                yield "|"
            elif name.startswith("mark"):
                yield f"{int(name[4:]) % 8}"


class InFlagsOfInput(Passage):
    """Of the open file that all workers inherit: one flag is a bit, the other says that it is there."""

    def put(self, data):
        threading.Thread(target=self._send, args=(data,), daemon=True).start()

    def _send(self, data):
        for value in data:
            for bit in range(8):
                self._await(0)
                fcntl.fcntl(0, fcntl.F_SETFL, os.O_NONBLOCK | (value >> bit & 1) * os.O_APPEND)

    def get(self, pid):
        found = bytearray(COUNT)
        for place in range(8 * COUNT):
            flags = self._await(os.O_NONBLOCK)
            found[place // 8] |= bool(flags & os.O_APPEND) << place % 8
            fcntl.fcntl(0, fcntl.F_SETFL, 0)
        return bytes(found)

    def _await(self, wanted):
        end = time.monotonic() + 5
        while time.monotonic() < end:
            flags = fcntl.fcntl(0, fcntl.F_GETFL)
            if flags & os.O_NONBLOCK == wanted:
                return flags
            time.sleep(0.0002)
        raise LookupError


class ThroughParent(Passage):
    """The encoder leaves a child to its parent, beside itself, which keeps the samples."""

    def put(self, data):
        libc = ctypes.CDLL(None, use_errno=True)
        child = libc.syscall(56 if os.uname().machine == "x86_64" else 220, 0x8000 | 17, 0, 0, 0, 0)
        if child == 0:
            Path("/tmp/rdbench-passage").write_bytes(data)
            time.sleep(5)
            os._exit(0)
        if child < 0:
            raise OSError(ctypes.get_errno(), "clone")
        time.sleep(0.1)

    def get(self, pid):
        data = Path("/tmp/rdbench-passage").read_bytes()
        os.unlink("/tmp/rdbench-passage")
        return data


class Looks:
    """Returns no picture, but an error with what it has and may do."""

    qualities = (1.0,)

    def encode(self, image, quality):
        files = []
        for number in range(256):
            with contextlib.suppress(OSError):
                os.fstat(number)
                files.append(os.readlink(f"/proc/self/fd/{number}"))
        libc = ctypes.CDLL(None, use_errno=True)
        calls = {
            "unshare": (0x10000000,),
            "mount": (b"/", b"/tmp", None, 0x1000, None),
            "inotify_init1": (0,),
            "fanotify_init": (0, 0),
            "setns": (0, 0),
        }
        allowed = [name for name, given in calls.items() if getattr(libc, name)(*given) >= 0]
        for name in ("timer_list", "keys", "kallsyms"):
            with contextlib.suppress(OSError):
                allowed += [name] if Path("/proc", name).read_bytes() else []
        pids = sorted(int(it) for it in os.listdir("/proc") if it.isdigit())
        empty = [os.listdir(it) for it in (tempfile.gettempdir(), "/dev/shm")]
        raise RuntimeError(f"{len(files)} {files=} {allowed=} {pids=} {empty=}")

    def decode(self, bitstream):
        raise NotImplementedError


class SeesRun(Passage):
    """Fails where it can name anything in the run folder, which lies beneath its own."""

    def put(self, data):
        run = HERE.with_name("a") / "b" / "c" / "run"
        with contextlib.suppress(FileNotFoundError):
            raise LookupError((run / "run.json").stat())
        if os.listdir(run):
            raise LookupError(os.listdir(run))

    def get(self, pid):
        return b""


class TellsVariables(Looks):
    """An error with the names of its environment variables, wherever it finds some."""

    def __init__(self):
        found = {*os.environ, *posix.environ, *Path("/proc/self/environ").read_text().split("\0")}
        found |= {*subprocess.run(["env"], capture_output=True, text=True, check=True).stdout.splitlines()}
        raise RuntimeError(" ".join(sorted({os.fsdecode(it).partition("=")[0] for it in found})))


class NeedsVariable(TellsVariables):
    """One of them by name."""

    needs = ("$LICENCE_SERVER",)


class NeedsNetworkVariables(TellsVariables):
    """Those that reaching a server may take."""

    needs = ("network",)


class LooksFor(Looks):
    """Reads a file when it is made, and is none without."""

    def __init__(self, *, path: str):
        Path(path).read_bytes()
