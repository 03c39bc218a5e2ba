"""The distortion–perception plane: every codec at a matched rate (Blau and Michaeli, CVPR 2018)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.plotting.canvas import Canvas, lay_out, note, short, title
from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.figures import ReportFigure
from bench.report.figures._axes import quality_axis
from bench.report.figures._scatter import Directions, ScatterPoint, draw_points, name_points
from bench.report.measures import Measure
from bench.report.planes import Plane

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT = 2.7
_MARGIN = 0.14


class PerceptionPlanes(ReportFigure):
    """A panel for each plane."""

    name = "perception"
    title = "Distortion and perception at matched rates"
    chapter = Chapter.PERCEPTION

    def draw(self, data: ReportData, canvas: Canvas) -> Figure | None:
        if not data.planes:
            return None
        count = len(data.planes)
        figure, panels = canvas.figure(count, _HEIGHT)
        every = [_points(data, it) for it in data.planes]
        for axes, plane, points in zip(panels, data.planes, every, strict=True):
            draw_points(axes, points, _directions(plane))
            _frame(axes, points)
            title(axes, f"{plane.rate:g} bpp", canvas.columns(count))
            quality_axis(axes, "x", plane.distortion)
            quality_axis(axes, "y", plane.perception)
            axes.set_xlabel(_titled(plane.distortion))
            axes.set_ylabel(_titled(plane.perception))
        note(
            figure,
            f"{short(figure, data.dataset)}: values at a matched rate, interpolated (PCHIP) inside the"
            " measured ranges; a codec that does not reach a rate is not in its panel. Grey: those that no"
            " other one beats in both.",
        )
        lay_out(figure)
        for axes, plane, points in zip(panels, data.planes, every, strict=True):
            name_points(axes, points, canvas.label_points(count), _directions(plane))
        return figure


def _points(data: ReportData, plane: Plane) -> list[ScatterPoint]:
    return [ScatterPoint(label, *place, data.styles[label]) for label, place in plane.points.items()]


def _directions(plane: Plane) -> Directions:
    return Directions(plane.distortion.higher_is_better, plane.perception.higher_is_better, log_x=False)


def _frame(axes: Axes, points: list[ScatterPoint]) -> None:
    """Room around the points for their names."""
    for limits, values in (
        (axes.set_xlim, [it.x for it in points]),
        (axes.set_ylim, [it.y for it in points]),
    ):
        room = _MARGIN * (max(values) - min(values)) or 0.05 * abs(values[0]) or 1.0
        limits(min(values) - room, max(values) + room)


def _titled(measure: Measure) -> str:
    unit = f" ({measure.unit})" if measure.unit else ""
    return f"{measure.title}{unit}, " + ("better →" if measure.higher_is_better else "← better")
