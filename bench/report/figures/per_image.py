"""BD-rate of every image, which shows whether a codec wins everywhere or only on average."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.plotting.canvas import Canvas, note, short, title
from bench.plotting.series_style import SeriesStyle
from bench.rd import DetailedBd
from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.figures import ReportFigure
from bench.report.figures._rows import FRAME, PITCH, mark_zero, name_rows, ranked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW = 1.25
"""Rows are this much higher than those of bars."""
_GOLDEN = 0.6180339887498949


class ImageStrips(ReportFigure):
    """One strip for each configuration, one dot for each image that has a BD-rate."""

    name = "bd_rate_per_image"
    title = "BD-rate of every image against the anchor"
    chapter = Chapter.COMPARISONS

    def draw(self, data: ReportData, canvas: Canvas) -> Figure | None:
        metrics = [it for it in data.headline if any(bd.per_image.n for bd in data.bd.get(it, {}).values())]
        labels = [it for it in ranked(data, metrics, published=False) if it != data.anchor]
        if not labels:
            return None
        figure, panels = canvas.figure(len(metrics), FRAME + _ROW * PITCH * len(labels), share_y=True)
        for axes, metric in zip(panels, metrics, strict=True):
            for row, label in enumerate(labels):
                if label in data.bd[metric]:
                    _strip(axes, row, data.bd[metric][label], data.styles[label])
            name_rows(axes, {it: data.styles[it] for it in labels}, canvas, len(metrics))
            mark_zero(axes)
            title(axes, _title(data, metric), canvas.columns(len(metrics)))
            axes.set_xlabel("BD-rate (%)")
        anchor = short(figure, data.anchor or "")
        note(
            figure,
            f"{short(figure, data.dataset)}: BD-rate of single images against {anchor}, negative = fewer"
            " bits at equal quality. Black bar: their mean in log-rate.",
        )
        return figure


def _title(data: ReportData, metric: str) -> str:
    bds = data.bd[metric].values()
    defined, total = min(it.per_image.n for it in bds), max(it.n_images for it in bds)
    count = f"{total}" if defined == total else f"{defined}–{total}"
    return f"{data.measure(metric).title}, {count} images"


def _strip(axes: Axes, row: int, bd: DetailedBd, style: SeriesStyle) -> None:
    values = np.array([np.nan if it.value is None else it.value for it in bd.images])
    # An image keeps its height in all strips, so that one can follow it; the golden ratio spreads neighbours.
    height = row + 0.62 * ((np.arange(1, len(values) + 1) * _GOLDEN) % 1 - 0.5)
    axes.plot(
        values,
        height,
        linestyle="none",
        marker="o",
        markersize=2.8 if len(values) < 60 else 1.8,
        markerfacecolor=style.colour,
        markeredgewidth=0.0,
        alpha=0.6,
    )
    if (mean := bd.per_image.value) is not None:
        axes.plot((mean, mean), (row - 0.38, row + 0.38), color="#222222", linewidth=1.2, zorder=3)
