"""Hosts that can be logged in to: a daemon of each one's own, and a key that opens it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conftest import until
from tests.engines.cluster.sites.hosts import Host
from tests.engines.cluster.sites.programs import MARK, Programs


def start_sshd(programs: Programs, hosts: Sequence[Host], folder: Path) -> Path:
    """Start a daemon on each host, on the usual port.

    Parameters
    ----------
    folder : an existing one, for keys

    Returns
    -------
    The private key by which root may log in.
    """
    daemon = shutil.which("sshd")
    if daemon is None:
        pytest.skip("not installed: sshd (Debian: openssh-server)")
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where it shuts strangers in; it starts only with it
    key, host_key = folder / "key", folder / "host-key"
    for file in (key, host_key):
        make = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file))
        subprocess.run(make, check=True, capture_output=True)
    options = {
        "HostKey": host_key,
        "AuthorizedKeysFile": key.with_suffix(".pub"),
        "StrictModes": "no",
        "UsePAM": "no",
        "PidFile": "none",
        "SetEnv": f"{MARK}={programs.mark}",
    }
    settings = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    for host in hosts:
        name = f"sshd-{host.name}"
        programs.start(name, *host.line, daemon, "-D", "-e", "-f", "/dev/null", *settings)
        until(lambda name=name: "listening" in programs.log(name).read_text())
    return key
