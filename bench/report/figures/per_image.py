"""BD-rate of every image, which shows whether a codec wins everywhere or only on average."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from bench.plotting.colours import grey_on
from bench.plotting.series_style import SeriesStyle
from bench.rd import DetailedBd
from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.figure_description import FigureDescription
from bench.report.figures import DescribedFigure
from bench.report.figures._rows import FRAME, PITCH, mark_zero, name_rows, rows_of
from bench.report.panels import Panel, anchors_in, datasets_in, measures_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW = 1.25
"""Rows are this much higher than those of bars."""
_GOLDEN = 0.6180339887498949


@dataclass(frozen=True)
class StripsPanel(Panel):
    """One strip for each configuration, one dot for each image that has a BD-rate in a metric."""

    rows: Sequence[str]

    kind = "per_image"
    share_y = True

    @classmethod
    def of(cls, data: Sequence[ReportData], what: FigureDescription) -> Sequence[Self]:
        metrics = list(dict.fromkeys(it.name for its in data for it in measures_for(its, what)))
        compared = [
            (its, it)
            for its in data
            for it in metrics
            if any(bd.per_image.n for bd in its.bd.get(it, {}).values())
        ]
        used = [it for it in metrics if any(it == metric for _, metric in compared)]
        anchors = {it.anchor for it in data}
        rows = [it for it in rows_of(data, used, what, published=False) if it not in anchors]
        return [cls(its, what, metric, rows) for its, metric in compared] if rows else []

    @property
    def styles(self) -> Mapping[str, SeriesStyle]:
        return {it: self.data.styles[it] for it in self.rows if it in self.data.styles}

    @property
    def title(self) -> str:
        bds = self.data.bd[self.metric].values()
        defined, total = min(it.per_image.n for it in bds), max(it.n_images for it in bds)
        count = f"{total}" if defined == total else f"{defined}–{total}"
        dataset = f"{self.data.dataset}, " if self.of_several else ""
        return f"{dataset}{self.data.measure(self.metric).title}, {count} images"

    def height(self, *, alone: bool) -> float:
        return FRAME + _ROW * PITCH * len(self.rows)

    def draw(self, axes: Axes, room: float) -> None:
        for row, label in enumerate(self.rows):
            if label in self.data.bd[self.metric]:
                _strip(axes, row, self.data.bd[self.metric][label], self.data.styles[label])
        name_rows(axes, self.styles, room)
        mark_zero(axes)
        axes.set_xlabel("BD-rate (%)")
        if (limits := self.what.x_limits(self.metric)) is not None:
            axes.set_xlim(limits)

    @classmethod
    def note(cls, panels: Sequence[Self], figure: Figure) -> str:
        return (
            f"{datasets_in(panels, figure)}: BD-rate of single images against"
            f" {anchors_in(panels, figure)}, negative = fewer bits at equal quality. Black bar: their mean in"
            " log-rate."
        )


class ImageStrips(DescribedFigure):
    """A panel for each metric of the ranking."""

    name = "bd_rate_per_image"
    title = "BD-rate of every image against the anchor"
    chapter = Chapter.COMPARISONS
    description = FigureDescription(kind="per_image")


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
        ink = grey_on(style.ground, "#222222")
        axes.plot((mean, mean), (row - 0.38, row + 0.38), color=ink, linewidth=1.2, zorder=3)
