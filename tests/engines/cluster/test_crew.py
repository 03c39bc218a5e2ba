"""Who takes part in a run on a cluster: workers on which everything is as planned, whenever they come."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import bench
from bench.engines.engine import Machine
from bench.errors import ConfigError
from bench.runs.store import read_info
from tests.conftest import until
from tests.engines.cluster.sites.dask import DaskCluster, dask_cluster

distributed = pytest.importorskip("distributed", reason="needs the extra 'cluster'")

OWN = Path(__file__).with_name("adapters.py")
ADAPTERS = Path(__file__).parents[2] / "adapters.py"


def run(
    cluster: DaskCluster, pictures: Path, out: Path, *codecs: str, events: bench.Events | None = None
) -> list[str]:
    """Run codecs on a cluster; what the user is told."""
    notes: list[str] = []
    told = replace(events or bench.Events(), note=notes.append)
    with distributed.Client(cluster.address) as client:
        bench.run(
            datasets=[str(pictures)],
            codecs=[*codecs],
            metrics=["psnr_rgb"],
            out=out,
            events=told,
            client=client,
        )
    assert (bench.load(out)["status"] == "ok").all()
    return notes


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("RDBENCH_TEST_VERSION", "2", r"Tells has version 2\+sha256:.*, and 1\+sha256:.* on others"),
        ("RDBENCH_TEST_WEIGHTS", "f" * 64, "Tells has weights sha256 f+, and 0+ on others"),
    ],
)
def test_a_worker_that_differs_is_left_out_by_name(
    pictures: Path, tmp_path: Path, variable: str, value: str, told: str
) -> None:
    """Another version or other weights of a codec: the others do all the work, and the user reads why."""
    with dask_cluster(tmp_path / "cluster", workers=2) as cluster:
        cluster.start_worker("other", environment={variable: value})
        until(lambda: workers(cluster) == 3)
        notes = run(cluster, pictures, tmp_path / "run", "jpeg@30", f"{OWN}:Tells@4")
    (note,) = (it for it in notes if "is left out" in it)
    assert "worker tcp://127.0.0.1:" in note
    assert re.search(told, note)


def test_another_pillow_is_another_worker(pictures: Path, tmp_path: Path) -> None:
    """A worker whose Pillow says another version is left out of a run of a codec that is Pillow's."""
    site = tmp_path / "site"
    found = importlib.metadata.distribution("pillow")
    package = Path(str(found.locate_file("PIL")))
    shutil.copytree(package, site / "PIL", ignore=shutil.ignore_patterns("__pycache__"))
    version = site / "PIL" / "_version.py"
    version.write_text(version.read_text().replace(found.version, "99.1"))
    shutil.copytree(package.parent / "pillow.libs", site / "pillow.libs")
    with dask_cluster(tmp_path / "cluster", workers=2) as cluster:
        cluster.start_worker("other", environment={"PYTHONPATH": str(site)})
        until(lambda: workers(cluster) == 3)
        notes = run(cluster, pictures, tmp_path / "run", f"{OWN}:Pillow@4")
    assert any("is left out" in it and "99.1" in it for it in notes), notes


