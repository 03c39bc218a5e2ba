"""What makes a result reproducible: the machine, and the software that touches a number."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import platform
import re
import sys
from collections import Counter
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
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
_ASIDE = frozenset({"kernel", "nvidia driver"})


class Environment(msgspec.Struct, frozen=True):
    """Machine and software of a run. Host and user names are left out on purpose."""

    machine: dict[str, str]
    software: dict[str, str]

    @property
    def id(self) -> str:
        """Short hash of the machine: times of different machines never mix."""
        return hashlib.sha256(json.dumps(self.machine, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def title(self) -> str:
        """The machine in a few words: ``"AMD EPYC 7763, 128 cores, 504 GiB"``."""
        cores = self.machine.get("cores")
        parts = (self.machine.get("cpu"), cores and f"{cores} cores", self.machine.get("memory"))
        further = (self.machine.get("gpu"), self.machine.get("software"))
        return ", ".join(filter(None, (*parts, *further))) or self.id

    def beside(self, software: dict[str, str]) -> Environment:
        """The same, told apart from machines with this software where its own is another one.

        Kernels and drivers apart: those of a cluster's machines differ, and change no number.
        """
        own = {key: it for key, it in self.software.items() if key not in _ASIDE}
        other = {key: it for key, it in software.items() if key not in _ASIDE}
        if own == other:
            return self
        text = [
            f"{key} {own.get(key, 'absent')}" for key in sorted(own | other) if own.get(key) != other.get(key)
        ]
        return Environment(self.machine | {"software": ", ".join(text)}, self.software)

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
    if names := gpus():
        machine["gpu"] = ", ".join(f"{n} × {it}" if n > 1 else it for it, n in Counter(names).items())
        software |= {"nvidia driver": _nvidia()[1], "cuda": _cuda_of_torch()}
    return Environment(machine, software)


def gpus() -> tuple[str, ...]:
    """Names of this machine's NVIDIA GPUs, whatever the run uses; empty without a driver."""
    return _nvidia()[0]


def _nvidia() -> tuple[tuple[str, ...], str]:
    """Names of the GPUs and the driver's version, from the library that the driver installs (NVML)."""
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return (), ""
    if nvml.nvmlInit_v2():
        return (), ""
    text = ctypes.create_string_buffer(96)
    count = ctypes.c_uint()
    names = []
    nvml.nvmlDeviceGetCount_v2(ctypes.byref(count))
    for index in range(count.value):
        handle = ctypes.c_void_p()
        if nvml.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(index), ctypes.byref(handle)):
            continue
        if not nvml.nvmlDeviceGetName(handle, text, ctypes.c_uint(len(text))):
            names.append(text.value.decode(errors="replace"))
    driver = "" if nvml.nvmlSystemGetDriverVersion(text, ctypes.c_uint(len(text))) else text.value.decode()
    nvml.nvmlShutdown()
    return tuple(names), driver


def _cuda_of_torch() -> str:
    """Version of CUDA that the installed torch was built with, read without importing it."""
    found = find_spec("torch")
    if found is None or not found.submodule_search_locations:
        return "absent"
    try:
        text = (Path(next(iter(found.submodule_search_locations))) / "version.py").read_text(encoding="utf-8")
    except OSError:
        return "unknown"
    match = re.search(r"^cuda\b[^=\n]*=\s*'([\d.]+)'", text, re.MULTILINE)
    return match[1] if match else "absent"


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
