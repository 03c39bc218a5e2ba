"""Rate over the anchor's rate at equal quality: where along the quality range a codec gains."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from bench.plotting.canvas import Sheet, lay_out, marks, note, short, stroke, title
from bench.plotting.curve_labels import End, label_ends, needed_height
from bench.plotting.series_style import Look
from bench.rd import Curve, from_db, rates_at
from bench.rd.curve import Array
from bench.report.board import Board
from bench.report.figures.scales import MetricAxis, headline, log_axis, quality_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_Line: TypeAlias = tuple[Array, Array]
_Ratios: TypeAlias = dict[str, tuple[_Line, _Line]]
_STEPS = 48
_LINEAR_TO = 250.0
"""Percent; a plot that goes higher is logarithmic."""
_HEIGHT, _FRAME = 2.4, 0.7


def relative_rate(board: Board, sheet: Sheet) -> Figure | None:
    """One panel for each headline metric; None where nothing overlaps with the anchor."""
    drawn = [(metric, _ratios(board, metric)) for metric in headline(board)]
    drawn = [(metric, ratios) for metric, ratios in drawn if ratios]
    if not drawn:
        return None
    tallest = max(needed_height(len(ratios) + 1) for _, ratios in drawn)
    figure, panels = sheet.figure(len(drawn), max(_HEIGHT, tallest + _FRAME))
    look_of = board.looks
    anchor = board.anchor or ""
    ends = []
    for axes, (metric, ratios) in zip(panels, drawn, strict=True):
        ends.append(_draw(axes, ratios, look_of, anchor))
        quality_axis(axes, "x", metric)
        axes.set_ylabel("rate relative to the anchor (%)")
        text = f"{board.dataset}, {len(board.images[metric.name])} images"
        title(axes, text, sheet.columns(len(drawn)))
    name = short(figure, anchor)
    note(
        figure,
        f"Rate at equal quality on the mean curves, {name} = 100%; interpolated (PCHIP) inside the"
        " measured ranges. Markers: operating points.",
    )
    lay_out(figure)
    for axes, its_ends in zip(panels, ends, strict=True):
        label_ends(axes, its_ends, sheet.label_points(len(drawn)))
    return figure


def _draw(axes: Axes, ratios: _Ratios, look_of: dict[str, Look], anchor: str) -> list[End]:
    ends = []
    axes.axhline(100.0, color=look_of[anchor].colour, linewidth=look_of[anchor].width)
    for label, (line, points) in ratios.items():
        look = look_of[label]
        axes.plot(*line, **stroke(look))
        axes.plot(*points, **marks(look, 3.0))
        last = np.flatnonzero(np.isfinite(line[1]))[-1]
        ends.append(End(label, float(line[0][last]), float(line[1][last]), look))
    drawn = np.concatenate([[100.0], *(line[1][np.isfinite(line[1])] for line, _ in ratios.values())])
    if drawn.max() > _LINEAR_TO:
        log_axis(axes, "y", drawn.tolist(), margin=1.1)
    else:
        axes.set_ylim(min(axes.get_ylim()[0], 95.0), max(axes.get_ylim()[1], 105.0))
    axes.margins(x=0.02)
    right = axes.get_xlim()[1]
    axes.set_xlim(axes.get_xlim())
    return [*ends, End(anchor, right, 100.0, look_of[anchor])]


def _ratios(board: Board, metric: MetricAxis) -> _Ratios:
    """For each curve but the anchor's: a dense line, and its operating points, as quality and percent."""
    curves = board.curves.get(metric.name, {})
    anchor = curves.get(board.anchor or "")
    if anchor is None:
        return {}
    result = {}
    for label, curve in {**board.published.get(metric.name, {}), **curves}.items():
        rate, quality = metric.values(curve)
        if label == board.anchor or len(rate) < 2:
            continue
        axis = np.unique(np.concatenate([np.linspace(quality.min(), quality.max(), _STEPS), quality]))
        line, points = (_ratio(anchor, curve, metric, it) for it in (axis, quality))
        if np.isfinite(line).sum() > 1:
            result[label] = ((axis, line), (quality, points))
    return result


def _ratio(anchor: Curve, curve: Curve, metric: MetricAxis, quality: Array) -> Array:
    values = from_db(quality) if metric.decibel else quality
    ours, theirs = (np.array(rates_at(it, values), dtype=float) for it in (curve, anchor))
    return np.asarray(100.0 * ours / theirs)
