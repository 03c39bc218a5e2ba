"""Configurations as rows, best first: what bars and strips share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bench.plotting.canvas import Sheet, figure_of, fit_all
from bench.plotting.series_style import Look
from bench.rd import BdResult, ImagesBd
from bench.report.board import Board
from bench.report.figures.scales import MetricAxis
from bench.text.escape import is_math

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PITCH = 0.19
FRAME = 0.75
"""Inches of a row, and of what stands above and below the rows."""
SIZE = 7.0


def ranked(board: Board, metrics: Sequence[MetricAxis], *, published: bool) -> list[str]:
    """Labels with a comparison in any of ``metrics``, the anchor among them, by BD-rate in the first one.

    That is the one by image, and of published curves the one they have. Those over too small a part of the
    range to be ranked stand below, those without a value last.
    """
    labels: dict[str, None] = {}
    for metric in metrics:
        labels |= dict.fromkeys(board.bd.get(metric.name, {}))
        if published:
            labels |= dict.fromkeys(board.published_bd.get(metric.name, {}))
    if not labels or board.anchor is None:
        return []
    values = {label: _place(board, metrics, label) for label in labels} | {board.anchor: (0, 0.0)}
    return sorted(values, key=values.__getitem__)


def result_of(board: Board, metric: str, label: str) -> ImagesBd | BdResult | None:
    """The leading BD-rate: image by image where they were measured, of mean curves for published ones."""
    measured = board.bd.get(metric, {}).get(label)
    return measured.per_image if measured else board.published_bd.get(metric, {}).get(label)


def name_rows(axes: Axes, labels: Mapping[str, Look], sheet: Sheet, panels: int) -> None:
    """The names at the left, the first on top; those of published curves in grey."""
    figure = figure_of(axes)
    room = sheet.label_points(panels)
    names = fit_all(figure, list(labels), room, SIZE)
    axes.set_yticks(range(len(labels)), labels=names, fontsize=SIZE)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    for tick, look in zip(axes.yaxis.get_major_ticks(), labels.values(), strict=True):
        tick.label1.set_color(look.text if look.hollow else "black")
        tick.label1.set_parse_math(is_math(tick.label1.get_text()))
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.axvline(0.0, color="#333333", linewidth=0.6, zorder=1.5)


def _place(board: Board, metrics: Sequence[MetricAxis], label: str) -> tuple[int, float]:
    results = (result_of(board, metric.name, label) for metric in metrics)
    for it in results:
        if it is not None and it.value is not None:
            return int(it.partial), it.value
    return 2, 0.0
