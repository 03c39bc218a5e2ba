"""The distortion–perception plane: every codec at a matched rate (Blau and Michaeli, CVPR 2018)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.plotting.canvas import Sheet, lay_out, note, short, title
from bench.report.board import Board
from bench.report.figures.scales import axis_of, quality_axis
from bench.report.figures.scatter import Aims, Spot, draw_spots, name_spots
from bench.report.perception import Measure, Plane, planes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT = 2.7
_MARGIN = 0.14


def perception(board: Board, sheet: Sheet) -> Figure | None:
    """A panel for each plane; None without a distortion and a perceptual metric, or a rate that two reach."""
    drawn = planes(board)
    if not drawn:
        return None
    figure, panels = sheet.figure(len(drawn), _HEIGHT)
    look_of = board.looks
    every = [
        [Spot(label, *place, look_of[label]) for label, place in plane.points.items()] for plane in drawn
    ]
    for axes, plane, spots in zip(panels, drawn, every, strict=True):
        draw_spots(axes, spots, _aims(plane))
        _frame(axes, spots)
        title(axes, f"{plane.rate:g} bpp", sheet.columns(len(drawn)))
        quality_axis(axes, "x", axis_of(plane.distortion))
        quality_axis(axes, "y", axis_of(plane.perception))
        axes.set_xlabel(_titled(plane.distortion))
        axes.set_ylabel(_titled(plane.perception))
    note(
        figure,
        f"{short(figure, board.dataset)}: values at a matched rate, interpolated (PCHIP) inside the measured"
        " ranges; a codec that does not reach a rate is not in its panel. Grey: those that no other one beats"
        " in both.",
    )
    lay_out(figure)
    for axes, plane, spots in zip(panels, drawn, every, strict=True):
        name_spots(axes, spots, sheet.label_points(len(drawn)), _aims(plane))
    return figure


def _aims(plane: Plane) -> Aims:
    return Aims(plane.distortion.higher_is_better, plane.perception.higher_is_better, log_x=False)


def _frame(axes: Axes, spots: list[Spot]) -> None:
    """Room around the spots for their names."""
    for limits, values in (
        (axes.set_xlim, [it.x for it in spots]),
        (axes.set_ylim, [it.y for it in spots]),
    ):
        room = _MARGIN * (max(values) - min(values)) or 0.05 * abs(values[0]) or 1.0
        limits(min(values) - room, max(values) + room)


def _titled(measure: Measure) -> str:
    axis = axis_of(measure)
    unit = f" ({axis.shown_unit})" if axis.shown_unit else ""
    return f"{axis.short}{unit}, " + ("better →" if measure.higher_is_better else "← better")