def installed(package: str, version: str, folder: Path) -> dict[str, str]:
    """The environment of a worker to which a package seems to be of this version."""
    (folder / f"{package}-{version}.dist-info").mkdir(parents=True)
    (folder / f"{package}-{version}.dist-info" / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
    )
    # before what an installation noted down in the folder of this checkout
    path = os.pathsep.join(map(str, (folder, ADAPTERS.parents[1])))
    return {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"}


def test_other_software_is_another_machine(pictures: Path, tmp_path: Path) -> None:
    """Where it makes no difference to the codec, each row still names the environment that it is from."""
    with dask_cluster(tmp_path / "cluster", workers=1) as cluster:
        cluster.start_worker("other", environment=installed("scipy", "99", tmp_path / "site"))
        until(lambda: workers(cluster) == 2)
        run(cluster, pictures, tmp_path / "run", f"{ADAPTERS}:Slow@1,2,3,4")
    known = {it.id: it.software["scipy"] for it in read_info(tmp_path / "run").environments}
    assert len(known) == 2
    assert "99" in known.values()
    assert set(bench.load(tmp_path / "run")["environment"]) == set(known)


def test_of_two_that_differ_the_one_like_this_machine_counts(pictures: Path, tmp_path: Path) -> None:
    """Whatever their addresses; the other one is told with its software."""
    with dask_cluster(tmp_path / "cluster", workers=0) as cluster:
        for number in range(3):
            other = installed("scipy", "99", tmp_path / f"site{number}") | {"RDBENCH_TEST_VERSION": "2"}
            cluster.start_worker(f"a{number}", environment={"RDBENCH_TEST_VERSION": "1"})
            cluster.start_worker(f"b{number}", environment=other)
        until(lambda: workers(cluster) == 6)
        notes = run(cluster, pictures, tmp_path / "run", f"{OWN}:Tells@4")
    assert sum("is left out: Tells has version 2" in it and "scipy 99" in it for it in notes) == 3, "\n".join(
        notes
    )


def test_a_worker_whose_libraries_are_broken_is_left_out(pictures: Path, tmp_path: Path) -> None:
    """It says so before it is given any work."""
    broken = tmp_path / "site" / "PIL"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('no such library: libpng17')")
    with dask_cluster(tmp_path / "cluster", workers=1) as cluster:
        cluster.start_worker("other", environment={"PYTHONPATH": str(broken.parent)})
        until(lambda: workers(cluster) == 2)
        notes = run(cluster, pictures, tmp_path / "run", f"{OWN}:Tells@4")
    assert any("is left out" in it and "libpng17" in it for it in notes), notes


def test_a_run_without_anybody_of_use_stops(pictures: Path, tmp_path: Path) -> None:
    """Workers that have another rdbench are named with it, and nothing is measured."""
    with dask_cluster(tmp_path / "cluster", workers=0) as cluster:
        cluster.start_worker("other", environment=installed("rdbench", "9", tmp_path / "site"))
        until(lambda: workers(cluster) == 1)
        with pytest.raises(ConfigError, match=r"no worker .* can take part; tcp://.*: it has rdbench 9, not"):
            run(cluster, pictures, tmp_path / "run", "png")


def test_a_worker_that_joins_later_is_asked_first(pictures: Path, tmp_path: Path) -> None:
    """One that is as planned works along; one that differs is left out then."""
    done: list[str] = []
    jobs: list[int] = []
    with dask_cluster(tmp_path / "cluster", workers=1) as cluster:

        def joins(label: str, measurement: object) -> None:
            if not done:
                cluster.start_worker("same")
                cluster.start_worker("other", environment={"RDBENCH_TEST_VERSION": "2"})
                until(lambda: workers(cluster) == 3)
            done.append(label)

        def machines(found: Sequence[Machine]) -> None:
            jobs.append(sum(it.jobs for it in found))

        events = bench.Events(measured=joins, machines=machines)
        codecs = [
            f"{OWN}:Tells@1,2,3,4,5,6,7",
            *(f"{OWN}:Steady:number={it}@1,2,3,4,5,6,7" for it in range(2)),
        ]
        notes = run(cluster, pictures, tmp_path / "run", *codecs, events=events)
    assert sum("is left out" in it for it in notes) == 1
    assert (jobs[0], max(jobs)) == (1, 2)


def test_code_travels_with_the_modules_beside_it(pictures: Path, tmp_path: Path) -> None:
    """A codec's file, what it imports and a file that an option names reach a worker that has none."""
    from bench.engines.cluster.files import Absent, Files
    from bench.engines.cluster.parcels import Parcels
    from bench.trials.codec_ref import CodecRef

    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "codec.py").write_text("import beside\n\n\nclass Mine(beside.Base):\n    pass\n")
    (mine / "beside.py").write_text("class Base:\n    pass\n")
    (mine / "weights.bin").write_bytes(b"weights")
    ref = CodecRef.of(f"{mine / 'codec.py'}:Mine", {"weights": str(mine / "weights.bin"), "level": 3})
    parcel = Parcels().of(ref)
    assert {path.name for path, _ in parcel.files} == {"codec.py", "beside.py", "weights.bin"}

    files = Files(tmp_path / "there")
    content = {path: path.read_bytes() for path, _ in parcel.files}
    assert parcel.here(ref, files) == ref  # found at the same paths
    shutil.rmtree(mine)
    with pytest.raises(Absent):
        parcel.here(ref, Files(tmp_path / "there"))
    for path, sha256 in parcel.files:
        files.keep(path, sha256, content[path], always=True)
    there = parcel.here(ref, files)
    folder = Path(there.target.partition(":")[0]).parent
    assert sorted(it.name for it in folder.iterdir()) == ["beside.py", "codec.py"]
    assert Path(str(dict(there.config)["weights"])).read_bytes() == b"weights"
    assert dict(there.config)["level"] == 3


def test_checkpoints_travel_each_by_its_content(tmp_path: Path) -> None:
    """A file for each quality: at a worker they lie elsewhere, and the option says where."""
    from bench.checkpoints import checkpoints_of
    from bench.engines.cluster.files import Files
    from bench.engines.cluster.parcels import Parcels
    from bench.trials.codec_ref import CodecRef

    for name in ("1", "2.5"):
        (tmp_path / f"ckpt-{name}.pth").write_text(name)
    ref = CodecRef.of("any:Codec", {"checkpoint": f"{tmp_path}/ckpt-{{quality}}.pth"})
    parcel = Parcels().of(ref)
    files = Files(tmp_path / "there")
    assert parcel.here(ref, files) == ref  # found at the same paths
    for path, sha256 in parcel.files:
        files.keep(path, sha256, path.read_bytes(), always=True)
        path.unlink()
    found = checkpoints_of(str(dict(parcel.here(ref, Files(tmp_path / "there")).config)["checkpoint"]))
    assert {quality: file.read_text() for quality, file in found.items()} == {1.0: "1", 2.5: "2.5"}


def workers(cluster: DaskCluster) -> int:
    """How many are registered with the scheduler."""
    with distributed.Client(cluster.address) as client:
        return len(client.nthreads())
