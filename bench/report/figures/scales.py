"""Axes: a metric in the unit that papers use, and rates and speeds with ticks that one can read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from bench.plotting.canvas import RateAxis
from bench.rd import DB_METRICS, Curve, to_db
from bench.rd.curve import Array
from bench.report.board import Board
from bench.report.perception import Measure
from bench.report.tables import headline_metrics, metric_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RATES = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
_MIN_TICKS = 3


@dataclass(frozen=True)
class MetricAxis:
    """A metric as drawn: in its own unit, or a similarity in decibels."""

    name: str
    unit: str
    higher_is_better: bool
    decibel: bool = False
    ideal: float | None = None

    @property
    def short(self) -> str:
        """The name alone."""
        return metric_title(self.name)

    @property
    def title(self) -> str:
        """The name with unit and direction, for an axis."""
        return self.short + (f" ({self.shown_unit})" if self.shown_unit else "") + self.direction

    @property
    def shown_unit(self) -> str:
        """The unit as drawn; empty for a pure number."""
        return "dB" if self.decibel else self.unit

    @property
    def direction(self) -> str:
        """What is better, after a comma; empty where more is, as one expects."""
        if self.ideal is not None:
            return f", {self.ideal:g} is ideal"
        return "" if self.higher_is_better else ", lower is better"

    def values(self, curve: Curve) -> tuple[Array, Array]:
        """Rate and quality of the points that can be drawn."""
        rate, quality = np.asarray(curve.rate), np.asarray(curve.quality)
        quality = to_db(quality) if self.decibel else quality
        keep = np.isfinite(rate) & np.isfinite(quality) & (rate > 0)
        return rate[keep], quality[keep]


def metric_axes(board: Board, decibel: bool) -> dict[str, MetricAxis]:
    """The metrics that have curves, by name; with ``decibel``, similarities in dB where that is customary."""
    return {
        it.name: MetricAxis(
            it.name, it.unit, it.higher_is_better, decibel and it.name in DB_METRICS, it.ideal
        )
        for it in board.metrics
        if board.curves.get(it.name)
    }


def axis_of(measure: Measure) -> MetricAxis:
    """The axis of a metric of pairs or of sets, similarities in dB where that is customary."""
    return MetricAxis(measure.name, measure.unit, measure.higher_is_better, measure.decibel, measure.ideal)


def headline(board: Board) -> tuple[MetricAxis, ...]:
    """The metrics of figures that do not show them all; see :func:`bench.report.tables.headline_metrics`."""
    known = metric_axes(board, decibel=True)
    return tuple(known[it] for it in headline_metrics(board))


def rate_axis(axes: Axes, rates: Array, kind: RateAxis) -> None:
    """The horizontal axis for bits per pixel."""
    axes.set_xlabel("bits per pixel")
    if kind == "linear":
        axes.set_xlim(0, float(rates.max()) * 1.03)
        return
    low, high = float(rates.min()) / 1.12, float(rates.max()) * 1.12
    axes.set_xscale("log", base=2)
    axes.set_xlim(low, high)
    inside = [it for it in _RATES if low <= it <= high]
    _ticks(axes, "x", inside if len(inside) >= _MIN_TICKS else _log_ticks(low, high))


def quality_axis(axes: Axes, which: Literal["x", "y"], metric: MetricAxis) -> None:
    """An axis for a metric's values, with whole steps of 1, 2 or 5, and a line at an ideal value."""
    from matplotlib.ticker import MaxNLocator

    axis = axes.xaxis if which == "x" else axes.yaxis
    if metric.ideal is not None:
        line = axes.axvline if which == "x" else axes.axhline
        line(metric.ideal, color="#333333", linewidth=0.8, linestyle=(0, (4, 2)), zorder=1.5)
    axis.set_label_text(metric.title)
    axis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10]))


def log_axis(axes: Axes, which: Literal["x", "y"], values: Sequence[float], margin: float = 1.4) -> None:
    """A logarithmic axis around ``values``, at most about seven ticks, written as plain numbers."""
    low, high = min(values) / margin, max(values) * margin
    if which == "x":
        axes.set_xscale("log")
        axes.set_xlim(low, high)
    else:
        axes.set_yscale("log")
        axes.set_ylim(low, high)
    _ticks(axes, which, _log_ticks(low, high))


def _log_ticks(low: float, high: float) -> list[float]:
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    for steps in (
        (1,),
        (1, 3),
        (1, 2, 5),
        (1, 1.5, 2, 3, 5, 7),
        (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9),
    ):
        ticks = [step * 10.0**decade for decade in decades for step in steps]
        inside = [float(f"{it:.6g}") for it in ticks if low <= it <= high]
        if len(inside) > _MIN_TICKS:
            return inside
    return inside or [float(f"{(low * high) ** 0.5:.3g}")]


def _ticks(axes: Axes, which: Literal["x", "y"], ticks: Sequence[float]) -> None:
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_ticks(ticks, labels=[f"{it:g}" for it in ticks])
    axis.set_ticks([], minor=True)
