"""The progress of a run: what is shown of trials and machines, on a terminal and in a pipe."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from bench.cli.progress import Progress, Rate
from bench.engines.engine import Machine
from tests.runs.far import FarEngine, machine, measured

NODES = [machine("Node", f"node{k:02}.cluster.example.org", jobs=64) for k in range(12)]


def display(*machines: Machine, columns: int = 80) -> list[str]:
    """The lines of the live display when all machines have finished 10 trials each."""
    progress = Progress()
    progress.started(10_000, 10_000)
    progress.machines([replace(it, finished=10) for it in machines])
    out = io.StringIO()
    Console(file=out, width=columns).print(progress._drawn())
    return [it.rstrip() for it in out.getvalue().splitlines()]


def test_a_rate_is_that_of_the_last_minute() -> None:
    """What was quicker before has gone after a minute, and a count that stands still fades."""
    rate = Rate(0.0)
    for second in range(1, 301):
        rate.reach(100 * second if second < 100 else 9900 + second - 99, float(second))
    assert rate.at(300.0) == pytest.approx(1.0, rel=0.05)
    assert rate.at(600.0) < 0.2


def test_a_rate_of_few_results_is_over_more_time() -> None:
    """Trials of two minutes each have a rate too."""
    rate = Rate(0.0)
    for number in range(1, 31):
        rate.reach(number, 120.0 * number)
    assert rate.at(3600.0) == pytest.approx(1 / 120)


def test_a_machine_that_comes_back_starts_again() -> None:
    """A count that is less than before gives no negative rate."""
    rate = Rate(0.0)
    rate.reach(50, 10.0)
    rate.reach(0, 20.0)
    rate.reach(10, 30.0)
    assert rate.at(30.0) == pytest.approx(1.0)


def test_the_display_fits_a_terminal_of_80_columns() -> None:
    """At most eight machines have a line each; what the others do is one more."""
    bar, *machines = display(*NODES)
    assert bar.startswith("measuring")
    assert len(machines) == 9
    assert machines[0].split()[:4] == ["node00.cluster.example.org", "64", "at", "a"]
    assert machines[-1].split()[:4] == ["and", "4", "more", "256"]
    assert max(map(len, machines)) <= 80
    (long,) = display(machine("Node", "n" * 100))[1:]
    assert "at a time" in long


def test_one_machine_without_a_name_is_not_shown() -> None:
    """A run on the machine that the user sits at looks as ever."""
    assert len(display(machine("Desk"))) == 1
    assert [it.split()[0] for it in display(machine("Desk"), NODES[0])[1:]] == ["this", NODES[0].name]


def test_workers_of_one_host_are_one_machine() -> None:
    """Their jobs add up."""
    (host,) = display(NODES[0], NODES[0])[1:]
    assert "128 at a time" in host


def test_a_pipe_gets_plain_lines(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Trials, rate, time left and failures in one line, and in another what each machine does."""
    with Progress() as progress:
        measured(FarEngine(*NODES[:2]), pictures, tmp_path / "run", events=progress.events)
    *_, trials, machines = capsys.readouterr().err.splitlines()
    assert trials.startswith("rdbench: 6/6 trials, ")
    assert trials.endswith(", 0 s left")
    assert machines.startswith("rdbench: machines: node00.cluster.example.org 64 at a time ")
    assert ", node01.cluster.example.org 64 at a time " in machines
