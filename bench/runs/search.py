"""Which quality of a codec's own to try next, so that a rate or a metric of one image becomes a given value.

Pure functions of what was measured, and of what another image taught: the same points lead to the same trial,
whoever measured them and in whatever order they came. A codec is taken to be monotone only in choosing where
to look: two neighbours on both sides of the target are always drawn closer, whatever lies elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from bench.trials.measurement import Measurement
from bench.trials.plan import Goal, Settings

MOST_TRIALS = 20
"""That are made for one target on one image."""
_DIGITS = 4
"""Of a quality that is tried."""
_LOG_SPAN = 100.0
"""Where the range of qualities spans more than this factor, places between two are on a logarithmic axis."""
_MARGINS = ((4, 0.02), (8, 0.25), (math.inf, 0.5))
"""How far inside its neighbours the next quality lies at least, as a share, by the trials made before."""
_STEP = 2
"""Default operating points that are passed over where nothing else tells how far to go."""


@dataclass(frozen=True)
class SearchPoint:
    """A trial of the image at hand."""

    setting: float
    value: float
    """On the axis of :class:`Scale`."""
    bitstream: str
    """Its hash."""


@dataclass(frozen=True)
class Scale:
    """Values on an axis that rises with the quality and along which codecs are nearly straight."""

    goal: Goal
    lower_is_better: bool = False

    def of(self, it: Measurement) -> float | None:
        """The value of a trial; infinite for identical pixels, None where there is none."""
        if it.status != "ok":
            return None
        raw = self.goal.value_of(it)
        if raw is None:
            return math.inf if it.exact and self.goal.of in it.metrics else None
        return self.at(raw)

    def at(self, raw: float) -> float:
        """Where a value lies: the logarithm of a rate."""
        if self.goal.of in ("bpp", "bytes"):
            return math.log(raw) if raw > 0 else -math.inf
        return -raw if self.lower_is_better else raw


@dataclass(frozen=True)
class Taught:
    """What the search on another image of the data set has taught."""

    points: tuple[tuple[float, float], ...] = ()
    """Qualities, rising, and values."""
    whole: bool = False
    """Whether the codec takes whole numbers only."""


NOTHING = Taught()


@dataclass(frozen=True)
class Ended:
    """No further trial would help."""

    reason: str = ""
    """Empty where the target is reached."""


@dataclass(frozen=True)
class Search:
    """The search for one value on one image."""

    settings: Settings
    target: float
    window: tuple[float, float]
    """All three values on the axis of :class:`Scale`."""
    taught: Taught = NOTHING
    names: Callable[[float], str] = field(default=lambda value: f"{value:g}")
    """How a value of that axis is told."""

    def next(self, points: Sequence[SearchPoint], *, whole: bool, tried: int) -> float | Ended:
        """The quality to try, or why there is none.

        Parameters
        ----------
        points : the image's trials, by rising quality
        whole : whether the codec is known to take whole numbers only
        tried : how many trials were made for this target
        """
        low, high = self.window
        if any(low <= it.value <= high for it in points):
            return Ended()
        if tried >= MOST_TRIALS:
            return Ended(f"not within the tolerance after {tried} trials")
        if self.settings.alone:
            return self._among(points)
        if not points:
            return self._first(whole)
        between = _nearest_pair(points, self.target)
        if between is not None:
            return self._inside(*between, points, whole, tried)
        return self._outside(points, whole)

    def _first(self, whole: bool) -> float:
        its = self.settings
        if self.taught.points:
            return self._placed(self._root(self._expected({}), its.low, its.high), whole)
        middle = its.sweep[len(its.sweep) // 2]
        # a fraction tells at once whether the codec takes any
        fraction = middle + 0.5
        return fraction if not whole and middle.is_integer() and fraction <= its.high else middle

    def _among(self, points: Sequence[SearchPoint]) -> float | Ended:
        """The middle one of the sweep's qualities that the points leave, where there are no others."""
        sweep = self.settings.sweep
        between = _nearest_pair(points, self.target)
        if between is not None:
            below, above = between
            left = [it for it in sweep if below.setting < it < above.setting]
            reason = f"{self._both(below, above)}, and there is none between"
        elif points:
            up = all(it.value < self.target for it in points)
            end = points[-1] if up else points[0]
            left = [it for it in sweep if (it > end.setting if up else it < end.setting)]
            reason = self._even(end, up=up)
        else:
            left, reason = list(sweep), ""
        return left[len(left) // 2] if left else Ended(reason)

    def _inside(
        self, below: SearchPoint, above: SearchPoint, points: Sequence[SearchPoint], whole: bool, tried: int
    ) -> float | Ended:
        """Between two neighbours on both sides of the target."""
        a, b = self._axis(below.setting), self._axis(above.setting)
        if math.isfinite(below.value) and math.isfinite(above.value) and below.value < above.value:
            expected = self._expected({it.setting: it.value for it in points if math.isfinite(it.value)})
            place = self._axis(self._root(expected, below.setting, above.setting))
        else:
            place = (a + b) / 2
        margin = next(share for trials, share in _MARGINS if tried < trials) * (b - a)
        setting = self._setting(min(max(place, a + margin), b - margin))
        if whole:
            setting = min(max(float(round(setting)), below.setting + 1), above.setting - 1)
            if not below.setting < setting < above.setting:
                return Ended(f"{self._both(below, above)}, and the codec takes whole numbers")
            return setting
        if same := self._one_bitstream(points, a, b):
            return Ended(f"{self._both(below, above)}, and {same[0]:g} and {same[1]:g} give one bitstream")
        for candidate in (_rounded(setting), _rounded(self._setting((a + b) / 2))):
            if below.setting < candidate < above.setting:
                return candidate
        return Ended(f"{self._both(below, above)}, and there is none between")

    def _one_bitstream(self, points: Sequence[SearchPoint], a: float, b: float) -> tuple[float, float] | None:
        """Two qualities near the gap from ``a`` to ``b``, as far apart or farther, that give the same bytes.

        The codec rounds its quality by itself then, and the gap lies between two neighbouring steps. What is
        the same up to an end is no step: there a codec may have given all, or as little as it can.
        """
        reach = 4 * (b - a)
        ends = (points[0].bitstream, points[-1].bitstream)
        near = [it for it in points if a - reach <= self._axis(it.setting) <= b + reach]
        for one, other in pairwise(near):
            apart = self._axis(other.setting) - self._axis(one.setting)
            if one.bitstream == other.bitstream and one.bitstream not in ends and apart >= b - a:
                return one.setting, other.setting
        return None

    def _both(self, below: SearchPoint, above: SearchPoint) -> str:
        return (
            f"quality {below.setting:g} gives {self.names(below.value)} and {above.setting:g}"
            f" {self.names(above.value)}"
        )

    def _even(self, end: SearchPoint, *, up: bool) -> str:
        best = "highest" if up else "lowest"
        return f"even the {best} quality {end.setting:g} gives {self.names(end.value)}"

    def _outside(self, points: Sequence[SearchPoint], whole: bool) -> float | Ended:
        """Beyond all that was measured."""
        up = all(it.value < self.target for it in points)
        end, bound = (points[-1], self.settings.high) if up else (points[0], self.settings.low)
        if end.setting == bound:
            return Ended(self._even(end, up=up))
        setting = self._placed(self._beyond(points, end, bound, up), whole)
        if whole and setting == end.setting:
            setting = end.setting + (1 if up else -1)
        return bound if (setting >= bound if up else setting <= bound) or setting == end.setting else setting

    def _beyond(self, points: Sequence[SearchPoint], end: SearchPoint, bound: float, up: bool) -> float:
        finite = [it for it in points if math.isfinite(it.value)]
        if self.taught.points and math.isfinite(end.value):
            known = {it.setting: it.value for it in finite}
            return self._root(self._expected(known), *sorted((end.setting, bound)))
        if len(finite) > 1 and math.isfinite(end.value):
            one, other = (finite[-1], finite[-2]) if up else (finite[0], finite[1])
            a, b = self._axis(one.setting), self._axis(other.setting)
            slope = (one.value - other.value) / (a - b)
            if slope > 0:
                place = a + 1.1 * (self.target - one.value) / slope
                lowest, highest = self._axis(self.settings.low), self._axis(self.settings.high)
                return self._setting(min(max(place, lowest), highest))
        beyond = [it for it in self.settings.sweep if (it > end.setting if up else it < end.setting)]
        beyond = beyond if up else beyond[::-1]
        return beyond[min(_STEP, len(beyond)) - 1] if beyond else bound

    def _expected(self, known: Mapping[float, float]) -> Callable[[float], float]:
        """The value expected at a quality: the other image's curve, moved to go through the known points."""
        from scipy.interpolate import PchipInterpolator

        axis = self._axis
        if len(self.taught.points) < 2:
            its = [(axis(setting), value) for setting, value in sorted(known.items())]
            return lambda setting: _on_lines(its, axis(setting))
        places, values = zip(*((axis(q), value) for q, value in self.taught.points), strict=True)
        inner = PchipInterpolator(places, values)
        ends = [(places[0], values[0]), (places[-1], values[-1])]
        slopes = [float(inner.derivative()(place)) for place, _ in ends]

        def of_other(setting: float) -> float:
            at = axis(setting)
            for (place, value), slope, is_beyond in zip(
                ends, slopes, (at < places[0], at > places[-1]), strict=True
            ):
                if is_beyond:
                    return float(value + slope * (at - place))
            return float(inner(at))

        moved = [(axis(it), value - of_other(it)) for it, value in sorted(known.items())]
        return lambda setting: of_other(setting) + (_on_lines(moved, axis(setting)) if moved else 0.0)

    def _root(self, expected: Callable[[float], float], low: float, high: float) -> float:
        """Where the expected value is the target; the end that is nearer to it where it is nowhere."""
        a, b = self._axis(low), self._axis(high)
        if expected(high) <= self.target:
            return high
        if expected(low) >= self.target:
            return low
        for _ in range(50):
            middle = (a + b) / 2
            a, b = (middle, b) if expected(self._setting(middle)) < self.target else (a, middle)
        return self._setting((a + b) / 2)

    def _placed(self, setting: float, whole: bool) -> float:
        """A quality that the codec takes."""
        setting = float(round(setting)) if whole else _rounded(setting)
        return min(max(setting, self.settings.low), self.settings.high)

    @property
    def _logarithmic(self) -> bool:
        return self.settings.low > 0 and self.settings.high > _LOG_SPAN * self.settings.low

    def _axis(self, setting: float) -> float:
        return math.log(setting) if self._logarithmic else setting

    def _setting(self, place: float) -> float:
        return math.exp(place) if self._logarithmic else place


def nearest(points: Sequence[SearchPoint], target: float) -> SearchPoint | None:
    """The trial that comes nearest to a value, and of equal ones that of the lowest quality."""
    return min(points, key=lambda it: (abs(it.value - target), it.setting), default=None)


def _nearest_pair(points: Sequence[SearchPoint], target: float) -> tuple[SearchPoint, SearchPoint] | None:
    """Neighbours in quality with the target between their values, and of several the closest ones."""
    pairs = [
        (one, other)
        for one, other in pairwise(points)
        if min(one.value, other.value) <= target <= max(one.value, other.value)
    ]
    return min(
        pairs,
        key=lambda it: (abs(it[0].value - target) + abs(it[1].value - target), it[0].setting),
        default=None,
    )


def _on_lines(points: Sequence[tuple[float, float]], at: float) -> float:
    """Between points on straight lines, beyond them level."""
    if at <= points[0][0]:
        return points[0][1]
    for (a, u), (b, v) in pairwise(points):
        if at <= b:
            return u + (v - u) * (at - a) / (b - a)
    return points[-1][1]


def _rounded(setting: float) -> float:
    return float(f"{setting:.{_DIGITS}g}")
