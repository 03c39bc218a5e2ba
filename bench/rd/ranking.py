"""The ranking of codecs by BD-rate, in which codecs that the data cannot distinguish share a place."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bench.rd.intervals import MIN_IMAGES
from bench.rd.pairwise import PairedBd


@dataclass(frozen=True)
class Standing:
    """The place of one configuration among those compared with an anchor."""

    label: str
    best: int | None = None
    """The best place that the intervals allow, from 1; None for a configuration that is not ranked."""
    worst: int | None = None
    """The worst place that they allow."""

    @property
    def ranked(self) -> bool:
        """Whether it has a BD-rate over enough of the range of quality."""
        return self.best is not None

    def __str__(self) -> str:
        if self.best is None:
            return "–"
        return str(self.best) if self.best == self.worst else f"{self.best}–{self.worst}"


def standings(
    anchor: str,
    against: Mapping[str, PairedBd],
    pairs: Mapping[tuple[str, str], PairedBd],
    partial: Collection[str] | None = None,
) -> tuple[Standing, ...]:
    """The anchor and everything that was compared with it, best first.

    The order is that of the BD-rates by image against the anchor. Two configurations are distinguished if the
    95% interval of their own paired comparison excludes zero and agrees with that order; otherwise they share
    places ("2–3"). Below :data:`MIN_IMAGES` images there are no intervals, and the order holds for these
    images alone. A BD-rate over too little of the range, or of too few images, does not rank a configuration:
    such configurations follow the ranked ones, and those without any value come last.

    Parameters
    ----------
    anchor : label of the anchor, whose own BD-rate is zero
    against : the comparisons of all others with the anchor, by label
    pairs : every comparison among them, by (anchor, test)
    partial : who has no place though it has a BD-rate; default: whose BD-rate says itself that it is of too
        little
    """
    values = {label: bd.per_image.value for label, bd in against.items()} | {anchor: 0.0}
    if partial is None:
        partial = {label for label, bd in against.items() if bd.per_image.partial}

    def by_value(labels: Sequence[str]) -> list[str]:
        return sorted(labels, key=lambda label: values[label] or 0.0)

    with_value = [label for label, value in values.items() if value is not None]
    order = by_value([label for label in with_value if label not in partial])
    best, worst = [], []
    for place, label in enumerate(order):
        best.append(1 + sum(_distinguished(pairs, other, label) for other in order[:place]))
        worst.append(len(order) - sum(_distinguished(pairs, label, other) for other in order[place + 1 :]))
    # Each comparison has its own range, so they need not be transitive; places must still follow the order.
    ranked = [
        Standing(label, min(best[place:]), max(worst[: place + 1])) for place, label in enumerate(order)
    ]
    unranked = [*by_value([label for label in with_value if label in partial])]
    unranked += [label for label, value in values.items() if value is None]
    return (*ranked, *map(Standing, unranked))


def _distinguished(pairs: Mapping[tuple[str, str], PairedBd], upper: str, lower: str) -> bool:
    """Whether the data show that ``lower`` needs more bits than ``upper``."""
    direct = pairs[upper, lower].per_image
    if direct.n_images < MIN_IMAGES:
        return direct.value != 0.0
    return direct.ci95 is not None and direct.ci95[0] > 0
