"""Shutting this process in, and whether this machine can."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import threading
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path

import msgspec

from bench.host.processes import allowed
from bench.sealing import landlock, namespaces, system_calls
from bench.sealing.linux import Prctl, prctl
from bench.sealing.variables import forget_variables

_DEVICES = ("null", "zero", "full", "random", "urandom")
_SYSTEM = (
    *("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/nix/store", "/gnu/store", "/sys"),
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ld.so.preload", "/etc/alternatives"),
    *(
        "/etc/localtime",
        "/etc/timezone",
        "/etc/os-release",
        "/etc/passwd",
        "/etc/group",
        "/etc/nsswitch.conf",
    ),
    *("/etc/fonts", "/etc/OpenCL", "/etc/vulkan", "/etc/ssl/openssl.cnf", "/etc/mime.types"),
    "/proc",
)
"""What programs and libraries read wherever they run; no data set lies there."""
_GPU = (
    "/dev/nvidiactl",
    "/dev/nvidia-uvm",
    "/dev/nvidia-uvm-tools",
    "/dev/nvidia-caps",
    "/dev/dri",
    "/dev/kfd",
)


_MOST_PROCESSES = 1024
_OWN_COUNT = 2
"""Version of Landlock that came with Linux 5.19."""

NEEDS = ("gpu", "network")
"""What a codec can declare to need, beside paths and, as ``$NAME``, environment variables."""
_VARIABLE = "$"


def needed_paths(needs: Iterable[str]) -> tuple[str, ...]:
    """Those of a codec's needs that it may write to."""
    return tuple(it for it in needs if it not in NEEDS and not it.startswith(_VARIABLE))


def ways_out(needs: Collection[str]) -> tuple[str, ...]:
    """Those of a codec's needs by which its encoder can tell its decoder more than the bitstream does."""
    paths = needed_paths(needs)
    return tuple(it for it in needs if it == "network" or it in paths)


class View(msgspec.Struct, frozen=True):
    """What a process sees of the machine once it is shut in, beside the system's own files.

    No path has a link in it: one that has become a link is not followed.
    """

    reads: tuple[Path, ...] = ()
    """Files, and folders with all beneath them."""
    lists: tuple[Path, ...] = ()
    """Folders of which the names are visible, and no more: modules are looked for there."""
    writes: tuple[Path, ...] = ()
    """The same, to be changed too."""
    empty: tuple[Path, ...] = ()
    """Folders that look empty, where ``lists`` would tell what is in them."""
    needs: tuple[str, ...] = ()
    """Those that are no paths, see :data:`NEEDS`."""


def can_seal() -> bool:
    """Whether this machine can shut a process in."""
    return not obstacle()


@cache
def obstacle() -> str:
    """Why this machine can't shut a process in; empty where it can. A process tries it."""
    if text := lacking():
        return text
    tried = subprocess.run(
        [sys.executable, "-m", "bench.sealing.seal"], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if tried.returncode == 0:
        return ""
    said = tried.stderr.strip().rpartition("\n")[2]
    return (
        f"user, process and mount namespaces are not allowed ({said}): in a container run it with"
        " --security-opt seccomp=unconfined --security-opt systempaths=unconfined; on Ubuntu, sysctl"
        " kernel.apparmor_restrict_unprivileged_userns=0"
    )


def lacking() -> str:
    """What the system lacks for it; empty where nothing is missing, so that it can be tried."""
    if sys.platform != "linux":
        return "that takes Linux"
    if landlock.version() == 0:
        return "the kernel has no Landlock (Linux 5.13 or later), or it is switched off"
    if not system_calls.is_known():
        return "system calls are known of x86-64 and 64-bit ARM alone"
    return ""


def _keep_no_kernels() -> None:
    """Have numba compile for this process what it is to cache, and cannot: it would refuse to."""
    caching = sys.modules.get("numba.core.caching")
    if caching is not None:
        caching._CacheLocator.ensure_cache_path = lambda locator: None
        caching.IndexDataCacheFile.save = lambda file, key, data: None


def _open_input_anew() -> None:
    """All workers inherit the same open file, whose flags and times would be shared memory."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)


def _limit_processes() -> None:
    """Have this process and all that it starts be so many at most; threads count too.

    A namespace of users counts its own since Linux 5.14. Before, all of the user's would count, which may be
    more already.
    """
    if landlock.version() >= _OWN_COUNT:
        count = allowed(resource.RLIMIT_NPROC, _MOST_PROCESSES)
        resource.setrlimit(resource.RLIMIT_NPROC, (count, count))


def seal(view: View) -> None:
    """Shut this process in, and all that it will start: what it can still reach is the view.

    It keeps its open files. It can write to its folder for temporary files, which begins empty, and to what
    the view names so.

    Raises
    ------
    OSError
        The kernel refuses; it is no process of :func:`bench.sealing.namespaces.fork_apart`, for example.
    """
    assert threading.active_count() == 1, "threads that run already would stay outside"
    network = "network" not in view.needs
    temporary = Path(tempfile.gettempdir())
    namespaces.leave(view.writes, view.empty, temporary, network=network)
    _open_input_anew()
    _limit_processes()
    forget_variables({it.removeprefix(_VARIABLE) for it in view.needs}, network=not network)
    system = [(Path(it), landlock.READ) for it in _SYSTEM]
    system += [(Path("/dev", it), landlock.DEVICE) for it in _DEVICES]
    system += [(it, landlock.EVERYTHING) for it in (temporary, namespaces.SHARED_MEMORY)]
    # for the count of memory
    system += [(Path("/proc/self", it), landlock.EVERYTHING) for it in ("clear_refs", "task")]
    if "gpu" in view.needs:
        system += [(it, landlock.DEVICE) for it in (*map(Path, _GPU), *Path("/dev").glob("nvidia[0-9]*"))]
    if "network" in view.needs:
        system += [(Path("/etc", it), landlock.READ) for it in ("resolv.conf", "hosts", "ssl")]
    # links are the system's there; elsewhere another codec may have put them, since the view was made
    rights = [(it.resolve(), allowed) for it, allowed in system]
    rights += [(it, landlock.READ) for it in view.reads]
    rights += [(it, landlock.LIST) for it in view.lists]
    rights += [(it, landlock.EVERYTHING) for it in view.writes]
    _keep_no_kernels()
    namespaces.give_up_capabilities()
    landlock.restrict(rights, network=network)
    system_calls.deny(network=network)


def try_to_seal() -> int:
    """Fork a process that is sealed and does nothing else: its exit code, 0 where that worked.

    Only for a process that may call :func:`bench.sealing.namespaces.fork_apart`.

    Raises
    ------
    OSError
        It can't be forked.
    """
    with tempfile.TemporaryDirectory() as folder:
        process, first = namespaces.fork_apart()
        if process == 0:
            tempfile.tempdir = folder
            code = 1
            try:
                seal(View())
                code = 0
            finally:
                os._exit(code)
        status = os.waitpid(process, 0)[1]
        os.kill(first, 9)
        os.waitpid(first, 0)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    prctl(Prctl.SET_CHILD_SUBREAPER, 1)
    sys.exit(try_to_seal())
