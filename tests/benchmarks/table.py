"""Rows of the table of benchmarks: what was timed, against whom, and what it is to reach."""

from __future__ import annotations

import compileall
import os
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Parameters
    ----------
    work : what is done, in words
    ours, theirs : what each side took, with its unit; ``theirs`` is empty where there is no other side
    reached, goal : as written in the table, say ``7.1×`` and ``≥ 12×``
    met : whether the goal is reached
    command : the script that makes this row alone
    note : of a goal that was missed, the limit that was hit
    """

    work: str
    ours: str
    theirs: str
    reached: str
    goal: str
    met: bool
    command: str
    note: str = ""
    load: str = ""
    """Load average when it began; set by :mod:`tests.benchmarks`."""


def load() -> str:
    """The load average of the last minute."""
    return f"{os.getloadavg()[0]:.1f}"


def compile_modules() -> None:
    """Keep rdbench's modules compiled, as installing a package does.

    Of sources that can be changed nobody has, and under ``PYTHONDONTWRITEBYTECODE`` nobody ever would: each
    process of a run then compiles them again, 0.2 s in all.
    """
    for package in ("bench", "bench_codecs"):
        spec = find_spec(package)
        for folder in (spec and spec.submodule_search_locations) or ():
            compileall.compile_dir(folder, quiet=1)


def paired(
    ours: Callable[[], object], theirs: Callable[[], object], rounds: int = 5
) -> tuple[float, float, float]:
    """Seconds of both sides, medians, and the median of the ratios theirs ÷ ours, after a round to warm up.

    The sides take turns, and the order changes from round to round, so that what disturbs disturbs both.
    """
    ours(), theirs()
    mine, other = [], []
    for number in range(rounds):
        for side in (0, 1)[:: 1 if number % 2 else -1]:
            started = time.perf_counter()
            (ours, theirs)[side]()
            (mine, other)[side].append(time.perf_counter() - started)
    ratio = statistics.median(b / a for a, b in zip(mine, other, strict=True))
    return statistics.median(mine), statistics.median(other), ratio


def markdown(rows: Iterable[Row]) -> str:
    """The table, with the notes below it."""
    rows = list(rows)
    notes = list(dict.fromkeys(it.note for it in rows if it.note))
    lines = [
        "| work | rdbench | the other | reached | goal | load | command |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for it in rows:
        mark = f" [{notes.index(it.note) + 1}]" if it.note else ""
        reached = f"**{it.reached}**" if it.met else it.reached
        cells = (it.work + mark, it.ours, it.theirs or "–", reached, it.goal, it.load, f"`{it.command}`")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", *(f"{number}. {text}" for number, text in enumerate(notes, 1))]).strip()
