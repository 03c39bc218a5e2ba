"""Configurations as rows, best first: what bars and strips share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bench.plotting.canvas import Canvas, figure_of, fit_all
from bench.plotting.series_style import SeriesStyle
from bench.rd import BdResult, ImagesBd
from bench.report.data import ReportData
from bench.text.escape import is_math

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PITCH = 0.19
FRAME = 0.75
"""Inches of a row, and of what stands above and below the rows."""
SIZE = 7.0


def ranked(data: ReportData, metrics: Sequence[str], *, published: bool) -> list[str]:
    """Labels with a comparison in any of ``metrics``, the anchor among them, by BD-rate in the first one.

    That is the one by image, and of published curves the one they have. Those over too small a part of the
    range to be ranked stand below, those without a value last.

    Parameters
    ----------
    published : whether to take in published curves
    """
    labels: dict[str, None] = {}
    for metric in metrics:
        labels |= dict.fromkeys(data.bd.get(metric, {}))
        if published:
            labels |= dict.fromkeys(data.published_bd.get(metric, {}))
    if not labels or data.anchor is None:
        return []
    values = {label: _place(data, metrics, label) for label in labels} | {data.anchor: (0, 0.0)}
    return sorted(values, key=values.__getitem__)


def result_of(data: ReportData, metric: str, label: str) -> ImagesBd | BdResult | None:
    """The leading BD-rate: image by image where they were measured, of mean curves for published ones."""
    measured = data.bd.get(metric, {}).get(label)
    return measured.per_image if measured else data.published_bd.get(metric, {}).get(label)


def name_rows(axes: Axes, labels: Mapping[str, SeriesStyle], canvas: Canvas, panels: int) -> None:
    """The names at the left, shortened to fit, the first on top; those of published curves in grey.

    Parameters
    ----------
    labels : in the order of the rows, with their styles
    panels : how many share the canvas
    """
    figure = figure_of(axes)
    room = canvas.label_points(panels)
    names = fit_all(figure, list(labels), room, SIZE)
    axes.set_yticks(range(len(labels)), labels=names, fontsize=SIZE)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    for tick, style in zip(axes.yaxis.get_major_ticks(), labels.values(), strict=True):
        tick.label1.set_color(style.text if style.hollow else "black")
        tick.label1.set_parse_math(is_math(tick.label1.get_text()))
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)


def mark_zero(axes: Axes) -> None:
    """The line that bars begin at."""
    axes.axvline(0.0, color="#333333", linewidth=0.6, zorder=1.5)


def _place(data: ReportData, metrics: Sequence[str], label: str) -> tuple[int, float]:
    for result in (result_of(data, metric, label) for metric in metrics):
        if result is not None and result.value is not None:
            return int(result.partial), result.value
    return 2, 0.0
