"""Axes: a measure in the unit that papers use, and rates and speeds with ticks that one can read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from bench.plotting.canvas import RateAxis, ground_of
from bench.plotting.colours import grey_on
from bench.rd import Curve, to_db
from bench.rd.curve import Array
from bench.report.measures import Measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RATES = (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)


def values_of(measure: Measure, curve: Curve) -> tuple[Array, Array]:
    """Rate and quality, as shown, of the points that can be drawn."""
    rate, quality = np.asarray(curve.rate), np.asarray(curve.quality)
    quality = to_db(quality) if measure.decibel else quality
    drawable = np.isfinite(rate) & np.isfinite(quality) & (rate > 0)
    return rate[drawable], quality[drawable]


def rate_axis(axes: Axes, rates: Array, kind: RateAxis, limits: tuple[float, float] | None = None) -> None:
    """The horizontal axis for bits per pixel.

    Parameters
    ----------
    rates : what it is to show
    limits : its limits; None for those around ``rates``
    """
    axes.set_xlabel("bits per pixel")
    low, high = limits or rate_limits(rates, kind)
    if kind == "log":
        axes.set_xscale("log", base=2)
    axes.set_xlim(low, high)
    if kind == "log":
        _few_ticks(axes, "x", _RATES)


def rate_limits(rates: Array, kind: RateAxis) -> tuple[float, float]:
    """Where an axis around ``rates`` begins and ends."""
    if kind == "linear":
        return 0.0, float(rates.max()) * 1.03
    return float(rates.min()) / 1.12, float(rates.max()) * 1.12


def quality_axis(axes: Axes, which: Literal["x", "y"], measure: Measure) -> None:
    """An axis for a metric's values, with whole steps of 1, 2 or 5, and a line at an ideal value."""
    from matplotlib.ticker import MaxNLocator

    axis = axes.xaxis if which == "x" else axes.yaxis
    if measure.ideal is not None:
        line = axes.axvline if which == "x" else axes.axhline
        line(
            measure.ideal,
            color=grey_on(ground_of(axes), "#333333"),
            linewidth=0.8,
            linestyle=(0, (4, 2)),
            zorder=1.5,
        )
    axis.set_label_text(measure.axis_title)
    axis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10]))


def log_axis(
    axes: Axes,
    which: Literal["x", "y"],
    values: Sequence[float],
    margin: float = 1.4,
    limits: tuple[float, float] | None = None,
) -> None:
    """A logarithmic axis around ``values``, at most about seven ticks, written as plain numbers.

    Parameters
    ----------
    values : positive
    margin : the factor by which the limits lie beyond the outermost values
    limits : its limits in the place of those
    """
    low, high = limits or (min(values) / margin, max(values) * margin)
    if which == "x":
        axes.set_xscale("log")
        axes.set_xlim(low, high)
    else:
        axes.set_yscale("log")
        axes.set_ylim(low, high)
    _few_ticks(axes, which)


def _few_ticks(axes: Axes, which: Literal["x", "y"], usual: Sequence[float] = ()) -> None:
    from matplotlib.ticker import FuncFormatter, NullLocator

    from bench.plotting.ticks import FewLogTicks

    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(FewLogTicks(usual))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())
