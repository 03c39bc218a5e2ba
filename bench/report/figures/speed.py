"""Speed against what it costs: BD-rate for lossy configurations, bits per pixel for lossless ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bench.plotting.canvas import Canvas, lay_out, note, pale_note, short
from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.figures import ReportFigure
from bench.report.figures._scatter import ScatterPoint, draw_points, name_points
from bench.report.figures._speeds import Cost, bd_rate_costs, margin_around, timed_alike, timing_note

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HEIGHT = 2.9
_SIDES: tuple[Literal["encode", "decode"], ...] = ("encode", "decode")


@dataclass(frozen=True)
class Speed(ReportFigure):
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

    def draw(self, data: ReportData, canvas: Canvas) -> Figure | None:
        if not any(it.per_image.value is not None for it in data.bd.get(self.metric, {}).values()):
            return None
        return _draw(
            data,
            _Scatter(
                costs=bd_rate_costs(data, self.metric),
                cost_title=f"BD-rate in {data.measure(self.metric).title} (%)",
                unit="MP/s",
                text="BD-rate against {anchor} image by image, bars: 95% interval.",
            ),
            canvas,
        )


class LosslessSpeed(ReportFigure):
    """An encode and a decode panel in raw megabytes per second, where there are lossless configurations."""

    name = "lossless"
    title = "Rate against speed of lossless coding"
    chapter = Chapter.LOSSLESS

    def draw(self, data: ReportData, canvas: Canvas) -> Figure | None:
        rates = {it.label: data.lossless_bpp.get(it.label) for it in data.lossless}
        costs = {label: Cost(its[data.average]) for label, its in rates.items() if its is not None}
        if not costs:
            return None
        scatter = _Scatter(costs, "bits per pixel", "MB/s", "lossless coding, MB of raw samples.")
        return _draw(data, scatter, canvas)


@dataclass(frozen=True)
class _Scatter:
    """What the vertical axis shows, and in which unit speed is."""

    costs: Mapping[str, Cost]
    cost_title: str
    unit: Literal["MP/s", "MB/s"]
    text: str


def _draw(data: ReportData, scatter: _Scatter, canvas: Canvas) -> Figure | None:
    drawn = [(side, points) for side in _SIDES if (points := _points(data, scatter, side))]
    if not drawn:
        return None
    figure, panels = canvas.figure(len(drawn), _HEIGHT, share_y=True)
    limits = margin_around([it.interval or (it.y,) for _, points in drawn for it in points])
    for index, (axes, (side, points)) in enumerate(zip(panels, drawn, strict=True)):
        draw_points(axes, points)
        axes.set_ylim(limits)
        axes.set_xlabel(f"{side} speed ({scatter.unit}), faster →")
        if index % canvas.columns(len(drawn)) == 0:
            axes.set_ylabel(f"{scatter.cost_title}, ← better")
    shown = {it.label for _, points in drawn for it in points}
    text = scatter.text.format(anchor=short(figure, data.anchor or ""))
    pale = pale_note("markers") if any(scatter.costs[it].partial for it in shown) else ""
    where = short(figure, data.dataset)
    timing = timing_note(data, shown, scatter.costs)
    note(figure, f"{where}: {text} Grey: Pareto front.{pale} One thread. {timing}")
    lay_out(figure)
    for axes, (_, points) in zip(panels, drawn, strict=True):
        name_points(axes, points, canvas.label_points(len(drawn)))
    return figure


def _points(data: ReportData, scatter: _Scatter, side: Literal["encode", "decode"]) -> list[ScatterPoint]:
    speeds = {
        it.label: (it.encode_mps, it.decode_mps) if scatter.unit == "MP/s" else (it.encode_mbs, it.decode_mbs)
        for it in data.entries
    }
    which = _SIDES.index(side)
    alike = timed_alike(data, scatter.costs)
    return [
        ScatterPoint(label, speed, cost.value, data.styles[label], cost.interval, not cost.partial)
        for label, cost in scatter.costs.items()
        if label in alike and (speed := speeds[label][which]) is not None and speed > 0
    ]
