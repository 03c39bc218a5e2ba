"""RD curves: what was measured, and thinner what others published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.plotting.canvas import Sheet, lay_out, marks, note, stroke, title
from bench.plotting.curve_labels import End, label_ends, needed_height
from bench.plotting.series_style import Look
from bench.rd import Curve
from bench.report.board import Board
from bench.report.figures.scales import MetricAxis, quality_axis, rate_axis
from bench.report.perception import curves_by_name, images_behind

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT, _ALONE, _FRAME = 2.6, 3.6, 0.6


def rate_distortion(board: Board, metrics: Sequence[MetricAxis], sheet: Sheet) -> Figure | None:
    """One panel for each metric that has curves; None where there is none."""
    drawn = [(it, _curves(board, it)) for it in metrics]
    drawn = [(metric, curves) for metric, curves in drawn if curves]
    if not drawn:
        return None
    tallest = max(needed_height(len(curves)) for _, curves in drawn)
    height = _ALONE if len(drawn) == 1 and sheet.width == "double" else _HEIGHT
    figure, panels = sheet.figure(len(drawn), max(height, tallest + _FRAME))
    look_of = board.looks
    ends = []
    for axes, (metric, curves) in zip(panels, drawn, strict=True):
        ends.append(_draw(axes, metric, curves, look_of, sheet))
        text = f"{board.dataset}, {_images(images_behind(board, metric.name), metric.name in board.images)}"
        title(axes, text, sheet.columns(len(drawn)))
    lay_out(figure)
    for axes, its_ends in zip(panels, ends, strict=True):
        label_ends(axes, its_ends, sheet.label_points(len(drawn)))
    foreign = {it.provenance for _, curves in drawn for it in curves.values()} - {"measured"}
    if foreign:
        note(
            figure,
            f"Thin grey lines with hollow markers: {' and '.join(sorted(foreign))}, not measured here.",
        )
    return figure


def _curves(board: Board, metric: MetricAxis) -> dict[str, Curve]:
    every = {**board.published.get(metric.name, {}), **curves_by_name(board, metric.name)}
    return {label: curve for label, curve in every.items() if len(metric.values(curve)[0])}


def _images(count: int, averaged: bool) -> str:
    return f"{'mean of ' if averaged else ''}{count} images" if count != 1 else "1 image"


def _draw(
    axes: Axes, metric: MetricAxis, curves: dict[str, Curve], look_of: dict[str, Look], sheet: Sheet
) -> list[End]:
    ends, rates = [], []
    for label, curve in curves.items():
        rate, quality = metric.values(curve)
        look = look_of[label]
        axes.plot(rate, quality, **stroke(look), **_marks_on_line(look), label=label)
        last = int(np.argmax(rate))
        ends.append(End(label, float(rate[last]), float(quality[last]), look))
        rates.append(rate)
    rate_axis(axes, np.concatenate(rates), sheet.rate)
    quality_axis(axes, "y", metric)
    axes.set_ylim(axes.get_ylim())
    return ends


def _marks_on_line(look: Look) -> dict[str, Any]:
    return {key: value for key, value in marks(look, 3.0).items() if key != "linestyle"}
