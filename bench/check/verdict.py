"""What the regression gate finds, and the verdict that follows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal[
    "regression",  # worse than the limits allow
    "slower",  # takes longer than the limits allow
    "failed",  # succeeded before, and fails now
    "missing",  # in the baseline, and not in the run
    "environment changed",  # worse, and a library or the architecture changed
    "inconclusive",  # cannot be decided
    "changed",  # a different result that the limits allow
    "improved",
    "new",  # not in the baseline
]

Outcome: TypeAlias = Literal["pass", "regression", "failed", "environment changed", "inconclusive"]

_ORDER: tuple[Kind, ...] = (
    "failed",
    "missing",
    "regression",
    "slower",
    "environment changed",
    "inconclusive",
    "changed",
    "improved",
    "new",
)

_EQUALLY_BAD = {"%": 1.0, "dB": 0.05, "x": 0.1}
"""Amounts that are about equally bad, to order findings in different units: 1% of rate is about 0.05 dB."""
_OF_A_SIMILARITY = 0.001
"""The same for metrics without a unit."""


@dataclass(frozen=True)
class Change:
    """What changed on one image."""

    image: str
    before: float | None
    after: float | None
    amount: float
    """In the finding's unit; positive is worse."""


@dataclass(frozen=True)
class CheckFinding:
    """A difference of one codec at one quality in one measure."""

    kind: Kind
    fails: bool
    label: str
    quality: float | None
    measure: str
    """``bytes``, a metric's name, ``BD-rate (METRIC)``, ``status``, ``encode`` or ``decode``."""
    unit: str = ""
    limit: float | None = None
    changes: tuple[Change, ...] = ()
    """The images, worst first."""
    detail: str = ""

    @property
    def worst(self) -> float:
        """The amount of greatest magnitude; positive is worse. 0 where nothing was measured."""
        return max((it.amount for it in self.changes), key=abs, default=0.0)

    @property
    def weight(self) -> float:
        """How bad it is, on a scale that is common to all units."""
        return abs(self.worst) / _EQUALLY_BAD.get(self.unit, _OF_A_SIMILARITY)


@dataclass(frozen=True)
class SpeedCell:
    """The speed of one codec at one quality, encoding or decoding, in the new installation and in the old."""

    label: str
    quality: float | None
    operation: Literal["encode", "decode"]
    ratio: float
    """New ÷ old time, of the geometric means over the images."""
    interval: tuple[float, float]
    """99% confidence interval of ``ratio``, corrected for the number of cells."""
    limit: float | None
    """Largest ratio that passes."""
    samples: int
    """Times taken of each image in each installation."""
    word: Literal["slower", "faster", "pass", "inconclusive"]
    detail: str = ""
    detectable: float = 1.0
    """The smallest slow-down that would have been detected, as a ratio."""


@dataclass(frozen=True)
class Verdict:
    """The outcome of a check."""

    findings: tuple[CheckFinding, ...]
    compared: int = 0
    """Number of trials that succeeded in the baseline and in the run."""
    identical: int = 0
    """How many of these have the same bitstream and pixels."""
    environment: tuple[str, ...] = ()
    """Differences between the two environments."""
    speed: tuple[SpeedCell, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """The most serious outcome of all findings."""
        failing = {it.kind for it in self.findings if it.fails}
        if failing & {"regression", "slower"}:
            return "regression"
        if failing & {"failed", "missing"}:
            return "failed"
        if "environment changed" in failing:
            return "environment changed"
        if any(it.kind == "inconclusive" for it in self.findings):
            return "inconclusive"
        return "pass"

    def by_codec(self) -> Iterator[tuple[str, tuple[CheckFinding, ...]]]:
        """The findings of each codec, the worst codec first."""
        for label in dict.fromkeys(it.label for it in self.findings):
            yield label, tuple(it for it in self.findings if it.label == label)


def worst_first(findings: list[CheckFinding]) -> tuple[CheckFinding, ...]:
    """Sort findings for reading: those that fail first, then by kind, weight and label."""
    return tuple(sorted(findings, key=lambda it: (not it.fails, _ORDER.index(it.kind), -it.weight, it.label)))
