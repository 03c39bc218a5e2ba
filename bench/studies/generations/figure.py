"""Generation loss as a figure: a panel for each metric and one for the rate, a line for each codec."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from bench.plotting.canvas import Canvas, lay_out, marks, note, stroke
from bench.plotting.curve_labels import CurveLabel, label_curves, needed_height, visible_end
from bench.plotting.series_style import Series, SeriesStyle, series_styles
from bench.studies.generations.tables import Chains, Line, lines_of, moved, title_of
from bench.trials.plan import MetricPlan

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT, _FRAME = 2.4, 0.7
_Value: TypeAlias = Callable[[Line, int], float | None]


def generations_figure(
    chains: Chains, count: int, styles: Mapping[str, SeriesStyle], canvas: Canvas, shift: int = 0
) -> Figure | None:
    """Each metric against the original over the generations, and the rate in percent of the first one's.

    Parameters
    ----------
    chains : of one data set
    count : generations
    styles : colour, marker and line of each codec, by label
    canvas : what to draw on, inside :func:`bench.plotting.style.styled`
    shift : pixels that the pictures move between two generations
    """
    lines = [it for it in lines_of(chains, count) if it.chains]
    if not lines:
        return None
    values: list[tuple[str, _Value]] = [
        *((_axis_title(it), partial(_to_original, it)) for it in lines[0].metrics),
        ("rate (% of generation 1)", _relative_rate),
    ]
    height = max(_HEIGHT, needed_height(len(lines)) + _FRAME)
    figure, panels = canvas.figure(len(values), height)
    drawn = _told_apart(lines, styles)
    ends = [
        _draw(axes, title, drawn, value, count) for axes, (title, value) in zip(panels, values, strict=True)
    ]
    images = max(it.planned for it in lines)
    note(
        figure,
        f"Means over {images} images, each encoded again and again{moved(shift)}; identical pictures, which"
        " have no PSNR, are left out.",
    )
    lay_out(figure)
    for axes, labels in zip(panels, ends, strict=True):
        label_curves(axes, labels, canvas.label_points(len(panels)))
    return figure


def _axis_title(metric: MetricPlan) -> str:
    title, unit = title_of(metric)
    return f"{title} ({unit})" if unit else title


def _to_original(metric: MetricPlan, line: Line, number: int) -> float | None:
    return line.to_original(metric, number)


def _relative_rate(line: Line, number: int) -> float | None:
    first, rate = line.bpp(1), line.bpp(number)
    return None if first is None or rate is None else 100 * rate / first


def _told_apart(
    lines: Sequence[Line], styles: Mapping[str, SeriesStyle]
) -> Sequence[tuple[Line, SeriesStyle]]:
    """Each line in the colour of its codec; the points of one codec differ in marker and dash."""
    several = series_styles(Series(it.name, it.label) for it in lines)
    labels = [it.label for it in lines]
    return [
        (
            line,
            replace(several[line.name], colour=styles[line.label].colour)
            if labels.count(line.label) > 1
            else replace(styles[line.label], name=line.name),
        )
        for line in lines
    ]


def _draw(
    axes: Axes, title: str, lines: Sequence[tuple[Line, SeriesStyle]], value: _Value, count: int
) -> list[CurveLabel]:
    """Draw one panel; the names at the ends of its lines."""
    from matplotlib.ticker import MaxNLocator

    generations = np.arange(1.0, count + 1)
    ends = []
    for line, style in lines:
        known = [value(line, k) for k in range(1, count + 1)]
        heights = np.array([np.nan if it is None else it for it in known])
        axes.plot(generations, heights, **stroke(style))
        axes.plot(generations, heights, **marks(style, 3.0))
        ends.append((heights, style))
    axes.set_xlabel("generation")
    axes.set_ylabel(title)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.autoscale_view()
    return [
        CurveLabel(style.name, *end, style)
        for heights, style in ends
        if (end := visible_end(axes, generations, heights)) is not None
    ]
