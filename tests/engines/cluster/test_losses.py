"""What is lost costs time: workers, scheduler and client are killed, and no row is missing or doubled."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

import bench
from bench.engines.cluster import crew, plugins
from bench.engines.cluster.lost import LostSlot
from bench.errors import WorkersLost
from bench.studies.robustness.study import RobustnessStudy
from bench.studies.study import Asked
from bench.trials.trust import Trust
from tests.conftest import until
from tests.engines.cluster.runs import measured, table, twice
from tests.engines.cluster.sites.dask import DaskCluster, dask_cluster

Client = pytest.importorskip("distributed", reason="needs the extra 'cluster'").Client

OWN = Path(__file__).with_name("adapters.py")
KILLS = 20
CODECS = ["jpeg@10,30,50,70,90", "webp@20,80", "png", f"{OWN}:Steady@1,2,3,4"]
MANY = ["jpeg@10,30,50,70,90", *(f"{OWN}:Steady:number={it}@1,2,3,4,5,6,7" for it in range(16))]
EXIT_ERROR = 2


def client(cluster: DaskCluster, pictures: Path, out: Path, *codecs: str) -> subprocess.Popen[bytes]:
    """Start the command line; it may be killed."""
    options = [it for codec in codecs or CODECS for it in ("-c", codec)]
    line = ["run", "-d", pictures, *options, "-m", "psnr_rgb", "-o", out, "--no-report"]
    return cluster.programs.start(
        "client", sys.executable, "-m", "bench.cli", *line, "--scheduler", cluster.file
    )


def expected(pictures: Path, out: Path, *codecs: str) -> pd.DataFrame:
    bench.run(
        datasets=[str(pictures)],
        codecs=[*codecs] or CODECS,
        metrics=["psnr_rgb"],
        out=out,
        options=bench.Options(jobs=8),
    )
    return table(out)


def kill_worker(cluster: DaskCluster, name: str) -> None:
    """Kill the process of a Dask worker, which its nanny starts again."""
    children = psutil.Process(cluster.workers[name].pid).children()
    (worker,) = (it for it in children if "spawn_main" in " ".join(it.cmdline()))
    worker.kill()
    worker.wait()


def is_up(cluster: DaskCluster, name: str, killed: int) -> bool:
    """Whether a worker is registered again after so many ends: a nanny whose worker dies before gives up."""
    return cluster.programs.log(name).read_text().count("Registered to") > killed


def test_a_worker_that_dies_costs_no_row(pictures: Path, tmp_path: Path) -> None:
    """Killed in the middle of a run; its trials run elsewhere, and it works again when it is back."""
    with dask_cluster(tmp_path / "cluster") as cluster:
        run = client(cluster, pictures, tmp_path / "run")
        until(lambda: measured(tmp_path / "run") >= 3, 60)
        kill_worker(cluster, "w0")
        assert run.wait(120) == 0
    pd.testing.assert_frame_equal(
        table(tmp_path / "run"), expected(pictures, tmp_path / "here"), check_categorical=False
    )
    assert not twice(tmp_path / "run")


@pytest.mark.slow
def test_a_trial_that_kills_workers_fails_instead_of_a_fourth(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three workers die of it; then its row says so, and every other trial has its result."""
    deaths = tmp_path / "deaths"
    monkeypatch.setenv("RDBENCH_TEST_DEATHS", str(deaths))
    codecs = ["jpeg@10,30,50,70,90", f"{OWN}:KillsDask@4"]
    with dask_cluster(tmp_path / "cluster") as cluster, Client(cluster.address) as dask:
        bench.run(
            datasets=[str(pictures)],
            codecs=codecs,
            metrics=["psnr_rgb"],
            limit=1,
            out=tmp_path / "run",
            client=dask,
            options=bench.Options(sealed=False),  # it looks for the worker, and writes down its death
        )
    frame = bench.load(tmp_path / "run")
    assert len(deaths.read_text().splitlines()) == 3
    failed = frame[frame["status"] != "ok"]
    assert list(failed["codec"]) == ["KillsDask"]
    assert list(failed["status"]) == ["crash"]
    assert "3 workers of the cluster were lost" in failed["error"].iloc[0]
    assert not twice(tmp_path / "run")


def test_the_only_worker_dies_with_results_that_nobody_fetched(pictures: Path, tmp_path: Path) -> None:
    """What it held is done again when it is back: Dask would wait for that, with nobody to do it."""
    killed: list[bool] = []
    with dask_cluster(tmp_path / "cluster", workers=1) as cluster, Client(cluster.address) as dask:

        def kill_once(label: str, measurement: object) -> None:
            if not killed:
                until(lambda: any(dask.run_on_scheduler(finished)))
                kill_worker(cluster, "w0")
            killed.append(True)

        bench.run(
            datasets=[str(pictures)],
            codecs=CODECS[:3],
            metrics=["psnr_rgb"],
            out=tmp_path / "run",
            events=bench.Events(measured=kill_once),
            client=dask,
        )
    assert (bench.load(tmp_path / "run")["status"] == "ok").all()
    assert not twice(tmp_path / "run")


