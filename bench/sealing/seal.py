"""Shutting this process in, and whether this machine can."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from pathlib import Path

import msgspec

from bench.sealing import landlock, namespaces, system_calls

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
    *("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/filesystems", "/proc/version", "/proc/sys"),
    *("/proc/self", "/proc/thread-self", "/proc/driver", "/proc/devices", "/proc/modules"),
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


NEEDS = ("gpu", "network")
"""What a codec can declare to need, beside paths."""


class View(msgspec.Struct, frozen=True):
    """What a process sees of the machine once it is shut in, beside the system's own files."""

    reads: tuple[Path, ...] = ()
    """Files, and folders with all beneath them."""
    lists: tuple[Path, ...] = ()
    """Folders of which the names are visible, and no more: modules are looked for there."""
    writes: tuple[Path, ...] = ()
    """The same, to be changed too."""
    needs: tuple[str, ...] = ()
    """Of :data:`NEEDS`."""


def can_seal() -> bool:
    """Whether this machine can shut a process in."""
    return landlock.version() > 0 and system_calls.is_known()


def how() -> str:
    """What it does so with, for the record; empty where it can't."""
    return f"landlock {landlock.version()}, seccomp" if can_seal() else ""


def _keep_no_kernels() -> None:
    """Have numba compile for this process what it is to cache, and cannot: it would refuse to."""
    caching = sys.modules.get("numba.core.caching")
    if caching is not None:
        caching._CacheLocator.ensure_cache_path = lambda locator: None
        caching.IndexDataCacheFile.save = lambda file, key, data: None


def seal(view: View) -> None:
    """Shut this process in, and all that it will start: what it can still reach is the view.

    It keeps its open files. It can write to its folder for temporary files, and to what the view names so.

    Raises
    ------
    OSError
        The kernel refuses.
    """
    assert threading.active_count() == 1, "threads that run already would stay outside"
    network = "network" not in view.needs
    private = namespaces.leave(network=network)
    rights = [(Path(it), landlock.READ) for it in _SYSTEM]
    rights += [(Path("/dev", it), landlock.DEVICE) for it in _DEVICES]
    rights += [(it, landlock.READ) for it in view.reads]
    rights += [(it, landlock.LIST) for it in view.lists]
    rights += [(it, landlock.EVERYTHING) for it in view.writes]
    rights += [(Path(tempfile.gettempdir()), landlock.EVERYTHING)]
    # for the count of memory
    rights += [(Path("/proc", str(os.getpid()), it), landlock.EVERYTHING) for it in ("clear_refs", "task")]
    if private:
        rights += [(namespaces.SHARED_MEMORY, landlock.EVERYTHING)]
    if "gpu" in view.needs:
        rights += [(it, landlock.DEVICE) for it in (*map(Path, _GPU), *Path("/dev").glob("nvidia[0-9]*"))]
    if "network" in view.needs:
        rights += [(Path("/etc", it), landlock.READ) for it in ("resolv.conf", "hosts", "ssl")]
    if not view.writes:
        _keep_no_kernels()
    landlock.restrict(rights, network=network)
    system_calls.deny(network=network)
