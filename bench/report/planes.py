"""Distortion against perception: how near a codec's images are to the originals, and how natural they look.

Y. Blau and T. Michaeli, "The Perception-Distortion Tradeoff", CVPR 2018: at a given rate no decoder can have
the least of both. Values are those at a matched rate, interpolated inside the measured range only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bench.rd import Curve, quality_at
from bench.report.measures import Measure, first_of

PLANE_RATES = (0.25, 0.35, 0.5)
"""Bits per pixel at which codecs are put into the plane."""
_FEWEST = 2


@dataclass(frozen=True)
class Plane:
    """The codecs of a data set at one rate: by label, distortion and perception as shown."""

    rate: float
    distortion: Measure
    perception: Measure
    points: Mapping[str, tuple[float, float]]


def planes_of(
    measures: Sequence[Measure],
    curves: Mapping[str, Mapping[str, Curve]],
    rates: Sequence[float] = PLANE_RATES,
    perception: Collection[str] = (),
) -> tuple[Plane, ...]:
    """The plane of distortion and perception, and that of distortion and the distance between sets.

    Each is at every rate that two codecs or more reach.

    Parameters
    ----------
    measures : in the order of the run, whose first one of a role stands for it
    curves : of each measure, by label
    rates : bits per pixel
    perception : names of measures to hold against distortion, in the place of the first ones
    """
    distortion = first_of(measures, "distortion")
    if distortion is None:
        return ()
    against = [it for role in ("perception", "set") if (it := first_of(measures, role)) is not None]
    if perception:
        against = [it for it in measures if it.name in perception and it != distortion]
    made = (_plane(distortion, it, curves, rate) for it in against for rate in rates)
    return tuple(it for it in made if len(it.points) >= _FEWEST)


def at_rate(measure: Measure, curves: Mapping[str, Curve], rate: float) -> dict[str, float]:
    """By label the value at a rate, as shown; without those whose measured range does not hold it.

    Parameters
    ----------
    curves : in ``measure``, by label
    rate : bits per pixel
    """
    values = {label: quality_at(it, rate) for label, it in curves.items()}
    return {label: measure.shown(it) for label, it in values.items() if it is not None}


def _plane(
    distortion: Measure, perception: Measure, curves: Mapping[str, Mapping[str, Curve]], rate: float
) -> Plane:
    x, y = (at_rate(it, curves.get(it.name, {}), rate) for it in (distortion, perception))
    return Plane(rate, distortion, perception, {label: (x[label], y[label]) for label in x if label in y})
