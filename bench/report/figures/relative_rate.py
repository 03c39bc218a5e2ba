"""Rate over the anchor's rate at equal quality: where along the quality range a codec gains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from bench.plotting.canvas import Canvas, lay_out, marks, note, short, stroke, title
from bench.plotting.curve_labels import CurveLabel, label_curves, needed_height
from bench.plotting.series_style import SeriesStyle
from bench.rd import Curve, from_db, rates_at
from bench.rd.curve import Array
from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.figures import ReportFigure
from bench.report.figures._axes import log_axis, quality_axis, values_of
from bench.report.measures import Measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_Line: TypeAlias = tuple[Array, Array]
_Ratios: TypeAlias = dict[str, tuple[_Line, _Line]]
_STEPS = 48
_LINEAR_TO = 250.0
"""Percent; a plot that goes higher is logarithmic."""
_HEIGHT, _FRAME = 2.4, 0.7


class RelativeRate(ReportFigure):
    """A panel for each metric of the ranking in which something overlaps with the anchor."""

    name = "relative_rate"
    title = "Rate at equal quality, over that of the anchor"
    chapter = Chapter.COMPARISONS
    order = 1

    def draw(self, data: ReportData, canvas: Canvas) -> Figure | None:
        measures = [data.measure(it) for it in data.headline]
        drawn = [(measure, ratios) for measure in measures if (ratios := _ratios(data, measure))]
        if not drawn:
            return None
        tallest = max(needed_height(len(ratios) + 1) for _, ratios in drawn)
        figure, panels = canvas.figure(len(drawn), max(_HEIGHT, tallest + _FRAME))
        anchor = data.anchor or ""
        labels = []
        for axes, (measure, ratios) in zip(panels, drawn, strict=True):
            labels.append(_draw(axes, ratios, data.styles, anchor))
            quality_axis(axes, "x", measure)
            axes.set_ylabel("rate relative to the anchor (%)")
            text = f"{data.dataset}, {len(data.images[measure.name])} images"
            title(axes, text, canvas.columns(len(drawn)))
        note(
            figure,
            f"Rate at equal quality on the mean curves, {short(figure, anchor)} = 100%; interpolated (PCHIP)"
            " inside the measured ranges. Markers: operating points.",
        )
        lay_out(figure)
        for axes, its_labels in zip(panels, labels, strict=True):
            label_curves(axes, its_labels, canvas.label_points(len(drawn)))
        return figure


def _draw(axes: Axes, ratios: _Ratios, styles: Mapping[str, SeriesStyle], anchor: str) -> list[CurveLabel]:
    labels = []
    axes.axhline(100.0, color=styles[anchor].colour, linewidth=styles[anchor].width)
    for label, (line, points) in ratios.items():
        style = styles[label]
        axes.plot(*line, **stroke(style))
        axes.plot(*points, **marks(style, 3.0))
        last = np.flatnonzero(np.isfinite(line[1]))[-1]
        labels.append(CurveLabel(label, float(line[0][last]), float(line[1][last]), style))
    drawn = np.concatenate([[100.0], *(line[1][np.isfinite(line[1])] for line, _ in ratios.values())])
    if drawn.max() > _LINEAR_TO:
        log_axis(axes, "y", drawn.tolist(), margin=1.1)
    else:
        axes.set_ylim(min(axes.get_ylim()[0], 95.0), max(axes.get_ylim()[1], 105.0))
    axes.margins(x=0.02)
    right = axes.get_xlim()[1]
    axes.set_xlim(axes.get_xlim())
    return [*labels, CurveLabel(anchor, right, 100.0, styles[anchor])]


def _ratios(data: ReportData, measure: Measure) -> _Ratios:
    """For each curve but the anchor's: a dense line, and its operating points, as quality and percent."""
    curves = data.curves_in(measure)
    anchor = curves.get(data.anchor or "")
    if anchor is None:
        return {}
    result = {}
    for label, curve in {**data.published.get(measure.name, {}), **curves}.items():
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
