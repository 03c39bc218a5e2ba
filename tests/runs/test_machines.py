"""The record of a run that several machines made: whose results count, and what is told of it."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

import bench
from bench.engines.engine import Machine
from bench.errors import ConfigError
from bench.runs.machines import machine_notes
from bench.runs.options import Events
from bench.runs.store import JOURNAL_FILE, RUN_FILE, RunInfo, read_info, read_journal
from bench.trials.measurement import Measurement
from tests.runs.far import FarEngine, machine, measured, noted

HERE = machine("Desk 1")
A, B = machine("Node A", "node17"), machine("Node B", "node18")
NEWER = machine("Node A", "node19", {"python": "3.12.1", "numpy": "2.1.0"})


def cpus(run: Path) -> list[str]:
    return [it.machine["cpu"] for it in read_info(run).environments]


def lines(run: Path) -> int:
    return len(list(read_journal(run)))


def test_all_machines_of_a_run_are_recorded_and_count(pictures: Path, tmp_path: Path) -> None:
    """Every result names its machine, run.json holds all of them, and the table has all results."""
    run = tmp_path / "run"
    assert measured(FarEngine(A, B), pictures, run).measured == 6
    assert cpus(run) == ["Node A", "Node B"]
    frame = bench.load(run)
    assert set(frame["status"]) == {"ok"}
    assert frame["environment"].value_counts().to_dict() == {A.environment.id: 3, B.environment.id: 3}
    assert "node1" not in (run / RUN_FILE).read_text() + (run / "measurements.jsonl").read_text()


def test_a_machine_that_joins_is_recorded_before_its_results(pictures: Path, tmp_path: Path) -> None:
    """run.json names it by the time that the first of its results is told, and a note says what joined."""
    run = tmp_path / "run"
    notes: list[str] = []
    unnamed: list[str] = []

    def look(label: str, measurement: Measurement) -> None:
        known = {it.id for it in read_info(run).environments}
        unnamed.extend({it.environment for it in read_journal(run)} - known)

    events = Events(note=noted(notes).note, measured=look)
    measured(FarEngine(A, joining=[B, B]), pictures, run, events=events)
    assert unnamed == []
    assert cpus(run) == ["Node A", "Node B"]
    assert [it for it in notes if "joined" in it] == [
        "a machine of another kind has joined (Node B, 8 cores, 16 GiB): times of different machines are not"
        " compared, and a codec that ran on several has no speed"
    ]


def test_a_machine_with_other_software_is_held_beside_itself(pictures: Path, tmp_path: Path) -> None:
    """Environments of one machine that differ in software are all in run.json."""
    run = tmp_path / "run"
    measured(FarEngine(A, NEWER), pictures, run)
    assert [it.software["numpy"] for it in read_info(run).environments] == ["2.0.0", "2.1.0"]
    assert set(bench.load(run)["environment"]) == {A.environment.id}


def test_a_local_run_goes_on_on_a_cluster(pictures: Path, tmp_path: Path) -> None:
    """What one machine measured counts on when several take over; a note says who joins."""
    run = tmp_path / "run"
    notes: list[str] = []
    measured(FarEngine(HERE), pictures, run)
    again = measured(FarEngine(A, A, B), pictures, run, "jpeg@30,80", "png", events=noted(notes))
    assert (again.measured, again.reused) == (3, 6)
    assert cpus(run) == ["Desk 1", "Node A", "Node B"]
    assert notes == [
        "machines join those of this run (2 × Node A, 8 cores, 16 GiB; 1 × Node B, 8 cores, 16 GiB): what was"
        " measured before stays; times of different machines are not compared, and a codec that ran on"
        " several has no speed"
    ]
    assert set(bench.load(run)["status"]) == {"ok"}


@pytest.mark.parametrize("cluster", [(A, B), (A, A), (A,)])
def test_a_run_of_a_cluster_goes_on_on_one_machine(
    cluster: tuple[Machine, ...], pictures: Path, tmp_path: Path
) -> None:
    """One more codec is all that is measured, also where the machines of the cluster are all alike."""
    run = tmp_path / "run"
    measured(FarEngine(*cluster), pictures, run)
    again = measured(FarEngine(HERE), pictures, run, "jpeg@30,80", "png")
    assert (again.measured, again.reused) == (3, 6)
    assert cpus(run)[-1] == "Desk 1"
    assert set(bench.load(run)["status"]) == {"ok"}


def test_one_machine_in_the_place_of_another_measures_again(pictures: Path, tmp_path: Path) -> None:
    """Without a cluster, a run is of one machine: on another one all of it is measured again."""
    run = tmp_path / "run"
    notes: list[str] = []
    measured(FarEngine(HERE), pictures, run)
    again = measured(FarEngine(machine("Desk 2")), pictures, run, events=noted(notes))
    assert (again.measured, lines(run)) == (6, 12)
    assert cpus(run) == ["Desk 2"]
    assert "another machine: everything is measured again" in notes[0]


def test_a_run_of_an_older_version_is_of_one_machine(pictures: Path, tmp_path: Path) -> None:
    """run.json without the fields of several machines reads as before."""
    run = tmp_path / "run"
    measured(FarEngine(HERE), pictures, run)
    info = json.loads((run / RUN_FILE).read_text())
    del info["further_environments"], info["several_machines"]
    (run / RUN_FILE).write_text(json.dumps(info))
    assert cpus(run) == ["Desk 1"]
    assert measured(FarEngine(HERE), pictures, run).measured == 0


def test_fresh_and_prune_keep_to_their_words(pictures: Path, tmp_path: Path) -> None:
    """--fresh forgets former machines; --prune keeps the results of all that are named."""
    run = tmp_path / "run"
    measured(FarEngine(A, B), pictures, run, "jpeg@30,80", "png")
    measured(FarEngine(A, B), pictures, run, options=bench.Options(prune=True))
    assert lines(run) == 6
    assert set(bench.load(run)["environment"]) == {A.environment.id, B.environment.id}
    measured(FarEngine(HERE), pictures, run, options=bench.Options(fresh=True))
    assert cpus(run) == ["Desk 1"]


def test_a_measurement_of_no_machine_ends_the_run(pictures: Path, tmp_path: Path) -> None:
    """An engine that does not say whose results it gives is told so, before they are written."""

    class Forgetful(FarEngine):
        @property
        def machines(self) -> tuple[Machine, ...]:
            return (HERE,)

    run = tmp_path / "run"
    with pytest.raises(ValueError, match="which the engine does not have"):
        measured(Forgetful(A), pictures, run)
    assert lines(run) == 0


def test_an_engine_without_a_machine_is_told(pictures: Path, tmp_path: Path) -> None:
    """A cluster without a worker is no reason for a traceback."""
    with pytest.raises(ConfigError, match="no machine to work on"):
        measured(FarEngine(), pictures, tmp_path / "run")


def test_notes_about_a_hundred_machines_are_short() -> None:
    """Equal ones are counted, and kinds beyond a few."""
    before = RunInfo(environment=HERE.environment, images=(), codecs=(), metrics=(), several_machines=True)
    nodes = [machine(f"Node {k % 10}", f"node{k}") for k in range(100)]
    (joining,) = machine_notes(before, nodes)
    assert joining.count(" × ") == 4
    assert "; 6 kinds more)" in joining
    assert list(machine_notes(before, [HERE])) == []
    updated = [machine("Desk 1", f"node{k}", {"python": "3.13.0", "numpy": "2.0.0"}) for k in range(100)]
    (software,) = machine_notes(before, updated)
    assert "100 of 100 machines" in software
    assert "python 3.12.1 -> 3.13.0" in software


def test_timed_results_of_another_machine_stay(pictures: Path, tmp_path: Path) -> None:
    """Precise times that another machine of the run took are not taken again."""
    run = tmp_path / "run"
    measured(FarEngine(A, B), pictures, run)
    timed = [msgspec.structs.replace(it, timing="alone", encode_s=(0.1,)) for it in read_journal(run)]
    (run / JOURNAL_FILE).write_bytes(b"".join(msgspec.json.encode(it) + b"\n" for it in timed))
    options = bench.Options(timing=True, repeats=1)
    assert measured(FarEngine(HERE), pictures, run, options=options).measured == 0
