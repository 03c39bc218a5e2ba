"""The results of several runs, and whether those of one trial agree in all but what a machine may change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, KeysView, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import msgspec

from bench.errors import StoreError
from bench.metrics.agreement import agree
from bench.runs.joining import JoiningRun
from bench.runs.store import JOURNAL_FILE, LineSelector, RunInfo, read_journal
from bench.trials.measurement import Measurement

_MOST_TOLD = 8
_CIRCUMSTANCES = frozenset(
    {
        *("environment", "isolation", "needs", "timing", "device", "metrics_device", "gpu_bytes", "peak_of"),
        "estimated_bits",
        *("encode_s", "encode_cold_s", "encode_startup_s", "encode_cpu_share", "encode_peak_bytes"),
        *("decode_s", "decode_cold_s", "decode_startup_s", "decode_cpu_share", "decode_peak_bytes"),
    }
)
"""Fields of a measurement that machine and moment change."""
_COMPARED_APART = frozenset({"key", "metrics", "reasons", "reached"})
_DETERMINISTIC = [
    it for it in Measurement.__struct_fields__ if it not in _CIRCUMSTANCES and it not in _COMPARED_APART
]


@dataclass(frozen=True)
class Candidate:
    """A line that a trial may have in the joint journal."""

    run: int
    """Which of the runs has it."""
    where: str
    """File and line."""
    measurement: Measurement

    @property
    def is_ok(self) -> bool:
        """Whether it is a result."""
        return self.measurement.status == "ok"

    @property
    def rank(self) -> tuple[int, ...]:
        """Which of several lines of a trial to take: a result, with most metrics, and of the best times."""
        it = self.measurement
        return (
            self.is_ok,
            it.reached is None or it.reached.within,
            sum(value is not None for value in it.metrics.values()),
            it.isolation != "none",
            it.timing == "alone" and not it.disturbed,
            len(it.encode_s),
            it.isolation == "sealed",
        )

    def differences(self, other: Candidate, units: Mapping[str, str]) -> Iterator[str]:
        """What differs between two results, with both values.

        Metrics are compared where they are of one definition, but for the rounding of another machine.

        Parameters
        ----------
        units : of the metrics
        """
        mine, its = self.measurement, other.measurement
        if mine.reached is not None and mine.quality != its.quality:
            return  # two searches may end at two trials
        pairs = [(name, getattr(mine, name), getattr(its, name)) for name in _DETERMINISTIC]
        found = [it for it in pairs if it[1] != it[2]]
        if mine.key == its.key:
            metrics = [(name, mine.metrics.get(name), its.metrics.get(name)) for name in units]
            found += [it for it in metrics if not _agree(*it[1:], units[it[0]])]
        for name, was, now in found:
            yield f"{name} {_short(was)} and {_short(now)}"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 20 else f"{text[:16]}…"


def _agree(was: float | None, now: float | None, unit: str) -> bool:
    if was is None or now is None:
        return was is now
    return agree(was, now, unit)


class JoiningLines:
    """The lines of a run's journal that count there, the last of each trial, by its place in the joint plan.

    Parameters
    ----------
    number : which of the runs it is
    joint : ``run.json`` of all runs together
    machines : what stands there for the ``id`` of an environment of this run
    """

    def __init__(self, number: int, run: JoiningRun, joint: RunInfo, machines: dict[str, str]) -> None:
        self.folder = run.folder
        self._number = number
        self._machines = machines
        self._own = LineSelector(run.info)
        self._joint = LineSelector(joint)
        self._last = {row: line for line, _, row in self._counting()}
        """Number of the line of each trial."""

    @property
    def rows(self) -> KeysView[int]:
        """The trials that it has, by their place in the joint plan."""
        return self._last.keys()

    def __iter__(self) -> Iterator[tuple[int, Candidate]]:
        for line, measurement, row in self._counting():
            if self._last.get(row) == line:
                yield row, Candidate(self._number, self._where(line), measurement)

    def of_searches(self) -> Iterator[Measurement]:
        """The trials that searches made on their way, which have no rows."""
        if self._own.has_searches:
            lines = read_journal(self.folder)
            yield from (self._of_joint(it) for it in lines if self._own.is_of_search(it))

    def _of_joint(self, measurement: Measurement) -> Measurement:
        machine = self._machines[measurement.environment]
        if machine == measurement.environment:
            return measurement
        return msgspec.structs.replace(measurement, environment=machine)

    def _counting(self) -> Iterator[tuple[int, Measurement, int]]:
        """Number, measurement and place of each line that is not history in its own run."""
        for line, measurement in enumerate(read_journal(self.folder), 1):
            if self._own.row(measurement) is None:
                continue
            measurement = self._of_joint(measurement)
            row = self._joint.row(measurement)
            if row is None:
                raise StoreError(f"{self._where(line)}: several configurations of the plan fit this line")
            yield line, measurement, row

    def _where(self, line: int) -> str:
        return f"{self.folder / JOURNAL_FILE}:{line}"


def best_of_several(
    runs: Sequence[JoiningLines], joint: RunInfo, note: Callable[[str], None]
) -> dict[int, Candidate]:
    """The line to take of each trial that several runs have, by the trial's place in the joint plan.

    Parameters
    ----------
    note : told of failures that a result takes the place of

    Raises
    ------
    StoreError
        Results of a trial differ; the message names file, line and values of both.
    """
    units = {it.name: it.unit for it in joint.metrics}
    several = {row for row, count in Counter(chain(*(it.rows for it in runs))).items() if count > 1}
    best: dict[int, Candidate] = {}
    differing: list[str] = []
    outdone = 0
    for lines in runs:
        if several.isdisjoint(lines.rows):
            continue
        for row, candidate in lines:
            if row not in several:
                continue
            held = best.setdefault(row, candidate)
            outdone += held.is_ok != candidate.is_ok
            if held.is_ok and candidate.is_ok and (found := list(held.differences(candidate, units))):
                differing.append(
                    f"{held.where} and {candidate.where}: {_trial(candidate)}: {'; '.join(found)}"
                )
            best[row] = max(held, candidate, key=lambda it: it.rank)
    if differing:
        more = f"\nand {len(differing) - _MOST_TOLD} more" if len(differing) > _MOST_TOLD else ""
        raise StoreError(
            f"{len(differing)} of {len(several)} trials that several runs have measured differ in what no"
            " machine may change, so that one of the runs is wrong, or its codec is not deterministic:\n"
            + "\n".join(differing[:_MOST_TOLD])
            + more
        )
    if outdone:
        note(f"{outdone} failures are left out, since another run has a result of the same trial")
    return best


def _trial(it: Candidate) -> str:
    point = "" if it.measurement.quality is None else f" at {it.measurement.quality:g}"
    return f"{it.measurement.codec}{point} on {it.measurement.image}"
