"""RD curves: what was measured, and thinner what others published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.plotting.canvas import Canvas, lay_out, marks, note, stroke, title
from bench.plotting.curve_labels import CurveLabel, label_curves, needed_height
from bench.plotting.series_style import SeriesStyle
from bench.rd import Curve
from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.figures import ReportFigure
from bench.report.figures._axes import quality_axis, rate_axis, values_of
from bench.report.measures import Measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT, _ALONE, _FRAME = 2.6, 3.6, 0.6


class HeadlineCurves(ReportFigure):
    """The metrics of the ranking, a panel each."""

    name = "rd"
    title = "RD curves in the metrics of the ranking"
    chapter = Chapter.RANKING

    def draw(self, data: ReportData, canvas: Canvas) -> Figure | None:
        return _draw(data, [data.measure(it) for it in data.headline], canvas)


@dataclass(frozen=True)
class MetricCurves(ReportFigure):
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

    def draw(self, data: ReportData, canvas: Canvas) -> Figure | None:
        measure = data.measure(self.metric)
        return _draw(data, [measure if self.decibel else measure.as_stored()], canvas)


@dataclass(frozen=True)
class SetMetricCurves(ReportFigure):
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

    def draw(self, data: ReportData, canvas: Canvas) -> Figure | None:
        return _draw(data, [data.measure(self.metric)], canvas)


def draw_curves(
    axes: Axes,
    measure: Measure,
    curves: Mapping[str, Curve],
    styles: Mapping[str, SeriesStyle],
    canvas: Canvas,
) -> list[CurveLabel]:
    """Draw curves into one panel and set its axes.

    Parameters
    ----------
    curves, styles : by label
    canvas : says which kind the rate axis is

    Returns
    -------
    list of CurveLabel
        What :func:`~bench.plotting.curve_labels.label_curves` writes beside the panel, once it is laid out.
    """
    labels, rates = [], []
    for label, curve in curves.items():
        rate, quality = values_of(measure, curve)
        style = styles[label]
        axes.plot(rate, quality, **stroke(style), **_marks_on_line(style), label=label)
        last = int(np.argmax(rate))
        labels.append(CurveLabel(label, float(rate[last]), float(quality[last]), style))
        rates.append(rate)
    rate_axis(axes, np.concatenate(rates), canvas.rate)
    quality_axis(axes, "y", measure)
    axes.set_ylim(axes.get_ylim())
    return labels


def _draw(data: ReportData, measures: Sequence[Measure], canvas: Canvas) -> Figure | None:
    """One panel for each measure that has curves; None where there is none."""
    drawn = [(measure, curves) for measure in measures if (curves := _curves(data, measure))]
    if not drawn:
        return None
    tallest = max(needed_height(len(curves)) for _, curves in drawn)
    height = _ALONE if len(drawn) == 1 and canvas.width == "double" else _HEIGHT
    figure, panels = canvas.figure(len(drawn), max(height, tallest + _FRAME))
    labels = []
    for axes, (measure, curves) in zip(panels, drawn, strict=True):
        labels.append(draw_curves(axes, measure, curves, data.styles, canvas))
        title(axes, f"{data.dataset}, {_images(data, measure)}", canvas.columns(len(drawn)))
    lay_out(figure)
    for axes, its_labels in zip(panels, labels, strict=True):
        label_curves(axes, its_labels, canvas.label_points(len(drawn)))
    foreign = {it.provenance for _, curves in drawn for it in curves.values()} - {"measured"}
    if foreign:
        note(
            figure,
            f"Thin grey lines with hollow markers: {' and '.join(sorted(foreign))}, not measured here.",
        )
    return figure


def _curves(data: ReportData, measure: Measure) -> dict[str, Curve]:
    every = {**data.published.get(measure.name, {}), **data.curves_in(measure)}
    return {label: curve for label, curve in every.items() if len(values_of(measure, curve)[0])}


def _images(data: ReportData, measure: Measure) -> str:
    count = data.images_behind(measure)
    return f"{'' if measure.of_sets else 'mean of '}{count} images" if count != 1 else "1 image"


def _marks_on_line(style: SeriesStyle) -> dict[str, Any]:
    return {key: value for key, value in marks(style, 3.0).items() if key != "linestyle"}
