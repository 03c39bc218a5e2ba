"""Interleaved measurement of two installations.

The processes of both live at the same time on the same processor and take turns, sample by sample, in the
order old, new, new, old and then new, old, old, new, so that whatever else the machine does meets both alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.check.timing.installation import Installation
from bench.check.timing.session import SamplerError, Session, TimedPoint
from bench.check.timing.statistics import FEWEST_ROUNDS
from bench.check.timing.subjects import TimedCodec
from bench.codec import Image
from bench.errors import ConfigError
from bench.host.processor import processor_for_timing

Operation: TypeAlias = Literal["encode", "decode"]
CellKey: TypeAlias = tuple[str, float | None, Operation]
"""Label, quality, operation."""

_OPERATIONS: tuple[Operation, ...] = ("encode", "decode")
_FEWEST_SAMPLES = 10
_MOST_LOOPS = 1000


@dataclass(frozen=True)
class Schedule:
    """How often to measure."""

    rounds: int = 10
    """Fresh pairs of processes."""
    quadruples: int = 4
    """ABBA quadruples of a point in each round."""
    sample_s: float = 0.005
    """What takes less is repeated until one sample, the median of these runs, lasts so long."""
    timeout: float = 300.0

    def __post_init__(self) -> None:
        if self.rounds < FEWEST_ROUNDS:
            raise ConfigError(
                f"{self.rounds} rounds are too few for an interval, {FEWEST_ROUNDS} are the least"
            )
        if self.samples < _FEWEST_SAMPLES:
            raise ConfigError(f"{self.samples} samples a point are too few, {_FEWEST_SAMPLES} are the least")

    @property
    def samples(self) -> int:
        """Samples of a point in each installation."""
        return 2 * self.rounds * self.quadruples


@dataclass(frozen=True, eq=False)
class Samples:
    """One cell: seconds in both installations, shape (rounds, images, samples)."""

    images: tuple[str, ...]
    old: NDArray[np.float64]
    new: NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """Why a codec could not be timed."""

    label: str
    message: str
    of_new_side: bool


@dataclass(frozen=True)
class Timed:
    """All cells that could be measured, and what could not."""

    cells: dict[CellKey, Samples]
    problems: tuple[Problem, ...] = ()
    remarks: tuple[str, ...] = ()


def measure_abba(
    installations: tuple[Installation, Installation],
    subjects: Sequence[TimedCodec],
    images: dict[str, Image],
    schedule: Schedule = Schedule(),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Timed:
    """Time all codecs on all images in both installations.

    Parameters
    ----------
    installations : the old and the new installation
    images : uint8, (height, width, 3), by name
    progress : is told how many turns of a codec are done, and how many there are
    """
    shape = (schedule.rounds, len(images), 2 * schedule.quadruples)
    cells = {
        (subject.label, quality, operation): Samples(tuple(images), np.empty(shape), np.empty(shape))
        for subject in subjects
        for quality in subject.qualities
        for operation in _OPERATIONS
    }
    problems: dict[str, Problem] = {}
    remarks: dict[str, None] = {}
    loops: dict[tuple[CellKey, str], int] = {}
    for turn in range(schedule.rounds):
        for place, subject in enumerate(subjects):
            progress(turn * len(subjects) + place, schedule.rounds * len(subjects))
            if subject.label in problems:
                continue
            pair = _Pair(installations, schedule)
            try:
                with pair:
                    remarks |= dict.fromkeys(pair.prepare(subject, images))
                    pair.measure(subject, turn, cells, loops)
            except SamplerError as error:
                problems[subject.label] = Problem(subject.label, str(error), pair.asked_new)
    usable = {key: it for key, it in cells.items() if key[0] not in problems}
    return Timed(usable, tuple(problems.values()), tuple(remarks))


class _Pair:
    """The two processes of a round."""

    def __init__(self, installations: tuple[Installation, Installation], schedule: Schedule) -> None:
        self._installations = installations
        self._schedule = schedule
        self._sessions: list[Session] = []
        self.asked_new = False
        """Whether the new installation was the last to be asked."""

    def __enter__(self) -> None:
        cpu = processor_for_timing()
        for installation in self._installations:
            self._sessions.append(Session(installation, cpu=cpu, timeout=self._schedule.timeout))

    def __exit__(self, *_: object) -> None:
        for session in self._sessions:
            session.__exit__()

    def prepare(self, subject: TimedCodec, images: dict[str, Image]) -> list[str]:
        """Construct the codec and hand over the images; remarks on options that one does not have."""
        remarks = []
        for side in (0, 1):
            self.asked_new = side == 1
            session = self._sessions[side]
            unknown = session.codec(subject.label, subject.codec, subject.target, subject.config)
            remarks += [
                f"{subject.label}: {self._installations[side].name} has no option {it}" for it in unknown
            ]
            for name, pixels in images.items():
                session.image(name, pixels)
        return remarks

    def measure(
        self,
        subject: TimedCodec,
        turn: int,
        cells: dict[CellKey, Samples],
        loops: dict[tuple[CellKey, str], int],
    ) -> None:
        """Fill one round of the subject's cells."""
        for quality in subject.qualities:
            for operation in _OPERATIONS:
                key: CellKey = (subject.label, quality, operation)
                samples = cells[key]
                for row, image in enumerate(samples.images):
                    point = TimedPoint(subject.label, image, quality)
                    # Every process needs a run to warm up, and the decoder the bitstream of its own encoder.
                    slower = max(self._time(side, operation, point, 1) for side in (0, 1))
                    count = loops.setdefault((key, image), self._loops(slower))
                    for k in range(self._schedule.quadruples):
                        first = (turn + k) % 2
                        for side, place in ((first, 0), (1 - first, 0), (1 - first, 1), (first, 1)):
                            target = samples.new if side else samples.old
                            target[turn, row, 2 * k + place] = self._time(side, operation, point, count)

    def _loops(self, seconds: float) -> int:
        return max(1, min(_MOST_LOOPS, math.ceil(self._schedule.sample_s / max(seconds, 1e-7))))

    def _time(self, side: int, operation: Operation, point: TimedPoint, loops: int) -> float:
        self.asked_new = side == 1
        return max(self._sessions[side].time(operation, point, loops), 1e-9)
