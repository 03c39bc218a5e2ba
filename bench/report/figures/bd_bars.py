"""BD-rate against the anchor: bars with the 95% interval and the numbers in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from bench.plotting.canvas import PALE, ground_of, pale_note
from bench.plotting.colours import grey_on
from bench.plotting.series_style import SeriesStyle
from bench.rd import BdResult, ImagesBd
from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.figure_description import FigureDescription
from bench.report.figures import DescribedFigure
from bench.report.figures._rows import FRAME, PITCH, SIZE, mark_zero, name_rows, result_of, rows_of
from bench.report.panels import Panel, anchors_in, datasets_in, measures_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_THICKNESS = 0.62


@dataclass(frozen=True)
class BarsPanel(Panel):
    """BD-rates in one metric, a row for each label, the first on top."""

    rows: Sequence[str]

    kind = "bd_bars"
    share_y = True

    @classmethod
    def of(cls, data: Sequence[ReportData], what: FigureDescription) -> Sequence[Self]:
        metrics = list(dict.fromkeys(it.name for its in data for it in measures_for(its, what)))
        compared = [(its, it) for its in data for it in metrics if its.bd.get(it) or its.published_bd.get(it)]
        used = [it for it in metrics if any(it == metric for _, metric in compared)]
        rows = rows_of(data, used, what, published=True)
        return [cls(its, what, metric, rows) for its, metric in compared] if rows else []

    @property
    def styles(self) -> Mapping[str, SeriesStyle]:
        return {it: self.data.styles[it] for it in self.rows if it in self.data.styles}

    @property
    def title(self) -> str:
        dataset = f"{self.data.dataset}, " if self.of_several else ""
        images = len(self.data.images[self.metric])
        return f"{dataset}{self.data.measure(self.metric).title}, {images} images"

    def height(self, *, alone: bool) -> float:
        return FRAME + PITCH * len(self.rows)

    def draw(self, axes: Axes, room: float) -> None:
        for row, label in enumerate(self.rows):
            _draw_row(axes, row, self.data, self.metric, label)
        name_rows(axes, self.styles, room)
        mark_zero(axes)
        axes.set_xlabel("BD-rate (%)")
        if (limits := self.what.x_limits(self.metric)) is not None:
            axes.set_xlim(limits)

    @classmethod
    def note(cls, panels: Sequence[Self], figure: Figure) -> str:
        results = [
            result_of(panel.data, panel.metric, label)
            for panel in panels
            for label in panel.rows
            if label != panel.data.anchor
        ]
        published = any(panel.data.published_bd.get(panel.metric) for panel in panels)
        return (
            f"{datasets_in(panels, figure)}: BD-rate against {anchors_in(panels, figure)}, image by image,"
            " negative = fewer bits at equal quality. Whiskers and brackets: 95% interval over images."
            " Diamonds: of the mean curves."
            + (" Hollow bars: published curves, which have nothing else." if published else "")
            + (pale_note("bars") if any(it.partial for it in results if it is not None) else "")
        )


class BdBars(DescribedFigure):
    """A panel for each metric of the ranking, where there is anything to compare with the anchor."""

    name = "bd_rate"
    title = "BD-rate against the anchor"
    chapter = Chapter.RANKING
    order = 1
    description = FigureDescription(kind="bd_bars")


def _draw_row(axes: Axes, row: int, data: ReportData, metric: str, label: str) -> None:
    ground = ground_of(axes)
    result = result_of(data, metric, label)
    measured = data.bd[metric].get(label)
    interval = measured.per_image.ci95 if measured else None
    words = "anchor" if label == data.anchor else ""
    if label != data.anchor and result is not None:
        if result.value is None:
            words = f"n/a ({result.reason})"
        else:
            words = _words(result.value, interval)
            _draw_bar(axes, row, result, data.styles[label])
            if interval is not None:
                _draw_whisker(axes, row, interval, ground)
    if measured is not None and measured.mean_curve.value is not None:
        _draw_diamond(axes, row, measured.mean_curve.value, ground)
    axes.annotate(
        words,
        xy=(1.0, row),
        xycoords=axes.get_yaxis_transform(),
        xytext=(3, 0),
        textcoords="offset points",
        va="center",
        fontsize=SIZE - 1,
        color=grey_on(ground, "#333333"),
        annotation_clip=False,
    )


def _draw_bar(axes: Axes, row: int, result: ImagesBd | BdResult, style: SeriesStyle) -> None:
    assert result.value is not None
    axes.barh(
        row,
        result.value,
        height=_THICKNESS,
        color=style.ground if style.hollow else style.colour,
        edgecolor=style.colour,
        linewidth=0.7,
        linestyle="dashed" if style.hollow else "solid",
        alpha=PALE if result.partial else 1.0 if style.hollow else 0.85,
    )


def _draw_whisker(axes: Axes, row: int, interval: tuple[float, float], ground: str) -> None:
    ink = grey_on(ground, "#222222")
    axes.plot(interval, (row, row), color=ground, linewidth=1.9, solid_capstyle="butt", zorder=3)
    axes.plot(interval, (row, row), color=ink, linewidth=0.9, marker="|", markersize=4, zorder=4)


def _draw_diamond(axes: Axes, row: int, value: float, ground: str) -> None:
    axes.plot(
        value,
        row,
        marker="d",
        markersize=3.6,
        markerfacecolor=ground,
        markeredgecolor=grey_on(ground, "#222222"),
        markeredgewidth=0.7,
        zorder=5,
    )


def _words(value: float, interval: tuple[float, float] | None) -> str:
    text = f"{value:+.1f}"
    if interval is not None:
        text += f" [{interval[0]:+.1f}, {interval[1]:+.1f}]"
    return text.replace("-", "−")
