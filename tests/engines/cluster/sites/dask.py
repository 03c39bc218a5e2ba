"""A Dask cluster that stands already: its scheduler and each of its workers a process of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

from tests.conftest import until
from tests.engines.cluster.sites.programs import Programs

CLI = (sys.executable, "-m")
SCHEDULER = (*CLI, "distributed.cli.dask_scheduler", "--no-dashboard", "--dashboard-address", ":0")
WORKER = (*CLI, "distributed.cli.dask_worker", "--no-dashboard", "--memory-limit", "0")


@dataclass
class DaskCluster:
    """The scheduler's address and its workers, which may be killed and added."""

    programs: Programs
    file: Path
    """The scheduler file: what ``--scheduler`` is given."""
    options: Sequence[str | Path] = ()
    """Of all its programs, for TLS."""
    workers: dict[str, Popen[bytes]] = field(default_factory=dict)
    scheduler: Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """As clients are told it, ``tcp://host:port``."""
        address: str = json.loads(self.file.read_text())["address"]
        return address

    def start_scheduler(
        self, *, on: Sequence[str | Path] = (), host: str = "127.0.0.1", port: int = 0
    ) -> Popen[bytes]:
        """Start the scheduler and wait for its file.

        Parameters
        ----------
        on : a command line that runs another one where the program belongs, as of a host
        port : 0 for any
        """
        self.file.unlink(missing_ok=True)
        given = ("--host", host, "--port", str(port), "--scheduler-file", self.file)
        process = self.scheduler = self.programs.start("scheduler", *on, *SCHEDULER, *given, *self.options)
        until(lambda: self.file.is_file() and self.file.read_text().endswith("}"))
        return process

    def start_worker(
        self,
        name: str,
        *,
        on: Sequence[str | Path] = (),
        host: str = "127.0.0.1",
        threads: int = 1,
        environment: Mapping[str, str] | None = None,
    ) -> Popen[bytes]:
        """Start a worker under its nanny; the scheduler hears of it when it is ready."""
        scratch = self.programs.folder / f"{name}.scratch"
        given = ("--host", host, "--name", name, "--nthreads", str(threads), "--local-directory", scratch)
        line = (*on, *WORKER, "--scheduler-file", self.file, *given, *self.options)
        self.workers[name] = self.programs.start(name, *line, environment=environment)
        return self.workers[name]


@contextmanager
def dask_cluster(
    folder: Path, *, workers: int = 2, threads: int = 1, options: Sequence[str | Path] = ()
) -> Iterator[DaskCluster]:
    """A scheduler and workers on loopback.

    Parameters
    ----------
    folder : for the scheduler file, logs and the workers' scratch folders
    workers : how many, named ``w0``, ``w1`` and so on
    threads : of each of them, which is how many trials it runs at a time
    options : of every program
    """
    with Programs(folder) as programs:
        cluster = DaskCluster(programs, folder / "scheduler.json", options)
        cluster.start_scheduler()
        for number in range(workers):
            cluster.start_worker(f"w{number}", threads=threads)
        yield cluster
