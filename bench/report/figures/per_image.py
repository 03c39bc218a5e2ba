"""BD-rate of every image: does a codec win everywhere, or on the average only?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.plotting.canvas import Sheet, note, short, title
from bench.plotting.series_style import Look
from bench.rd import DetailedBd
from bench.report.board import Board
from bench.report.figures.rows import FRAME, PITCH, name_rows, ranked
from bench.report.figures.scales import MetricAxis, headline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW = 1.25
"""Rows are this much higher than those of bars."""
_GOLDEN = 0.6180339887498949


def per_image(board: Board, sheet: Sheet) -> Figure | None:
    """One strip for each configuration, one dot for each image; None where no image has a BD-rate."""
    metrics = [
        it for it in headline(board) if any(bd.per_image.n for bd in board.bd.get(it.name, {}).values())
    ]
    labels = [it for it in ranked(board, metrics, published=False) if it != board.anchor]
    if not labels:
        return None
    figure, panels = sheet.figure(len(metrics), FRAME + _ROW * PITCH * len(labels), share_y=True)
    look_of = board.looks
    for axes, metric in zip(panels, metrics, strict=True):
        for row, label in enumerate(labels):
            if label in board.bd[metric.name]:
                _strip(axes, row, board.bd[metric.name][label], look_of[label])
        name_rows(axes, {it: look_of[it] for it in labels}, sheet, len(metrics))
        title(axes, _title(board, metric), sheet.columns(len(metrics)))
        axes.set_xlabel("BD-rate (%)")
    anchor = short(figure, board.anchor or "")
    note(
        figure,
        f"{short(figure, board.dataset)}: BD-rate of single images against {anchor}, negative = fewer"
        " bits at equal quality. Black bar: their mean in log-rate.",
    )
    return figure


def _title(board: Board, metric: MetricAxis) -> str:
    bds = board.bd[metric.name].values()
    defined, total = min(it.per_image.n for it in bds), max(it.n_images for it in bds)
    count = f"{total}" if defined == total else f"{defined}–{total}"
    return f"{metric.short}, {count} images"


def _strip(axes: Axes, row: int, bd: DetailedBd, look: Look) -> None:
    values = np.array([np.nan if it.value is None else it.value for it in bd.images])
    # An image keeps its height in all strips, so that one can follow it; the golden ratio spreads neighbours.
    height = row + 0.62 * ((np.arange(1, len(values) + 1) * _GOLDEN) % 1 - 0.5)
    axes.plot(
        values,
        height,
        linestyle="none",
        marker="o",
        markersize=2.8 if len(values) < 60 else 1.8,
        markerfacecolor=look.colour,
        markeredgewidth=0.0,
        alpha=0.6,
    )
    if (mean := bd.per_image.value) is not None:
        axes.plot((mean, mean), (row - 0.38, row + 0.38), color="#222222", linewidth=1.2, zorder=3)
