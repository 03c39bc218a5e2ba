"""Rate over the anchor's rate at equal quality: where along the quality range a codec gains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self, TypeAlias

import numpy as np

from bench.plotting.canvas import marks, stroke
from bench.plotting.curve_labels import CurveLabel, label_curves, needed_height, visible_end
from bench.plotting.series_style import SeriesStyle
from bench.rd import Curve, from_db, rates_at
from bench.rd.curve import Array
from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.figure_description import FigureDescription
from bench.report.figures import DescribedFigure
from bench.report.figures._axes import log_axis, quality_axis, values_of
from bench.report.measures import Measure
from bench.report.panels import NameIt, Panel, anchors_in, chosen, measures_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_Line: TypeAlias = tuple[Array, Array]
_Ratios: TypeAlias = dict[str, tuple[_Line, _Line]]
_STEPS = 48
_LINEAR_TO = 250.0
"""Percent; a plot that goes higher is logarithmic, unless its limits begin at 0."""
_HEIGHT, _FRAME = 2.4, 0.7


@dataclass(frozen=True)
class RatiosPanel(Panel):
    """Rates relative to the anchor's over quality in one metric."""

    measure: Measure
    anchor: str
    ratios: _Ratios

    kind = "relative_rate"

    @classmethod
    def of(cls, data: Sequence[ReportData], what: FigureDescription) -> Sequence[Self]:
        return [
            cls(its, what, measure.name, measure, its.anchor, ratios)
            for its in data
            for measure in measures_for(its, what)
            if its.anchor is not None and (ratios := _ratios(its, measure, what))
        ]

    @property
    def styles(self) -> Mapping[str, SeriesStyle]:
        return {it: self.data.styles[it] for it in (*self.ratios, self.anchor)}

    @property
    def title(self) -> str:
        return f"{self.data.dataset}, {len(self.data.images[self.metric])} images"

    def height(self, *, alone: bool) -> float:
        return max(_HEIGHT, needed_height(len(self.ratios) + 1) + _FRAME if self.has_names else 0.0)

    def draw(self, axes: Axes, room: float) -> NameIt:
        styles, anchor = self.styles, self.styles[self.anchor]
        axes.axhline(100.0, color=anchor.colour, linewidth=anchor.width)
        for label, (line, points) in self.ratios.items():
            axes.plot(*line, **stroke(styles[label]))
            axes.plot(*points, **marks(styles[label], 3.0))
        self._set_axes(axes)
        labels = [
            CurveLabel(styles[label].name, *end, styles[label])
            for label, (line, _) in self.ratios.items()
            if (end := visible_end(axes, *line)) is not None
        ]
        right = axes.get_xlim()[1]
        if axes.get_ylim()[0] <= 100.0 <= axes.get_ylim()[1]:
            labels.append(CurveLabel(anchor.name, right, 100.0, anchor))
        return partial(label_curves, axes, labels, room)

    def _set_axes(self, axes: Axes) -> None:
        finite = [line[1][np.isfinite(line[1])] for line, _ in self.ratios.values()]
        drawn = np.concatenate([[100.0], *finite])
        limits = self.what.y_limits(self.metric)
        if drawn.max() > _LINEAR_TO and (limits is None or limits[0] > 0):
            log_axis(axes, "y", drawn.tolist(), 1.1, limits)
        else:
            low, high = axes.get_ylim()
            axes.set_ylim(limits or (min(low, 95.0), max(high, 105.0)))
        axes.margins(x=0.02)
        axes.set_xlim(self.what.x_limits(self.metric) or axes.get_xlim())
        quality_axis(axes, "x", self.measure)
        axes.set_ylabel("rate relative to the anchor (%)")

    @classmethod
    def note(cls, panels: Sequence[Self], figure: Figure) -> str:
        return (
            f"Rate at equal quality on the mean curves, {anchors_in(panels, figure)} = 100%; interpolated"
            " (PCHIP) inside the measured ranges. Markers: operating points."
        )


class RelativeRate(DescribedFigure):
    """A panel for each metric of the ranking in which something overlaps with the anchor."""

    name = "relative_rate"
    title = "Rate at equal quality, over that of the anchor"
    chapter = Chapter.COMPARISONS
    order = 1
    description = FigureDescription(kind="relative_rate")


def _ratios(data: ReportData, measure: Measure, what: FigureDescription) -> _Ratios:
    """For each curve but the anchor's: a dense line, and its operating points, as quality and percent."""
    curves = data.curves_in(measure)
    anchor = curves.get(data.anchor or "")
    if anchor is None:
        return {}
    result = {}
    every = {**data.published.get(measure.name, {}), **curves}
    for label in chosen(every, what):
        curve = every[label]
        rate, quality = values_of(measure, curve)
        if label == data.anchor or len(rate) < 2:
            continue
        axis = np.unique(np.concatenate([np.linspace(quality.min(), quality.max(), _STEPS), quality]))
        line, points = (_ratio(anchor, curve, measure, it) for it in (axis, quality))
        if np.isfinite(line).sum() > 1:
            result[label] = ((axis, line), (quality, points))
    return result


def _ratio(anchor: Curve, curve: Curve, measure: Measure, quality: Array) -> Array:
    values = from_db(quality) if measure.decibel else quality
    ours, theirs = (np.array(rates_at(it, values), dtype=float) for it in (curve, anchor))
    return np.asarray(100.0 * ours / theirs)
