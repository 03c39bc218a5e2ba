"""BD-rate against what a learned codec costs: multiply–accumulates per pixel, and time as for the others."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.plotting.canvas import Canvas, lay_out, note, pale_note, short
from bench.plotting.curve_labels import CurveLabel, label_curves
from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.figures import ReportFigure
from bench.report.figures._scatter import Directions, ScatterPoint, draw_points, name_points
from bench.report.figures._speeds import (
    Cost,
    bd_rate_costs,
    margin_around,
    threads_note,
    timed_alike,
    timing_note,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT = 2.5
_DIRECTIONS = Directions(more_x=False)


@dataclass(frozen=True)
class Complexity(ReportFigure):
    """Two panels in kMAC/px and two in seconds per megapixel, where a codec tells its kMAC/px.

    In the first two, configurations that tell none (the classical ones) are lines at their BD-rate.
    """

    title = "BD-rate against operations and time"
    chapter = Chapter.SPEED
    order = 1

    metric: str

    @property
    def name(self) -> str:
        return f"complexity_{self.metric}"

    @classmethod
    def of(cls, data: ReportData) -> Iterator[Complexity]:
        return map(cls, data.headline)

    def draw(self, data: ReportData, canvas: Canvas) -> Figure | None:
        costs = bd_rate_costs(data, self.metric)
        operations = [it for side in ("decoder", "encoder") if (it := _by_macs(data, costs, side)).points]
        if not operations:
            return None
        drawn = [*operations, *(it for it in _by_time(data, costs) if it.points)]
        figure, panels = canvas.figure(len(drawn), _HEIGHT)
        limits = margin_around([(it.value, *(it.interval or ())) for it in costs.values()])
        labels = []
        for index, (axes, panel) in enumerate(zip(panels, drawn, strict=True)):
            draw_points(axes, panel.points, _DIRECTIONS)
            axes.set_ylim(limits)
            axes.set_xlabel(f"{panel.title}, ← less")
            if index % canvas.columns(len(drawn)) == 0:
                axes.set_ylabel(f"BD-rate in {data.measure(self.metric).title} (%), ← better")
            labels.append(_draw_references(axes, data, panel.references))
        note(figure, _words(data, drawn, figure, costs))
        lay_out(figure)
        room = canvas.label_points(len(drawn))
        for axes, its_labels in zip(panels, labels, strict=True):
            label_curves(axes, its_labels, room)
        lay_out(figure)
        for axes, panel in zip(panels, drawn, strict=True):
            name_points(axes, panel.points, room, _DIRECTIONS)
        return figure


@dataclass(frozen=True)
class _Panel:
    title: str
    points: list[ScatterPoint]
    references: Mapping[str, float] = field(default_factory=dict)
    """BD-rates of those that have no place along the horizontal axis, by label."""


def _by_macs(data: ReportData, costs: Mapping[str, Cost], side: str) -> _Panel:
    told = {it.label: it.complexity.get(f"{side}_kmac_per_pixel", 0.0) for it in data.lossy}
    references = {
        label: costs[label].value for label, macs in told.items() if label in costs and not macs > 0
    }
    return _Panel(f"{side} kMAC/px", _points(data, costs, told), references)


def _by_time(data: ReportData, costs: Mapping[str, Cost]) -> Iterator[_Panel]:
    entries = {it.label: it for it in data.lossy}
    alike = timed_alike(data, costs)
    ranked = [entries[it.label] for it in data.ranking if it.label in alike]
    decode = {it.label: 1.0 / it.decode_mps for it in ranked if it.decode_mps}
    encode = {it.label: 1.0 / it.encode_mps for it in ranked if it.encode_mps}
    yield _Panel("decode time (s/MP)", _points(data, costs, decode))
    yield _Panel("encode time (s/MP)", _points(data, costs, encode))


def _points(data: ReportData, costs: Mapping[str, Cost], places: Mapping[str, float]) -> list[ScatterPoint]:
    return [
        ScatterPoint(label, place, cost.value, data.styles[label], cost.interval, not cost.partial)
        for label, place in places.items()
        if (cost := costs.get(label)) is not None and place > 0
    ]


def _draw_references(axes: Axes, data: ReportData, references: Mapping[str, float]) -> list[CurveLabel]:
    right = axes.get_xlim()[1]
    styles = {it: data.styles[it] for it in references}
    for label, value in references.items():
        axes.axhline(value, color=styles[label].colour, linewidth=0.7, alpha=0.55, zorder=1.2)
    return [CurveLabel(styles[it].name, right, value, styles[it]) for it, value in references.items()]


def _words(data: ReportData, drawn: list[_Panel], figure: Figure, labels: Collection[str]) -> str:
    shown = {point.label for panel in drawn for point in panel.points}
    lines = any(panel.references for panel in drawn)
    pale = any(not point.ranked for panel in drawn for point in panel.points)
    return (
        f"{short(figure, data.dataset)}: BD-rate against {short(figure, data.anchor or '')} image by image,"
        " bars: 95% interval. kMAC: thousands of multiply–accumulates."
        + (" Horizontal lines: codecs that have none to count." if lines else "")
        + f" Grey: Pareto front.{pale_note('markers') if pale else ''} {threads_note([data])} "
        + timing_note(data, shown, labels)
    )
