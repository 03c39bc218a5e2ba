"""What the gate finds, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal[
    "regression",  # worse than the limits allow
    "slower",  # the same of time
    "failed",  # ended well before, and does not now
    "missing",  # in the baseline, and not in the run
    "environment changed",  # worse, and a library or the architecture is another one
    "inconclusive",  # cannot be told
    "changed",  # another result that the limits allow
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
"""Amounts of about the same weight, to put unlike findings in one order; 1% of rate is about 0.05 dB."""
_OF_A_SIMILARITY = 0.001


@dataclass(frozen=True)
class Change:
    """One image: what was measured before and now, and how much worse it is (negative: better)."""

    image: str
    before: float | None
    after: float | None
    amount: float


@dataclass(frozen=True)
class Finding:
    """One thing that differs: a codec at a quality in one measure, with the images, worst first."""

    kind: Kind
    fails: bool
    label: str
    quality: float | None
    measure: str
    """``bytes``, a metric's name, ``BD-rate (METRIC)``, ``status``, ``encode`` or ``decode``."""
    unit: str = ""
    limit: float | None = None
    changes: tuple[Change, ...] = ()
    detail: str = ""

    @property
    def worst(self) -> float:
        """The greatest amount, signed: positive is worse. 0 where nothing was measured."""
        return max((it.amount for it in self.changes), key=abs, default=0.0)

    @property
    def weight(self) -> float:
        """How bad, on a scale that unlike measures share."""
        return abs(self.worst) / _EQUALLY_BAD.get(self.unit, _OF_A_SIMILARITY)


@dataclass(frozen=True)
class SpeedCell:
    """Times of one codec at one quality, encoding or decoding, new against old."""

    label: str
    quality: float | None
    operation: Literal["encode", "decode"]
    ratio: float
    """Ratio of the geometric means over the images, new to old."""
    interval: tuple[float, float]
    """99%, corrected for the number of cells."""
    limit: float | None
    samples: int
    """Of each side at each image."""
    word: Literal["slower", "faster", "pass", "inconclusive"]
    detail: str = ""
    detectable: float = 1.0
    """The smallest slow-down that would have been seen, as a ratio."""


@dataclass(frozen=True)
class Verdict:
    """The outcome of a check."""

    findings: tuple[Finding, ...]
    compared: int = 0
    """Trials of the baseline that the run finished too."""
    identical: int = 0
    """Of these, the ones of the same bitstream and pixels."""
    environment: tuple[str, ...] = ()
    """What differs between the two environments."""
    speed: tuple[SpeedCell, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """One word for all of it."""
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

    def by_codec(self) -> Iterator[tuple[str, tuple[Finding, ...]]]:
        """The findings of each codec, the worst codec first."""
        for label in dict.fromkeys(it.label for it in self.findings):
            yield label, tuple(it for it in self.findings if it.label == label)


def worst_first(findings: list[Finding]) -> tuple[Finding, ...]:
    """Findings in the order in which somebody should read them."""
    return tuple(sorted(findings, key=lambda it: (not it.fails, _ORDER.index(it.kind), -it.weight, it.label)))
