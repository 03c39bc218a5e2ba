"""Runs on a SLURM of two nodes: as jobs of dask-jobqueue, and as one job that has all."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
import yaml

import bench
from bench.runs.options import Events
from bench.trials.measurement import Measurement
from tests.conftest import ADAPTERS, until
from tests.docs.pages import block
from tests.engines.cluster.runs import table, twice
from tests.engines.cluster.sites.slurm import NODES, QUEUE, Slurm, slurm

if TYPE_CHECKING:
    from distributed import Client

PAGE = "docs/howto/many-machines.md"
CODECS = ["jpeg@20,60", "png", f"{ADAPTERS}:Honest@2,4", f"{ADAPTERS}:Segfault@4"]


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slurm]:
    """A SLURM that this process and whatever it starts submit to."""
    pytest.importorskip("dask_jobqueue", reason='needs pip install "rdbench[cluster]"')
    with slurm(tmp_path / "slurm") as site:
        for name, value in site.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        yield site


@contextmanager
def two_jobs(folder: Path) -> Iterator[Client]:
    """A Dask cluster of one worker in each of two jobs."""
    from dask_jobqueue import SLURMCluster
    from distributed import Client

    with (
        SLURMCluster(queue=QUEUE, cores=1, processes=1, memory="2GB", log_directory=str(folder)) as cluster,
        Client(cluster) as client,
    ):
        cluster.scale(jobs=len(NODES))
        client.wait_for_workers(len(NODES), timeout=60)
        yield client


def local(pictures: Path, out: Path, codecs: list[str] = CODECS) -> pd.DataFrame:
    """The table of this machine alone."""
    bench.run(codecs=codecs, datasets=[str(pictures)], metrics=["psnr_rgb"], out=out)
    return table(out)


@pytest.mark.slow
def test_two_nodes_give_the_table_of_one_machine(queue: Slurm, pictures: Path, tmp_path: Path) -> None:
    """Classical codecs, a file and a crash: each cell is as on this machine but for times."""
    with two_jobs(tmp_path) as client:
        assert set(client.run(lambda: os.environ["SLURMD_NODENAME"]).values()) == set(NODES)
        fields = {"codecs": CODECS, "datasets": [str(pictures)], "metrics": ["psnr_rgb"]}
        run = bench.run(out=tmp_path / "run", client=client, **fields)
    assert run.failed == len(list(pictures.iterdir()))
    pd.testing.assert_frame_equal(table(run.folder), local(pictures, tmp_path / "local"))


@pytest.mark.slow
def test_a_cancelled_job_costs_no_row(queue: Slurm, pictures: Path, tmp_path: Path) -> None:
    """The queue takes one of two jobs away in the middle of a run; the other one does its trials too."""
    codecs = [f"{ADAPTERS}:Slow@{','.join(map(str, range(1, 9)))}", "jpeg@20,40,60,80"]
    done: list[str] = []

    def cancel_one(label: str, measurement: Measurement) -> None:
        done.append(measurement.key)
        if len(done) == 5:
            job = queue.ask("squeue", "--noheader", "--format=%A").split()[0]
            queue.ask("scancel", "--full", job)

    with two_jobs(tmp_path) as client:
        run = bench.run(
            codecs=codecs,
            datasets=[str(pictures)],
            metrics=["psnr_rgb"],
            out=tmp_path / "run",
            events=Events(measured=cancel_one),
            client=client,
        )
        assert len(client.scheduler_info()["workers"]) == 1
    assert run.failed == 0
    assert not twice(run.folder)
    pd.testing.assert_frame_equal(table(run.folder), local(pictures, tmp_path / "local", codecs))


@pytest.fixture
def suite(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The suite file that the page speaks of, in a working folder."""
    monkeypatch.chdir(tmp_path)
    fields = {"datasets": [str(pictures)], "metrics": ["psnr_rgb"], "codecs": CODECS[:3]}
    (tmp_path / "suite.yaml").write_text(yaml.safe_dump(fields))
    return pictures


@pytest.mark.slow
def test_the_job_script_of_the_page_works(queue: Slurm, suite: Path, tmp_path: Path) -> None:
    """Submitted as the page says, to smaller nodes: scheduler, workers and client are one job that ends."""
    (tmp_path / "rdbench.sbatch").write_text(block(PAGE, "rdbench.sbatch"))
    job = queue.ask("sbatch", "--parsable", "--nodes=2", "--cpus-per-task=1", "rdbench.sbatch")
    until(lambda: not queue.ask("squeue", "--noheader", "--states=PENDING,RUNNING"), 120)
    print((tmp_path / f"slurm-{job}.out").read_text())
    pd.testing.assert_frame_equal(
        table(tmp_path / "results" / "slurm"), local(suite, tmp_path / "local", CODECS[:3])
    )


@pytest.mark.slow
def test_the_script_of_the_page_works(queue: Slurm, suite: Path, tmp_path: Path) -> None:
    """Started as the page says, with smaller jobs: it submits them, waits for them and ends them."""
    script = block(PAGE, "on_slurm.py").replace("cores=32", "cores=1").replace("jobs=4", "jobs=2")
    (tmp_path / "on_slurm.py").write_text(script)
    subprocess.run([sys.executable, "on_slurm.py"], check=True)
    pd.testing.assert_frame_equal(
        table(tmp_path / "results" / "jobs"), local(suite, tmp_path / "local", CODECS[:3])
    )
