"""Runs on a cluster that talks to holders of a certificate alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import bench
from tests.conftest import ADAPTERS
from tests.engines.cluster.runs import table
from tests.engines.cluster.sites.certificates import Certificates, certificates
from tests.engines.cluster.sites.dask import DaskCluster, dask_cluster

CODECS = ["jpeg@20", f"{ADAPTERS}:Honest@4"]


@pytest.fixture
def certified(tmp_path: Path) -> Certificates:
    return certificates(tmp_path)


@pytest.fixture
def cluster(certified: Certificates, tmp_path: Path) -> Iterator[DaskCluster]:
    """A cluster with TLS."""
    pytest.importorskip("distributed", reason='needs pip install "rdbench[cluster]"')
    with dask_cluster(tmp_path / "cluster", workers=1, options=certified.options) as cluster:
        assert cluster.address.startswith("tls://")
        yield cluster


def rdbench(
    cluster: DaskCluster, pictures: Path, out: Path, *options: str | Path
) -> subprocess.CompletedProcess[str]:
    """A run on the cluster from the command line."""
    codecs = [part for codec in CODECS for part in ("-c", codec)]
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
    line += ["--out", out, "--scheduler", cluster.address, *options]
    return subprocess.run(list(map(str, line)), capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.slow
def test_a_certificate_opens_the_cluster(
    cluster: DaskCluster, certified: Certificates, pictures: Path, tmp_path: Path
) -> None:
    """With authority, certificate and key the run is as on this machine."""
    files = ("--tls-ca", certified.authority, "--tls-cert", certified.certificate, "--tls-key", certified.key)
    done = rdbench(cluster, pictures, tmp_path / "run", *files)
    assert done.returncode == 0, done.stderr
    bench.run(codecs=CODECS, datasets=[str(pictures)], metrics=["psnr_rgb"], out=tmp_path / "local")
    pd.testing.assert_frame_equal(table(tmp_path / "run"), table(tmp_path / "local"))


@pytest.mark.slow
def test_another_authority_does_not(cluster: DaskCluster, pictures: Path, tmp_path: Path) -> None:
    """A certificate of somebody else's is refused, and that is what the user is told."""
    (tmp_path / "stranger").mkdir()
    stranger = certificates(tmp_path / "stranger")
    files = ("--tls-ca", stranger.authority, "--tls-cert", stranger.certificate, "--tls-key", stranger.key)
    done = rdbench(cluster, pictures, tmp_path / "run", *files)
    assert done.returncode == 2
    assert "certificate" in done.stderr.lower()
    assert "Traceback" not in done.stderr
