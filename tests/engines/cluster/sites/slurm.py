"""A SLURM of two nodes on loopback, started and ended by whoever uses it; no system service is touched."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import until
from tests.engines.cluster.sites.programs import MARK, Programs, free_ports

NODES = ("n1", "n2")
QUEUE = "p"

_CONF = """\
ClusterName=rdbench
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={control_port}
MailProg=/bin/true
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
SlurmUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
KillWait=2
ReturnToService=2
{nodes}
PartitionName={queue} Nodes={names} Default=YES MaxTime=INFINITE State=UP
"""
"""Both nodes are this machine, told apart by their ports, with one processor each and memory for any job.

A job's processes are known by their group, so that one whose parent ended earlier is ended with the job too.
"""


@dataclass(frozen=True)
class Slurm:
    """The site as its users see it."""

    environment: Mapping[str, str]
    """Variables by which SLURM's programs find it; jobs inherit them, and with them the mark of the site."""

    def ask(self, *line: str) -> str:
        """What one of SLURM's programs prints; empty where it can't reach the controller."""
        environment = os.environ | self.environment
        done = subprocess.run(line, capture_output=True, text=True, env=environment, timeout=60, check=False)
        return done.stdout.strip()


@contextmanager
def slurm(logs: Path) -> Iterator[Slurm]:
    """Start it and wait for its nodes; at the end nothing is left, its jobs included.

    Parameters
    ----------
    logs : folder for what its daemons print
    """
    if os.geteuid() != 0:
        pytest.skip("SLURM's daemons need root")
    if missing := [it for it in ("munged", "slurmctld", "slurmd", "sbatch") if shutil.which(it) is None]:
        pytest.skip(f"not installed: {', '.join(missing)} (Debian: slurmctld slurmd slurm-client munge)")
    # paths of sockets are short, and munge trusts no folder that others could write to
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder, Programs(logs) as programs:
        conf = _configure(Path(folder))
        site = Slurm({"SLURM_CONF": str(conf), MARK: programs.mark})
        _start_munge(programs, Path(folder, "munge"))
        programs.start("slurmctld", "slurmctld", "-D", "-f", conf)
        for node in NODES:
            programs.start(node, "slurmd", "-D", "-N", node, "-f", conf)
        try:
            until(lambda: site.ask("sinfo", "--noheader", "--format=%T %D") == f"idle {len(NODES)}")
            yield site
        finally:
            site.ask("scancel", "--full", "--user=root")
            until(lambda: site.ask("squeue", "--noheader") == "")


def _configure(folder: Path) -> Path:
    folder.chmod(0o755)
    (folder / "state").mkdir()
    host = socket.gethostname()
    control_port, *ports = free_ports(1 + len(NODES))
    nodes = (
        f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port}"
        " CPUs=1 RealMemory=1000000 State=UNKNOWN"
        for name, port in zip(NODES, ports, strict=True)
    )
    conf = folder / "slurm.conf"
    conf.write_text(
        _CONF.format(
            folder=folder,
            host=host,
            control_port=control_port,
            nodes="\n".join(nodes),
            names=",".join(NODES),
            queue=QUEUE,
        )
    )
    return conf


def _start_munge(programs: Programs, folder: Path) -> None:
    """Start the daemon by which SLURM's parts know each other, with a key and a socket of its own."""
    folder.mkdir(mode=0o755)
    key = folder / "key"
    key.write_bytes(secrets.token_bytes(1024))
    key.chmod(0o400)
    files = {"key-file": key, "socket": folder / "socket", "pid-file": folder / "pid"}
    files |= {"log-file": folder / "log", "seed-file": folder / "seed"}
    options = (f"--{name}={path}" for name, path in files.items())
    programs.start("munged", "munged", "--foreground", "--num-threads=2", *options)
    until((folder / "socket").exists)
