"""Two decoders of one bitstream: every metric of both, at the very same rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.plotting.canvas import Sheet, lay_out, marks, note, short, stroke, title
from bench.plotting.curve_labels import End, label_ends
from bench.report.board import Board
from bench.report.decoder_pairs import Difference, Twins
from bench.report.figures.scales import axis_of, quality_axis, rate_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT = 1.75


def equal_bytes(board: Board, twins: Twins, sheet: Sheet) -> Figure | None:
    """A panel for each metric, the two codecs' points joined where they share their bytes."""
    by_measure: dict[str, list[Difference]] = {}
    for it in twins.differences:
        by_measure.setdefault(it.measure.name, []).append(it)
    if not by_measure:
        return None
    figure, panels = sheet.figure(len(by_measure), _HEIGHT)
    ends = []
    for axes, its in zip(panels, by_measure.values(), strict=True):
        ends.append(_draw(axes, board, twins, its, sheet))
        # The panels are too low for the name to stand beside the axis.
        axes.set_ylabel("")
        title(axes, axis_of(its[0].measure).title, sheet.columns(len(by_measure)))
    images = {it.images for it in twins.differences}
    note(
        figure,
        f"{short(figure, board.dataset)}, mean of {min(images)} images: {short(figure, twins.first)} and"
        f" {short(figure, twins.second)} have identical bitstreams at these points; upright lines join them.",
    )
    lay_out(figure)
    for axes, its_ends in zip(panels, ends, strict=True):
        label_ends(axes, its_ends, sheet.label_points(len(by_measure)))
    return figure


def _draw(axes: Axes, board: Board, twins: Twins, its: list[Difference], sheet: Sheet) -> list[End]:
    import numpy as np

    look_of = board.looks
    rates = [it.bpp for it in its]
    for it in its:
        axes.plot((it.bpp, it.bpp), (it.first, it.second), color="#999999", linewidth=0.7, zorder=1.5)
    ends = []
    for label, values in ((twins.first, [it.first for it in its]), (twins.second, [it.second for it in its])):
        look = look_of[label]
        axes.plot(rates, values, **stroke(look))
        axes.plot(rates, values, **marks(look, 3.4), zorder=3)
        ends.append(End(label, rates[-1], values[-1], look))
    rate_axis(axes, np.asarray(rates), sheet.rate)
    quality_axis(axes, "y", axis_of(its[0].measure))
    axes.margins(y=0.12)
    axes.set_ylim(axes.get_ylim())
    return ends
