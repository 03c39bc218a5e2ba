"""What a report measures by: metrics of pairs of images, and of two sets of them.

What a metric says of itself is in the plan of a run. Of older runs, and of metrics of sets, the installed
metric of that name is asked; none is constructed, and no network's library imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from bench import registry
from bench.metrics.dataset import DATASET_METRICS
from bench.rd import DB_METRICS, Curve, to_db
from bench.studies.set_metrics.record import SetMeasurement
from bench.text.plain import printable
from bench.trials.plan import MetricPlan


@dataclass(frozen=True)
class Measure:
    """A metric as it is shown: in its own unit, or a similarity in decibels."""

    name: str
    title: str
    """Its name in print."""
    unit: str
    """As shown; empty for a pure number."""
    higher_is_better: bool
    ideal: float | None = None
    """The best value of a metric that is worse on both sides of it, and so ranks nothing."""
    role: str = "diagnostic"
    """``distortion``, ``perception``, ``diagnostic``, or ``set``: a distance between two sets of images."""
    version: str = ""
    decibel: bool = False
    """Whether values are shown as −10·log10(1 − value)."""

    @property
    def of_sets(self) -> bool:
        """Whether it compares two sets of images, and not images pair by pair."""
        return self.role == "set"

    @property
    def axis_title(self) -> str:
        """Its name with the unit, and what is better where that is not more, as one expects."""
        return self.title + (f" ({self.unit})" if self.unit else "") + self._direction

    @property
    def _direction(self) -> str:
        if self.ideal is not None:
            return f", {self.ideal:g} is ideal"
        return "" if self.higher_is_better else ", lower is better"

    def shown(self, mean: float) -> float:
        """A data set's mean, as stored, in the unit of this measure."""
        return float(to_db(mean)) if self.decibel else mean

    def cost_of(self, value: float) -> float:
        """A value as a cost, lower is better: turned around, or the distance from the ideal."""
        if self.ideal is not None:
            return abs(value - self.ideal)
        return -value if self.higher_is_better else value

    def as_stored(self) -> Measure:
        """The same metric without decibels."""
        return replace(self, decibel=False, unit="" if self.decibel else self.unit)


def measure_of(metric: MetricPlan) -> Measure:
    """A metric of a run, similarities in decibels where that is customary."""
    decibel = metric.name in DB_METRICS
    declared = {} if metric.title and metric.role else _declaration(metric.name)
    return Measure(
        name=metric.name,
        title=_printed(metric.title or declared.get("title", ""), metric.name),
        unit="dB" if decibel else metric.unit,
        higher_is_better=metric.higher_is_better,
        ideal=metric.ideal,
        role=metric.role or declared.get("role") or "diagnostic",
        version=metric.version,
        decibel=decibel,
    )


def set_measures(distances: Iterable[SetMeasurement]) -> tuple[Measure, ...]:
    """The metrics of sets that have a value. A distance is 0 for equal sets, whatever its name."""
    names = dict.fromkeys(it.metric for it in distances if it.value is not None)
    return tuple(Measure(name, title_of(name), "", higher_is_better=False, role="set") for name in names)


def first_of(measures: Sequence[Measure], role: str) -> Measure | None:
    """The measure that stands for a role: the first one that the run names."""
    return next((it for it in measures if it.role == role), None)


def set_curves(distances: Iterable[SetMeasurement]) -> dict[str, dict[str, Curve]]:
    """Distances over the rate, by metric and label."""
    points: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    for distance in distances:
        if distance.quality is not None and distance.bpp is not None and distance.value is not None:
            points.setdefault((distance.metric, distance.label), []).append(
                (distance.quality, distance.bpp, distance.value)
            )
    curves: dict[str, dict[str, Curve]] = {}
    for (metric, label), found in points.items():
        _, rates, values = zip(*sorted(found), strict=True)
        curves.setdefault(metric, {})[label] = Curve(label, rates, values, metric, False)
    return curves


def title_of(name: str) -> str:
    """A metric's name in print, as the installed metric of that name declares it; else the bare name."""
    return _printed(_declaration(name).get("title", ""), name)


def _printed(title: str, name: str) -> str:
    """A title may come from a foreign run folder."""
    return printable(title) or name


def _declaration(name: str) -> Mapping[str, str]:
    """What the installed metric of a name declares; empty where there is none that can be imported."""
    groups = (registry.targets(it) for it in (registry.METRICS, DATASET_METRICS))
    target = next((group[name] for group in groups if name in group), None)
    return {} if target is None else _declaration_of(target)


@cache
def _declaration_of(target: str) -> Mapping[str, str]:
    try:
        metric = registry.load(target)
    except Exception:  # whatever a stranger's module raises: the report goes on with the bare name
        return {}
    return {it: str(getattr(metric, it, "")) for it in ("title", "role")}
