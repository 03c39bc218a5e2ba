"""Speed against what it costs: BD-rate for lossy configurations, bits per pixel for lossless ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, Self, get_args

from bench.plotting.canvas import Canvas, lay_out, note, pale_note, short
from bench.plotting.series_style import SeriesStyle
from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.figure_description import FigureDescription, Side
from bench.report.figures import DescribedFigure, ReportFigure
from bench.report.figures._scatter import Directions, ScatterPoint, draw_points, name_points
from bench.report.figures._speeds import (
    Cost,
    bd_rate_costs,
    margin_around,
    threads_note,
    timed_alike,
    timing_note,
)
from bench.report.panels import NameIt, Panel, anchors_in, chosen, datasets_in, measures_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT = 2.9


@dataclass(frozen=True)
class ParetoPanel(Panel):
    """BD-rates in one metric against the speed of one side, in megapixels per second."""

    side: Side
    points: Sequence[ScatterPoint]
    limits: tuple[float, float]
    """Of the BD-rates, the same for both sides."""
    labels: frozenset[str]
    """Of those too that have no place, since another machine timed them."""

    kind = "pareto"
    share_y = True

    @classmethod
    def of(cls, data: Sequence[ReportData], what: FigureDescription) -> Sequence[Self]:
        return [
            panel
            for its in data
            for measure in measures_for(its, what)
            for panel in cls._of_metric(its, what, measure.name)
        ]

    @classmethod
    def _of_metric(cls, data: ReportData, what: FigureDescription, metric: str) -> Iterator[Self]:
        if not any(it.per_image.value is not None for it in data.bd.get(metric, {}).values()):
            return
        costs = bd_rate_costs(data, metric)
        costs = {label: costs[label] for label in chosen(costs, what)}
        drawn = [(side, found) for side in what.speed if (found := _points(data, costs, side, "MP/s"))]
        if drawn:
            limits = _limits([points for _, points in drawn])
            for side, points in drawn:
                yield cls(data, what, metric, side, points, limits, frozenset(costs))

    @property
    def styles(self) -> Mapping[str, SeriesStyle]:
        return {it.label: it.style for it in self.points}

    def height(self, *, alone: bool) -> float:
        return _HEIGHT

    def draw(self, axes: Axes, room: float) -> NameIt:
        directions = Directions(log_x=self.what.scale == "log")
        draw_points(axes, self.points, directions, self.what.x_limits(self.metric))
        axes.set_ylim(self.what.y_limits(self.metric) or self.limits)
        axes.set_xlabel(f"{self.side} speed (MP/s), faster →")
        axes.set_ylabel(f"BD-rate in {self.data.measure(self.metric).title} (%), ← better")
        return partial(name_points, axes, self.points, room, directions)

    @property
    def title(self) -> str:
        return self.data.dataset if self.of_several else ""

    @classmethod
    def note(cls, panels: Sequence[Self], figure: Figure) -> str:
        pale = any(not point.ranked for panel in panels for point in panel.points)
        timing = dict.fromkeys(timing_note(it.data, {*it.styles}, it.labels) for it in _widest(panels))
        return (
            f"{datasets_in(panels, figure)}: BD-rate against {anchors_in(panels, figure)} image by image,"
            f" bars: 95% interval. Grey: Pareto front.{pale_note('markers') if pale else ''}"
            f" {threads_note(it.data for it in panels)} {' '.join(timing)}"
        )


@dataclass(frozen=True)
class Speed(DescribedFigure):
    """An encode and a decode panel in megapixels per second, where there are times and an anchor."""

    title = "BD-rate against speed"
    chapter = Chapter.SPEED

    metric: str

    @property
    def name(self) -> str:
        return f"speed_{self.metric}"

    @classmethod
    def of(cls, data: ReportData) -> Iterator[Speed]:
        return map(cls, data.headline)

    @property
    def description(self) -> FigureDescription:
        return FigureDescription(kind="pareto", metric=(self.metric,))


class LosslessSpeed(ReportFigure):
    """An encode and a decode panel in raw megabytes per second, where there are lossless configurations."""

    name = "lossless"
    title = "Rate against speed of lossless coding"
    chapter = Chapter.LOSSLESS

    def draw(self, data: ReportData, canvas: Canvas) -> Figure | None:
        rates = {it.label: data.lossless_bpp.get(it.label) for it in data.lossless}
        costs = {label: Cost(its[data.average]) for label, its in rates.items() if its is not None}
        drawn = [(side, points) for side in get_args(Side) if (points := _points(data, costs, side, "MB/s"))]
        if not drawn:
            return None
        figure, panels = canvas.figure(len(drawn), _HEIGHT, share_y=True)
        limits = _limits([points for _, points in drawn])
        for index, (axes, (side, points)) in enumerate(zip(panels, drawn, strict=True)):
            draw_points(axes, points)
            axes.set_ylim(limits)
            axes.set_xlabel(f"{side} speed (MB/s), faster →")
            if index % canvas.columns(len(drawn)) == 0:
                axes.set_ylabel("bits per pixel, ← better")
        shown = {it.label for _, points in drawn for it in points}
        note(
            figure,
            f"{short(figure, data.dataset)}: lossless coding, MB of raw samples. Grey: Pareto front."
            f" {threads_note([data])} {timing_note(data, shown, costs)}",
        )
        lay_out(figure)
        for axes, (_, points) in zip(panels, drawn, strict=True):
            name_points(axes, points, canvas.label_points(len(drawn)))
        return figure


def _widest(panels: Sequence[ParetoPanel]) -> Iterator[ParetoPanel]:
    """Of each data set the panel with the most points."""
    for name in dict.fromkeys(it.data.dataset for it in panels):
        yield max((it for it in panels if it.data.dataset == name), key=lambda it: len(it.points))


def _limits(drawn: Sequence[Sequence[ScatterPoint]]) -> tuple[float, float]:
    return margin_around([it.interval or (it.y,) for points in drawn for it in points])


def _points(
    data: ReportData, costs: Mapping[str, Cost], side: Side, unit: Literal["MP/s", "MB/s"]
) -> list[ScatterPoint]:
    speeds = {
        it.label: (it.encode_mps, it.decode_mps) if unit == "MP/s" else (it.encode_mbs, it.decode_mbs)
        for it in data.entries
    }
    which = get_args(Side).index(side)
    alike = timed_alike(data, costs)
    return [
        ScatterPoint(label, speed, cost.value, data.styles[label], cost.interval, not cost.partial)
        for label, cost in costs.items()
        if label in alike and (speed := speeds[label][which]) is not None and speed > 0
    ]
