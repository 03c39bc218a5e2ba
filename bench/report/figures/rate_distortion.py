"""RD curves: what was measured, and thinner what others published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from bench.plotting.canvas import marks, stroke
from bench.plotting.curve_labels import CurveLabel, label_curves, needed_height, visible_end
from bench.plotting.series_style import SeriesStyle
from bench.rd import Curve
from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.figure_description import FieldProblem, FigureDescription, Kind, Pair
from bench.report.figures import DescribedFigure
from bench.report.figures._axes import quality_axis, rate_axis, rate_limits, values_of
from bench.report.measures import Measure
from bench.report.panels import NameIt, Panel, chosen, measures_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT, _ALONE, _FRAME = 2.6, 3.6, 0.6
_MARGIN = 0.05
"""Of the range of qualities, the room at both ends in a grid."""


@dataclass(frozen=True)
class CurvesPanel(Panel):
    """Quality over rate in one metric of one data set."""

    measure: Measure
    curves: Mapping[str, Curve]

    kind: ClassVar[Kind] = "rd"

    @classmethod
    def of(cls, data: Sequence[ReportData], what: FigureDescription) -> Sequence[Self]:
        return [
            cls(its, what, measure.name, measure, curves)
            for its in data
            for measure in measures_for(its, what)
            if (curves := _curves(its, measure, what))
        ]

    @property
    def styles(self) -> Mapping[str, SeriesStyle]:
        return {it: self.data.styles[it] for it in self.curves}

    @property
    def title(self) -> str:
        count = self.data.images_behind(self.measure)
        images = f"{'' if self.measure.of_sets else 'mean of '}{count} images" if count != 1 else "1 image"
        return f"{self.data.dataset}, {images}"

    def height(self, *, alone: bool) -> float:
        names = needed_height(len(self.curves)) + _FRAME if self.has_names else 0.0
        return max(_ALONE if alone else _HEIGHT, names)

    def draw(self, axes: Axes, room: float) -> NameIt:
        what, styles = self.what, self.styles
        lines = {label: values_of(self.measure, it) for label, it in self.curves.items()}
        for label, line in lines.items():
            axes.plot(*line, **stroke(styles[label]), **_marks_on_line(styles[label]), label=label)
        rates = np.concatenate([rate for rate, _ in lines.values()])
        rate_axis(axes, rates, what.scale, what.x_limits(self.metric))
        quality_axis(axes, "y", self.measure)
        axes.set_ylim(what.y_limits(self.metric) or axes.get_ylim())
        labels = [
            CurveLabel(styles[label].name, *end, styles[label])
            for label, line in lines.items()
            if (end := visible_end(axes, *line)) is not None
        ]
        return partial(label_curves, axes, labels, room)

    @classmethod
    def note(cls, panels: Sequence[Self], figure: Figure) -> str:
        every = {it.provenance for panel in panels for it in panel.curves.values()}
        foreign = " and ".join(sorted(every - {"measured"}))
        return f"Thin grey lines with hollow markers: {foreign}, not measured here." if foreign else ""


@dataclass(frozen=True)
class GridPanel(CurvesPanel):
    """The same in a grid: a row for each data set, a column of one scale for each metric."""

    kind = "grid"
    legend = "outside"

    @classmethod
    def of(cls, data: Sequence[ReportData], what: FigureDescription) -> Sequence[Self]:
        panels = super().of(data, what)
        metrics = {it.metric for it in panels}
        for its in data:
            if missing := metrics - {it.metric for it in panels if it.data is its}:
                raise FieldProblem(("kind",), f"a grid is full, and {its.dataset} has no {min(missing)}")
        ranges = _common_ranges(panels)
        described = what.model_copy(update={"xlim": what.xlim or ranges[0], "ylim": what.ylim or ranges[1]})
        return [cls(it.data, described, it.metric, it.measure, it.curves) for it in panels]

    @classmethod
    def side_by_side(cls, panels: Sequence[Self]) -> int:
        return len({it.metric for it in panels})


class HeadlineCurves(DescribedFigure):
    """The metrics of the ranking, a panel each."""

    name = "rd"
    title = "RD curves in the metrics of the ranking"
    chapter = Chapter.RANKING
    description = FigureDescription(kind="rd")


@dataclass(frozen=True)
class MetricCurves(DescribedFigure):
    """One metric of image pairs, for a column of a paper."""

    title = "RD curves in one metric"
    chapter = Chapter.OPERATING_POINTS
    width = "column"

    metric: str
    decibel: bool = False

    @property
    def name(self) -> str:
        return f"rd_{self.metric}_db" if self.decibel else f"rd_{self.metric}"

    @classmethod
    def of(cls, data: ReportData) -> Iterator[MetricCurves]:
        for measure in data.measures:
            if not measure.of_sets:
                yield cls(measure.name)
                if measure.decibel:
                    yield cls(measure.name, decibel=True)

    @property
    def description(self) -> FigureDescription:
        return FigureDescription(kind="rd", metric=(self.metric,), decibels=self.decibel)


@dataclass(frozen=True)
class SetMetricCurves(DescribedFigure):
    """One metric of sets of images, for a column of a paper."""

    title = "Distance between originals and reconstructions as sets, over the rate"
    chapter = Chapter.PERCEPTION
    order = 1
    width = "column"

    metric: str

    @property
    def name(self) -> str:
        return f"rd_{self.metric}"

    @classmethod
    def of(cls, data: ReportData) -> Iterator[SetMetricCurves]:
        return (cls(it.name) for it in data.measures if it.of_sets)

    @property
    def description(self) -> FigureDescription:
        return FigureDescription(kind="rd", metric=(self.metric,))


def _curves(data: ReportData, measure: Measure, what: FigureDescription) -> dict[str, Curve]:
    every = {**data.published.get(measure.name, {}), **data.curves_in(measure)}
    drawable = {label: curve for label, curve in every.items() if len(values_of(measure, curve)[0])}
    return {label: drawable[label] for label in chosen(drawable, what)}


def _common_ranges(panels: Sequence[CurvesPanel]) -> tuple[dict[str, Pair], dict[str, Pair]]:
    """Rates, and qualities with some room, that all panels of a metric need, by metric."""
    rates, qualities = {}, {}
    for metric in {it.metric for it in panels}:
        lines = [
            values_of(it.measure, curve)
            for it in panels
            if it.metric == metric
            for curve in it.curves.values()
        ]
        rate, quality = (np.concatenate(its) for its in zip(*lines, strict=True))
        rates[metric] = rate_limits(rate, panels[0].what.scale)
        room = _MARGIN * float(np.ptp(quality)) or 1.0
        qualities[metric] = (float(quality.min()) - room, float(quality.max()) + room)
    return rates, qualities


def _marks_on_line(style: SeriesStyle) -> dict[str, Any]:
    return {key: value for key, value in marks(style, 3.0).items() if key != "linestyle"}
