"""The order of codecs by BD-rate, and which places the data can't tell apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.rd.intervals import MIN_IMAGES
from bench.rd.pairwise import PairedBd


@dataclass(frozen=True)
class Standing:
    """The place of one configuration among those compared with an anchor."""

    label: str
    best: int | None = None
    """The place that the intervals leave open at best, 1 is the first; None for one that is not ranked."""
    worst: int | None = None
    """And at worst."""

    @property
    def ranked(self) -> bool:
        """Whether there is a BD-rate over enough of the range of quality."""
        return self.best is not None

    def __str__(self) -> str:
        if self.best is None:
            return "–"
        return str(self.best) if self.best == self.worst else f"{self.best}–{self.worst}"


def standings(
    anchor: str, against: Mapping[str, PairedBd], pairs: Mapping[tuple[str, str], PairedBd]
) -> tuple[Standing, ...]:
    """The anchor and all that were compared with it, best first.

    The order is that of the BD-rates by image against the anchor. Two configurations are told apart where the
    95% interval of their own paired comparison agrees with the order and excludes zero; places that are not
    told apart are shared ("2–3"). Below :data:`MIN_IMAGES` images there is no interval, and the order is that
    of these images alone. A BD-rate over too little of the range or of the images ranks nobody: such
    configurations follow, those without any value come last.

    Parameters
    ----------
    anchor : its label; its own BD-rate is zero
    against : the others, compared with the anchor, by label
    pairs : every comparison between them, by (anchor, test)
    """
    values = {label: bd.per_image.value for label, bd in against.items()} | {anchor: 0.0}
    partial = {label for label, bd in against.items() if bd.per_image.partial}

    def by_value(labels: Sequence[str]) -> list[str]:
        return sorted(labels, key=lambda label: values[label] or 0.0)

    known = [label for label, value in values.items() if value is not None]
    order = by_value([label for label in known if label not in partial])
    best, worst = [], []
    for place, label in enumerate(order):
        best.append(1 + sum(_told_apart(pairs, other, label) for other in order[:place]))
        worst.append(len(order) - sum(_told_apart(pairs, label, other) for other in order[place + 1 :]))
    # Comparisons over ranges of their own need not be transitive; places never run against the order.
    result = [
        Standing(label, min(best[place:]), max(worst[: place + 1])) for place, label in enumerate(order)
    ]
    rest = [*by_value([label for label in known if label in partial])]
    rest += [label for label, value in values.items() if value is None]
    return (*result, *map(Standing, rest))


def _told_apart(pairs: Mapping[tuple[str, str], PairedBd], upper: str, lower: str) -> bool:
    """Whether ``lower`` needs more bits than ``upper``, beyond doubt."""
    direct = pairs[upper, lower].per_image
    if direct.n_images < MIN_IMAGES:
        return direct.value != 0.0
    return direct.ci95 is not None and direct.ci95[0] > 0
