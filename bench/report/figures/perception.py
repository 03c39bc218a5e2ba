"""The distortion–perception plane: every codec at a matched rate (Blau and Michaeli, CVPR 2018)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self

from bench.plotting.series_style import SeriesStyle
from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.figure_description import FigureDescription
from bench.report.figures import DescribedFigure
from bench.report.figures._axes import quality_axis
from bench.report.figures._scatter import Directions, ScatterPoint, draw_points, name_points
from bench.report.measures import Measure
from bench.report.panels import NameIt, Panel, chosen, datasets_in
from bench.report.planes import PLANE_RATES, Plane, planes_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT = 2.7
_MARGIN = 0.14


@dataclass(frozen=True)
class PlanePanel(Panel):
    """The codecs of one data set at one rate."""

    plane: Plane
    points: Sequence[ScatterPoint]

    kind = "perception"

    @classmethod
    def of(cls, data: Sequence[ReportData], what: FigureDescription) -> Sequence[Self]:
        made = []
        for its in data:
            planes = its.planes
            if what.rates or what.metric:
                curves = {**its.curves, **its.set_curves}
                planes = planes_of(its.measures, curves, what.rates or PLANE_RATES, what.metric)
            for plane in planes:
                points = [
                    ScatterPoint(label, *plane.points[label], its.styles[label])
                    for label in chosen(plane.points, what)
                ]
                if points:
                    made.append(cls(its, what, plane.perception.name, plane, points))
        return made

    @property
    def styles(self) -> Mapping[str, SeriesStyle]:
        return {it.label: it.style for it in self.points}

    @property
    def title(self) -> str:
        return (f"{self.data.dataset}, " if self.of_several else "") + f"{self.plane.rate:g} bpp"

    def height(self, *, alone: bool) -> float:
        return _HEIGHT

    def draw(self, axes: Axes, room: float) -> NameIt:
        what, plane, directions = self.what, self.plane, _directions(self.plane)
        draw_points(axes, self.points, directions)
        axes.set_xlim(what.x_limits(self.metric) or _range([it.x for it in self.points]))
        axes.set_ylim(what.y_limits(self.metric) or _range([it.y for it in self.points]))
        quality_axis(axes, "x", plane.distortion)
        quality_axis(axes, "y", plane.perception)
        axes.set_xlabel(_titled(plane.distortion))
        axes.set_ylabel(_titled(plane.perception))
        return partial(name_points, axes, self.points, room, directions)

    @classmethod
    def note(cls, panels: Sequence[Self], figure: Figure) -> str:
        return (
            f"{datasets_in(panels, figure)}: values at a matched rate, interpolated (PCHIP) inside the"
            " measured ranges; a codec that does not reach a rate is not in its panel. Grey: those that no"
            " other one beats in both."
        )


class PerceptionPlanes(DescribedFigure):
    """A panel for each plane."""

    name = "perception"
    title = "Distortion and perception at matched rates"
    chapter = Chapter.PERCEPTION
    description = FigureDescription(kind="perception")


def _directions(plane: Plane) -> Directions:
    return Directions(plane.distortion.higher_is_better, plane.perception.higher_is_better, log_x=False)


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Around the points, with room for their names."""
    room = _MARGIN * (max(values) - min(values)) or 0.05 * abs(values[0]) or 1.0
    return min(values) - room, max(values) + room


def _titled(measure: Measure) -> str:
    unit = f" ({measure.unit})" if measure.unit else ""
    return f"{measure.title}{unit}, " + ("better →" if measure.higher_is_better else "← better")
