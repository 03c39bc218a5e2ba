"""What makes a result reproducible: the machine, and the software that touches a number."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

_PACKAGES = (
    "rdbench",
    "numpy",
    "numba",
    "pillow",
    "imagecodecs",
    "opencv-python-headless",
    "opencv-python",
    "scikit-image",
    "scipy",
    "torch",
    "compressai",
)


class Environment(msgspec.Struct, frozen=True):
    """Machine and software of a run. Host and user names are left out on purpose."""

    machine: dict[str, str]
    software: dict[str, str]

    @property
    def id(self) -> str:
        """Short hash of the machine: times of different machines never mix."""
        return hashlib.sha256(json.dumps(self.machine, sort_keys=True).encode()).hexdigest()[:12]

    def differences(self, other: Environment) -> list[str]:
        """``["numpy 1.26.4 -> 2.1.0", ...]``: what changed from ``self`` to ``other``."""
        mine, its = self.machine | self.software, other.machine | other.software
        return [
            f"{key} {mine.get(key, 'absent')} -> {its.get(key, 'absent')}"
            for key in sorted(mine.keys() | its.keys())
            if mine.get(key) != its.get(key)
        ]


def current() -> Environment:
    """The environment of this process, without importing any of the libraries."""
    software = {"python": platform.python_version(), "kernel": platform.release()}
    for package in _PACKAGES:
        try:
            software[package] = version(package)
        except PackageNotFoundError:
            continue
    machine = {
        "cpu": _cpu_model(),
        "cores": str(os.cpu_count()),
        "architecture": platform.machine(),
        "system": platform.system(),
        "memory": f"{memory_bytes() / 2**30:.0f} GiB",
    }
    return Environment(machine, software)


def _cpu_model() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() in ("model name", "Model"):
                return value.strip()
    return platform.processor() or "unknown"


def memory_bytes() -> int:
    """Physical memory of this machine in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
