"""Machines of their own in one: network namespaces on a switch, each with a name, an address and a disk.

A host sees the file system of the machine but for the folders that are hidden from it, which are empty there:
whatever it needs of them has to travel. Its link can be cut, as when a cable is pulled: both ends keep their
connections and learn of it by silence alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_SETUP = """\
hostname "$1"; shift
while [ "$1" != -- ]; do mount -t tmpfs none "$1" || exit; shift; done
shift; exec "$@"
"""
"""``ip netns exec`` gives a program mounts of its own, so these are seen by it and what it starts alone."""


@dataclass(frozen=True)
class Host:
    """A machine of the site."""

    name: str
    address: str
    scratch: Path
    """Where its programs put temporary files."""
    hidden: tuple[Path, ...]
    """Folders that are empty here."""
    _site: str

    @property
    def line(self) -> tuple[str, ...]:
        """A command line that runs another one here."""
        setup = ("unshare", "--uts", "sh", "-c", _SETUP, "setup", self.name, *map(str, self.hidden), "--")
        scratch = ("env", f"TMPDIR={self.scratch}")
        return (*scratch, "ip", "netns", "exec", f"{self._site}-{self.name}", *setup)

    def cut(self) -> None:
        """Cut the link to the switch."""
        _ip("-n", f"{self._site}-switch", "link", "set", "dev", self.name, "down")

    def mend(self) -> None:
        """Join the link again."""
        _ip("-n", f"{self._site}-switch", "link", "set", "dev", self.name, "up")


@contextmanager
def hosts(*names: str, folder: Path, hidden: Sequence[Path] = ()) -> Iterator[list[Host]]:
    """Hosts on one switch, which nothing else is connected to.

    Parameters
    ----------
    names : of the hosts, up to 15 characters
    folder : for their temporary files
    hidden : existing folders, empty on all hosts but the first
    """
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    if not all(map(shutil.which, ("ip", "unshare", "mount"))):
        pytest.skip("network namespaces need ip (iproute2), unshare and mount")
    site = f"rdbench-{uuid.uuid4().hex[:8]}"
    spaces: list[str] = []
    try:
        try:
            found = _join(site, names, folder, hidden, spaces)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"network namespaces do not work here: {error.stderr.strip()}")
        yield found
    finally:
        for space in spaces:
            _ip("netns", "delete", space)


def _join(
    site: str, names: Sequence[str], folder: Path, hidden: Sequence[Path], spaces: list[str]
) -> list[Host]:
    """Lay the cables; ``spaces`` are the namespaces so far, for whoever has to take them away."""
    switch = f"{site}-switch"
    for space in (switch, *(f"{site}-{name}" for name in names)):
        _ip("netns", "add", space)
        spaces.append(space)
        _ip("-n", space, "link", "set", "dev", "lo", "up")
    _ip("-n", switch, "link", "add", "name", "bridge", "type", "bridge")
    _ip("-n", switch, "link", "set", "dev", "bridge", "up")
    found = []
    for number, name in enumerate(names, 1):
        space, address = f"{site}-{name}", f"10.77.0.{number}"
        _ip(
            "link",
            "add",
            "name",
            "eth0",
            "netns",
            space,
            "type",
            "veth",
            "peer",
            "name",
            name,
            "netns",
            switch,
        )
        _ip("-n", switch, "link", "set", "dev", name, "master", "bridge", "up")
        _ip("-n", space, "address", "add", f"{address}/24", "dev", "eth0")
        _ip("-n", space, "link", "set", "dev", "eth0", "up")
        _ip(
            "-n", space, "route", "add", "default", "dev", "eth0"
        )  # by which programs learn their own address
        scratch = folder / f"{name}.tmp"
        scratch.mkdir()
        found.append(Host(name, address, scratch, () if number == 1 else tuple(hidden), site))
    subprocess.run([*found[-1].line, "true"], check=True, capture_output=True, text=True)
    return found


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
