"""Published curves of one codec that ought to agree and do not."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.exchange.published import Published
from bench.rd import bd_rate

LIMIT = 1.0
"""BD-rate in percent up to which two curves of one codec agree."""


@dataclass(frozen=True)
class Disagreement:
    """Two published curves of one codec on one data set that differ by more than :data:`LIMIT`."""

    first: Published
    second: Published
    bd_rates: Mapping[str, tuple[float, float]]
    """By metric: of the second against the first, and of the first against the second, in percent."""

    @property
    def numbers(self) -> str:
        """The BD-rates both ways, in every metric in which the two differ."""
        return ", ".join(
            f"{metric} {there:+.1f}% / {back:+.1f}%" for metric, (there, back) in self.bd_rates.items()
        )


def disagreements(
    published: Sequence[Published], metrics: Collection[str] | None = None
) -> Iterator[Disagreement]:
    """The pairs of curves of one codec and data set that differ, in the order of ``published``.

    Metrics are left out where the two share less than half of their range, or a curve has no BD-rate.

    Parameters
    ----------
    metrics : which are compared; None for all
    """
    for first, second in itertools.combinations(published, 2):
        if not first.codec or (first.codec, first.dataset) != (second.codec, second.dataset):
            continue
        found = {}
        for curve in first.curves:
            other = second.curve(curve.metric)
            if other is None or (metrics is not None and curve.metric not in metrics):
                continue
            there, back = bd_rate(curve, other), bd_rate(other, curve)
            if there.value is None or back.value is None or there.partial:
                continue
            if max(abs(there.value), abs(back.value)) > LIMIT:
                found[curve.metric] = (there.value, back.value)
        if found:
            yield Disagreement(first, second, found)
