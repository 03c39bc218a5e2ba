"""Runs on hosts that Dask logs in to."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

import bench
from tests.conftest import ADAPTERS, until
from tests.engines.cluster.runs import table
from tests.engines.cluster.sites.hosts import hosts
from tests.engines.cluster.sites.programs import Programs
from tests.engines.cluster.sites.ssh import start_sshd

CODECS = ["jpeg@20", f"{ADAPTERS}:Honest@4"]


@pytest.mark.slow
def test_a_cluster_that_dask_ssh_starts(pictures: Path, tmp_path: Path) -> None:
    """Scheduler and workers are started on two hosts by SSH; the run is as on this machine."""
    pytest.importorskip("distributed", reason='needs pip install "rdbench[cluster]"')
    pytest.importorskip("paramiko", reason="needs pip install paramiko")
    dask = Path(sys.executable).with_name("dask")
    codecs = [part for codec in CODECS for part in ("-c", codec)]
    with (
        hosts("head", "node1", "node2", folder=tmp_path) as (head, *nodes),
        Programs(tmp_path / "logs") as programs,
    ):
        key = ("--ssh-username", "root", "--ssh-private-key", start_sshd(programs, nodes, tmp_path))
        addresses = [it.address for it in nodes]
        programs.start("dask", *head.line, dask, "ssh", "--nthreads", "1", *key, *addresses)
        until(lambda: programs.log("dask").read_text().count("Register worker") == len(nodes))
        line = [
            sys.executable,
            "-m",
            "bench.cli",
            "run",
            "-d",
            pictures,
            *codecs,
            "-m",
            "psnr_rgb",
            "--no-report",
        ]
        scheduler = ("--out", tmp_path / "run", "--scheduler", f"tcp://{nodes[0].address}:8786")
        assert programs.start("client", *head.line, *line, *scheduler).wait(60) == 0
    bench.run(codecs=CODECS, datasets=[str(pictures)], metrics=["psnr_rgb"], out=tmp_path / "local")
    pd.testing.assert_frame_equal(table(tmp_path / "run"), table(tmp_path / "local"))
