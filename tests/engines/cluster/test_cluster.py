"""A run on a cluster gives what a run on this machine gives, and leaves the cluster as it was."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

import bench
from bench.engines.cluster.places import place
from bench.errors import ConfigError
from tests.conftest import ADAPTERS, processes_marked, until
from tests.engines.test_isolation import SABOTAGE, spec

TIMES = ["encode_s", "decode_s", "encode_peak_bytes", "decode_peak_bytes"]


def run(
    pictures: Path | str, out: Path, codecs: list[str], client: Any = None, **options: Any
) -> pd.DataFrame:
    """The table of a run, less its times, in the order of the plan."""
    found = bench.run(
        datasets=[str(pictures)],
        codecs=codecs,
        metrics=["psnr_rgb", "ms_ssim_rgb"],
        out=out,
        options=bench.Options(**options),
        client=client,
    )
    return bench.load(found.folder).drop(columns=TIMES)


def test_the_table_equals_that_of_one_machine(client: Any, pictures: Path, tmp_path: Path) -> None:
    """Honest and sabotaged adapters alike: every cell but the times, and the bitstreams that are kept."""
    codecs = ["jpeg@30,80", "png", *map(spec, ["Honest", *SABOTAGE, "HonestLossless"])]
    tables = [
        run(pictures, tmp_path / name, codecs, its, jobs=2, timeout=1.5, keep_bitstreams=True)
        for name, its in (("here", None), ("there", client))
    ]
    pd.testing.assert_frame_equal(*tables, check_categorical=False)
    assert tables[1]["status"].nunique() > 5
    here, there = (
        sorted(it.name for it in (tmp_path / name / "bitstreams").iterdir()) for name in ("here", "there")
    )
    assert here == there


@pytest.mark.slow
def test_the_table_of_kodak_equals_that_of_one_machine(client: Any, kodak: Path, tmp_path: Path) -> None:
    """Six installed codecs, the learned one among them, on real pictures."""
    pytest.importorskip("torch", reason="needs the extra 'learned'")
    codecs = ["jpeg@30,80", "webp@50", "avif@50", "jpeg2000@1", "huffman", "vae@3"]
    tables = []
    for name, its in (("here", None), ("there", client)):
        bench.run(
            datasets=["kodak"],
            codecs=codecs,
            metrics=["psnr_rgb"],
            limit=3,
            out=tmp_path / name,
            options=bench.Options(jobs=2),
            client=its,
        )
        tables.append(bench.load(tmp_path / name).drop(columns=TIMES))
    pd.testing.assert_frame_equal(*tables, check_categorical=False)
    assert (tables[1]["status"] == "ok").all()


def test_a_cluster_is_left_as_it_was(client: Any, pictures: Path, tmp_path: Path) -> None:
    """After a run no plug-in is left, at the scheduler or at a worker, and Dask works on."""
    run(pictures, tmp_path / "run", ["png"], client)

    def plugins(dask_worker: Any = None, dask_scheduler: Any = None) -> list[str]:
        return [it for it in (dask_worker or dask_scheduler).plugins if it.startswith("rdbench")]

    def resources(dask_scheduler: Any) -> list[str]:
        its = [dask_scheduler.resources, *(it.resources for it in dask_scheduler.workers.values())]
        return [name for it in its for name in it if name.startswith("rdbench")]

    assert not any(client.run(plugins).values())
    assert not client.run_on_scheduler(plugins)
    assert not client.run_on_scheduler(resources)
    assert client.submit(sum, [1, 2]).result() == 3


def test_a_run_on_a_cluster_resumes(client: Any, pictures: Path, tmp_path: Path) -> None:
    """What this machine has measured is not measured again by a cluster of it."""
    run(pictures, tmp_path / "run", ["jpeg@30"], jobs=1)
    again = bench.run(
        datasets=[str(pictures)],
        codecs=["jpeg@30", "png"],
        metrics=["psnr_rgb", "ms_ssim_rgb"],
        out=tmp_path / "run",
        client=client,
    )
    assert (again.reused, again.measured) == (3, 3)


def test_an_interrupted_run_ends_codecs_at_once(client: Any, pictures: Path, tmp_path: Path) -> None:
    """Ctrl-C leaves none of them running, the cluster standing, and what was measured in the journal."""
    client.run(_mark)

    def interrupt(label: str, measurement: Any) -> None:
        until(lambda: any("sleep" in it for it in processes_marked("cluster")))  # the child that Hang starts
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.run(
            datasets=[str(pictures)],
            codecs=["png", f"{ADAPTERS}:Hang@4"],
            metrics=["psnr_rgb"],
            out=tmp_path / "run",
            options=bench.Options(timeout=600),
            events=bench.Events(measured=interrupt),
            client=client,
        )
    until(lambda: not any("zygote" in it or "sleep" in it for it in processes_marked("cluster")))
    assert client.submit(sum, [1, 2]).result() == 3
    assert (tmp_path / "run" / "measurements.jsonl").read_text().count("\n") >= 1


def _mark() -> None:
    import os

    os.environ["RDBENCH_TEST_MARK"] = "cluster"


def test_without_dask_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The install line, where the extra is missing."""
    import sys

    from bench.engines import open_engine

    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match=re.escape("pip install 'rdbench[cluster]'")):
        open_engine("cluster")


def test_a_class_of_the_session_travels(client: Any, pictures: Path, tmp_path: Path) -> None:
    """Whose source is in no file that a worker could be told, as in a notebook's cell."""
    source = ADAPTERS.read_text() + "\n\nclass Cell(Honest):\n    name = 'cell'\n"
    cell: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, "<cell>", "exec"), cell)
    found = bench.run(
        datasets=[str(pictures)],
        codecs=[{"codec": cell["Cell"], "label": "cell", "quality": [4]}],
        metrics=["psnr_rgb"],
        out=tmp_path / "run",
        client=client,
    )
    assert found.statuses == {"ok": 3}


def test_a_machine_has_its_jobs_between_its_workers(client: Any) -> None:
    """Both workers are on this machine: it does one piece of work at a time if it is to do one."""
    from bench.engines.cluster import open_cluster
    from bench.engines.engine import EngineOptions

    for options, jobs in ((EngineOptions(), 2), (EngineOptions(jobs=1), 1), (EngineOptions(alone=True), 1)):
        with open_cluster(options, client) as engine:
            (machine,) = engine.machines
            assert machine.jobs == jobs


def test_a_place_is_one_processs_at_a_time() -> None:
    """Whoever waits for a place has it when the other one gives it back, and not before."""
    order: list[str] = []
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with place("test", 1, lambda: True):
            order.append("other")

    def first() -> None:
        with place("test", 1, lambda: True):
            inside.set()
            leave.wait(30)
            order.append("first")

    threads = [threading.Thread(target=first), threading.Thread(target=other)]
    threads[0].start()
    assert inside.wait(30)
    threads[1].start()
    leave.set()
    for thread in threads:
        thread.join(30)
    assert order == ["first", "other"]


def test_a_client_that_can_not_be_waited_for_is_refused() -> None:
    """An asynchronous one, and options that name another engine beside a client."""
    with pytest.raises(ConfigError, match="an asynchronous Dask client"):
        bench.run(datasets=["sample"], codecs=["png"], client=SimpleNamespace(asynchronous=True))
    with pytest.raises(ConfigError, match="leave out"):
        bench.run(datasets=["sample"], client=object(), options=bench.Options(engine="inprocess"))
