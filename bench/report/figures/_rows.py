"""Configurations as rows, best first: what bars and strips share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bench.plotting.canvas import figure_of, fit_all, ground_of
from bench.plotting.colours import grey_on
from bench.plotting.series_style import SeriesStyle
from bench.rd import BdResult, ImagesBd
from bench.report.data import ReportData
from bench.report.figure_description import FigureDescription
from bench.report.panels import chosen
from bench.text.escape import is_math

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PITCH = 0.19
FRAME = 0.75
"""Inches of a row, and of what stands above and below the rows."""
SIZE = 7.0


def rows_of(
    data: Sequence[ReportData], metrics: Sequence[str], what: FigureDescription, *, published: bool
) -> list[str]:
    """The labels of a figure's rows, as the description orders them or else by :func:`ranked`.

    Parameters
    ----------
    published : whether to take in published curves
    """
    found = dict.fromkeys(label for its in data for label in ranked(its, metrics, published=published))
    return chosen(found, what)


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


def name_rows(axes: Axes, labels: Mapping[str, SeriesStyle], room: float) -> None:
    """The names at the left, shortened to fit, the first on top; those of published curves in grey.

    Parameters
    ----------
    labels : in the order of the rows, with their styles
    room : the widest that a name may be, in points of 1/72 inch
    """
    figure = figure_of(axes)
    names = fit_all(figure, [it.name for it in labels.values()], room, SIZE)
    axes.set_yticks(range(len(labels)), labels=names, fontsize=SIZE)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    for tick, style in zip(axes.yaxis.get_major_ticks(), labels.values(), strict=True):
        tick.label1.set_color(style.text if style.hollow else grey_on(style.ground, "#000000"))
        tick.label1.set_parse_math(is_math(tick.label1.get_text()))
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    # nothing is measured there: where the right side is open, so is the left
    axes.spines["left"].set_visible(axes.spines["right"].get_visible())


def mark_zero(axes: Axes) -> None:
    """The line that bars begin at."""
    axes.axvline(0.0, color=grey_on(ground_of(axes), "#333333"), linewidth=0.6, zorder=1.5)


def _place(data: ReportData, metrics: Sequence[str], label: str) -> tuple[int, float]:
    for result in (result_of(data, metric, label) for metric in metrics):
        if result is not None and result.value is not None:
            return int(result.partial), result.value
    return 2, 0.0
