"""BD-rate against the anchor: bars with the 95% interval and the numbers in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.plotting.canvas import PALE, Canvas, note, pale_note, short, title
from bench.rd import BdResult, ImagesBd
from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.figures import ReportFigure
from bench.report.figures._rows import FRAME, PITCH, SIZE, mark_zero, name_rows, ranked, result_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bench.plotting.series_style import SeriesStyle

_THICKNESS = 0.62


class BdBars(ReportFigure):
    """A panel for each metric of the ranking, where there is anything to compare with the anchor."""

    name = "bd_rate"
    title = "BD-rate against the anchor"
    chapter = Chapter.RANKING
    order = 1

    def draw(self, data: ReportData, canvas: Canvas) -> Figure | None:
        metrics = [it for it in data.headline if data.bd.get(it) or data.published_bd.get(it)]
        labels = ranked(data, metrics, published=True)
        if not labels:
            return None
        figure, panels = canvas.figure(len(metrics), FRAME + PITCH * len(labels), share_y=True)
        columns = canvas.columns(len(metrics))
        for axes, metric in zip(panels, metrics, strict=True):
            draw_bars(axes, data, metric, labels)
            name_rows(axes, {it: data.styles[it] for it in labels}, canvas, len(metrics))
            mark_zero(axes)
            title(axes, f"{data.measure(metric).title}, {len(data.images[metric])} images", columns)
            axes.set_xlabel("BD-rate (%)")
        note(figure, _words_below(data, metrics, labels, figure))
        return figure


def draw_bars(axes: Axes, data: ReportData, metric: str, labels: Sequence[str]) -> None:
    """Draw the BD-rates in one metric into a panel, a row for each label, the first on top."""
    for row, label in enumerate(labels):
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
                    _draw_whisker(axes, row, interval)
        if measured is not None and measured.mean_curve.value is not None:
            _draw_diamond(axes, row, measured.mean_curve.value)
        axes.annotate(
            words,
            xy=(1.0, row),
            xycoords=axes.get_yaxis_transform(),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=SIZE - 1,
            color="#333333",
            annotation_clip=False,
        )


def _draw_bar(axes: Axes, row: int, result: ImagesBd | BdResult, style: SeriesStyle) -> None:
    assert result.value is not None
    axes.barh(
        row,
        result.value,
        height=_THICKNESS,
        color="white" if style.hollow else style.colour,
        edgecolor=style.colour,
        linewidth=0.7,
        linestyle="dashed" if style.hollow else "solid",
        alpha=PALE if result.partial else 1.0 if style.hollow else 0.85,
    )


def _draw_whisker(axes: Axes, row: int, interval: tuple[float, float]) -> None:
    axes.plot(interval, (row, row), color="white", linewidth=1.9, solid_capstyle="butt", zorder=3)
    axes.plot(interval, (row, row), color="#222222", linewidth=0.9, marker="|", markersize=4, zorder=4)


def _draw_diamond(axes: Axes, row: int, value: float) -> None:
    axes.plot(
        value,
        row,
        marker="d",
        markersize=3.6,
        markerfacecolor="white",
        markeredgecolor="#222222",
        markeredgewidth=0.7,
        zorder=5,
    )


def _words(value: float, interval: tuple[float, float] | None) -> str:
    text = f"{value:+.1f}"
    if interval is not None:
        text += f" [{interval[0]:+.1f}, {interval[1]:+.1f}]"
    return text.replace("-", "−")


def _words_below(data: ReportData, metrics: Sequence[str], labels: Sequence[str], figure: Figure) -> str:
    published = any(data.published_bd.get(it) for it in metrics)
    others = [label for label in labels if label != data.anchor]
    results = [result_of(data, metric, label) for metric in metrics for label in others]
    partial = any(it.partial for it in results if it is not None)
    return (
        f"{short(figure, data.dataset)}: BD-rate against {short(figure, data.anchor or '')}, image by image,"
        " negative = fewer bits at equal quality. Whiskers and brackets: 95% interval over images. Diamonds:"
        " of the mean curves."
        + (" Hollow bars: published curves, which have nothing else." if published else "")
        + (pale_note("bars") if partial else "")
    )
