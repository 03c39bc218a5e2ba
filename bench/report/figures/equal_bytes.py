"""Two decoders of one bitstream: every metric of both, at the very same rates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.plotting.canvas import Canvas, lay_out, marks, note, short, stroke, title
from bench.plotting.curve_labels import CurveLabel, label_curves
from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.decoder_pairs import DecoderPair, MetricDifference, numbered
from bench.report.figures import ReportFigure
from bench.report.figures._axes import quality_axis, rate_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT = 1.75


@dataclass(frozen=True)
class EqualBytesPanels(ReportFigure):
    """A panel for each measure, the two decoders' points joined where they share their bytes."""

    title = "Two decoders of the same bytes, in every metric"
    chapter = Chapter.DECODER_PAIRS

    pair: int = 0
    """Which of the data's decoder pairs."""

    @property
    def name(self) -> str:
        return numbered("equal_bytes", self.pair)

    @classmethod
    def of(cls, data: ReportData) -> Iterator[EqualBytesPanels]:
        return map(cls, range(len(data.decoder_pairs)))

    def draw(self, data: ReportData, canvas: Canvas) -> Figure | None:
        pair = data.decoder_pairs[self.pair]
        by_measure: dict[str, list[MetricDifference]] = {}
        for difference in pair.differences:
            by_measure.setdefault(difference.measure.name, []).append(difference)
        if not by_measure:
            return None
        count = len(by_measure)
        figure, panels = canvas.figure(count, _HEIGHT)
        labels = []
        for axes, differences in zip(panels, by_measure.values(), strict=True):
            labels.append(_draw(axes, data, pair, differences, canvas))
            # The panels are too low for the name to stand beside the axis.
            axes.set_ylabel("")
            title(axes, differences[0].measure.axis_title, canvas.columns(count))
        images = {it.images for it in pair.differences}
        note(
            figure,
            f"{short(figure, data.dataset)}, mean of {min(images)} images: {short(figure, pair.first)} and"
            f" {short(figure, pair.second)} have identical bitstreams at these points; upright lines join"
            " them.",
        )
        lay_out(figure)
        for axes, its_labels in zip(panels, labels, strict=True):
            label_curves(axes, its_labels, canvas.label_points(count))
        return figure


def _draw(
    axes: Axes, data: ReportData, pair: DecoderPair, differences: list[MetricDifference], canvas: Canvas
) -> list[CurveLabel]:
    rates = [it.bpp for it in differences]
    for difference in differences:
        axes.plot(
            (difference.bpp, difference.bpp),
            (difference.first, difference.second),
            color="#999999",
            linewidth=0.7,
            zorder=1.5,
        )
    labels = []
    of_first, of_second = ([it.first for it in differences], [it.second for it in differences])
    for label, values in ((pair.first, of_first), (pair.second, of_second)):
        style = data.styles[label]
        axes.plot(rates, values, **stroke(style))
        axes.plot(rates, values, **marks(style, 3.4), zorder=3)
        labels.append(CurveLabel(style.name, rates[-1], values[-1], style))
    rate_axis(axes, np.asarray(rates), canvas.rate)
    quality_axis(axes, "y", differences[0].measure)
    axes.margins(y=0.12)
    axes.set_ylim(axes.get_ylim())
    return labels
