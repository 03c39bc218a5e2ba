"""Speed against what it costs: BD-rate for lossy configurations, bits per pixel for lossless ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bench.plotting.canvas import Sheet, lay_out, note, pale_note, short
from bench.report.board import Board
from bench.report.entry import Entry
from bench.report.figures.scales import MetricAxis
from bench.report.figures.scatter import Spot, draw_spots, name_spots
from bench.report.tables import lossless, ranking
from bench.tables.table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HEIGHT = 2.9
Direction = Literal["encode", "decode"]


def speed_against_bd_rate(board: Board, metric: MetricAxis, sheet: Sheet) -> Figure | None:
    """An encode and a decode panel in megapixels per second; None without times or an anchor."""
    bd = board.bd.get(metric.name, {})
    costs: dict[str, tuple[float, tuple[float, float] | None]] = {
        label: (value, its.per_image.ci95)
        for label, its in bd.items()
        if (value := its.per_image.value) is not None
    }
    if not costs or board.anchor is None:
        return None
    costs[board.anchor] = (0.0, None)
    text = "BD-rate against {anchor} image by image, bars: 95% interval."
    title = f"BD-rate in {metric.short} (%)"
    partial = frozenset(label for label, it in bd.items() if it.per_image.partial)
    return _figure(board, _Plot(ranking(board), "mps", costs, "MP/s", title, text, partial), sheet)


def lossless_speed(board: Board, sheet: Sheet) -> Figure | None:
    """An encode and a decode panel in raw megabytes per second; None without lossless configurations."""
    table = lossless(board)
    rates = {} if table is None else table.by_label("bpp")
    costs = {label: (float(it), None) for label, it in rates.items() if isinstance(it, int | float)}
    if not costs:
        return None
    text = "lossless coding, MB of raw samples."
    return _figure(board, _Plot(table, "mbs", costs, "MB/s", "bits per pixel", text), sheet)


@dataclass(frozen=True)
class _Plot:
    table: Table | None
    key: str
    costs: Mapping[str, tuple[float, tuple[float, float] | None]]
    unit: str
    cost_title: str
    text: str
    partial: frozenset[str] = frozenset()
    """Those whose cost holds over too small a part of the range to rank them."""


def _figure(board: Board, plot: _Plot, sheet: Sheet) -> Figure | None:
    directions: tuple[Direction, ...] = ("encode", "decode")
    drawn = [(it, spots) for it in directions if (spots := _spots(board, plot, it))]
    if not drawn:
        return None
    figure, panels = sheet.figure(len(drawn), _HEIGHT, share_y=True)
    ends = [end for _, spots in drawn for it in spots for end in (it.interval or (it.y,))]
    margin = 0.09 * (max(ends) - min(ends)) or 1.0
    for index, (axes, (direction, spots)) in enumerate(zip(panels, drawn, strict=True)):
        draw_spots(axes, spots)
        axes.set_ylim(min(ends) - margin, max(ends) + margin)
        axes.set_xlabel(f"{direction} speed ({plot.unit}), faster →")
        if index % sheet.columns(len(drawn)) == 0:
            axes.set_ylabel(f"{plot.cost_title}, ← better")
    shown = {it.label for _, spots in drawn for it in spots}
    timed = [it for it in board.entries if it.label in shown]
    text = plot.text.format(anchor=short(figure, board.anchor or ""))
    where = short(figure, board.dataset)
    pale = pale_note("markers") if shown & plot.partial else ""
    note(figure, f"{where}: {text} Grey: Pareto front.{pale} One thread. {timing_note(timed)}")
    lay_out(figure)
    for axes, (_, spots) in zip(panels, drawn, strict=True):
        name_spots(axes, spots, sheet.label_points(len(drawn)))
    return figure


def _spots(board: Board, plot: _Plot, direction: Direction) -> list[Spot]:
    if plot.table is None:
        return []
    speeds = plot.table.by_label(f"{direction}_{plot.key}")
    look_of = board.looks
    return [
        Spot(label, speed, cost, look_of[label], interval, label not in plot.partial)
        for label, (cost, interval) in plot.costs.items()
        if isinstance(speed := speeds.get(label), float) and speed > 0
    ]


def timing_note(entries: Sequence[Entry]) -> str:
    """How the times of ``entries`` were taken, in a sentence."""
    load = sum(it.timing == "load" for it in entries)
    if disturbed := sum(it.timing == "disturbed" for it in entries):
        return (
            f"Timed alone and pinned; other processes disturbed {disturbed} of {len(entries)} configurations."
        )
    if not load:
        return "Timed alone and pinned."
    whose = "Times" if load == len(entries) else f"Times of {load} of {len(entries)} configurations"
    return f"{whose} were taken while other trials ran: throughput, not latency."