def finished(dask_scheduler: Any) -> list[str]:
    """The tasks whose results lie at a worker."""
    return [key for key, it in dask_scheduler.tasks.items() if it.state == "memory"]


def test_the_work_of_a_silent_worker_is_done_by_others(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is stopped keeps its connection, so that Dask waits for it; it is back later."""
    for module in (plugins, crew):
        monkeypatch.setattr(module, "SILENT", 3.0)
    notes: list[str] = []
    stopped: list[int] = []
    with dask_cluster(tmp_path / "cluster", workers=2) as cluster, Client(cluster.address) as dask:
        dask.wait_for_workers(2)
        one, other = dask.run(os.getpid).values()

        def stop(label: str, measurement: object) -> None:
            if not stopped:
                stopped.append(one)
                os.kill(one, signal.SIGSTOP)

        try:
            bench.run(
                datasets=[str(pictures)],
                codecs=CODECS,
                metrics=["psnr_rgb"],
                out=tmp_path / "run",
                events=bench.Events(measured=stop, note=notes.append),
                client=dask,
            )
        finally:
            os.kill(one, signal.SIGCONT)
        assert any("has been silent for" in it for it in notes), notes
        until(lambda: len(dask.run(os.getpid)) == 2)
        assert {*dask.run(os.getpid).values()} == {one, other}
        until(lambda: not codec_processes(cluster))
    pd.testing.assert_frame_equal(table(tmp_path / "run"), expected(pictures, tmp_path / "local"))


def test_a_client_that_was_cut_off_ends_the_run(pictures: Path, tmp_path: Path) -> None:
    """Dask connects again by itself, but the scheduler has forgotten all that the client handed out."""
    with dask_cluster(tmp_path / "cluster") as cluster, Client(cluster.address) as dask:

        def cut(label: str, measurement: object) -> None:
            before = dask.scheduler_comm
            dask.loop.add_callback(before.comm.abort)
            until(lambda: dask.status == "running" and dask.scheduler_comm is not before)

        with pytest.raises(WorkersLost, match="the same command goes on from there"):
            bench.run(
                datasets=[str(pictures)],
                codecs=CODECS,
                metrics=["psnr_rgb"],
                out=tmp_path / "run",
                events=bench.Events(measured=cut),
                client=dask,
            )
        until(lambda: not codec_processes(cluster))


def test_a_study_has_an_answer_where_workers_were_lost(pictures: Path, tmp_path: Path) -> None:
    """The task of each study answers as it does for a crash, in place of a fourth worker."""
    bench.run(
        datasets=[str(pictures)], codecs=["jpeg@30"], metrics=["psnr_rgb"], limit=1, out=tmp_path / "run"
    )
    study = RobustnessStudy()
    plan = study.plan(tmp_path / "run", Trust())
    for question in plan.questions:
        if question.is_input:
            asked = Asked(question, pictures / question.trial.image.name, study.key(question))
            with LostSlot("machine", 3) as slot:
                assert study.task(tmp_path / "run")(asked, slot).status == "crash"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_twenty_workers_the_scheduler_and_the_client(pictures: Path, tmp_path: Path) -> None:
    """Each is killed with -9 at a random instant: the same table, no trial twice, nothing left running."""
    out, seed = tmp_path / "run", random.randrange(1 << 30)
    print(f"seed {seed}")  # pytest shows it where the test fails
    chance = random.Random(seed)
    with dask_cluster(tmp_path / "cluster") as cluster:
        run = client(cluster, pictures, out, *MANY)
        until(lambda: measured(out), 60)
        killed = dict.fromkeys(cluster.workers, 0)
        for _ in range(KILLS):
            name = chance.choice([*killed])
            until(lambda name=name: is_up(cluster, name, killed[name]), 60)
            time.sleep(chance.uniform(0, 1))
            before = measured(out)
            kill_worker(cluster, name)
            killed[name] += 1
            # what it was at is done before the next is killed: after a third loss a trial fails
            until(lambda before=before: measured(out) >= before + 8, 60)
        assert run.poll() is None, "it ended before all were killed"

        cluster.scheduler.kill()
        assert run.wait(60) == EXIT_ERROR
        assert "the connection to the Dask scheduler is lost" in cluster.programs.log("client").read_text()

    with dask_cluster(tmp_path / "another", threads=4) as cluster:
        before = measured(out)
        run = client(cluster, pictures, out, *MANY)
        until(lambda: measured(out) > before + chance.randrange(1, 10), 60)
        run.kill()
        run.wait()
        until(lambda: not codec_processes(cluster), 30)

        run = client(cluster, pictures, out, *MANY)
        assert run.wait(300) == 0
    pd.testing.assert_frame_equal(
        table(out), expected(pictures, tmp_path / "here", *MANY), check_categorical=False
    )
    assert not twice(out)


def codec_processes(cluster: DaskCluster) -> list[str]:
    """What runs for rdbench on the workers: the processes that start codecs, and the codecs."""
    found = []
    for nanny in cluster.workers.values():
        for it in psutil.Process(nanny.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                line = " ".join(it.cmdline())
                if "bench.engines.zygote" in line:
                    found.append(line)
    return found
