"""BD-rate against what a learned codec costs: multiply–accumulates per pixel, and time beside the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.plotting.canvas import Sheet, lay_out, note, pale_note, short
from bench.plotting.curve_labels import End, label_ends
from bench.report.board import Board
from bench.report.figures.scales import MetricAxis
from bench.report.figures.scatter import Aims, Spot, draw_spots, name_spots
from bench.report.figures.speed import timing_note
from bench.report.tables import ranking

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIDES = {"decoder": "decode", "encoder": "encode"}
_HEIGHT = 2.5
_AIMS = Aims(more_x=False)


@dataclass(frozen=True)
class _Cost:
    """A BD-rate in percent and its interval."""

    value: float
    interval: tuple[float, float] | None = None
    partial: bool = False


@dataclass(frozen=True)
class _Panel:
    title: str
    spots: list[Spot]
    marginal: dict[str, float]
    """BD-rates of those that have no place along the horizontal axis."""


def complexity(board: Board, metric: MetricAxis, sheet: Sheet) -> Figure | None:
    """Two panels in kMAC/px and two in seconds per megapixel; None where no codec tells its kMAC/px.

    In the first two, configurations that tell none (the classical ones) are lines at their BD-rate.
    """
    costs = _costs(board, metric)
    macs = [it for side in _SIDES if (it := _by_macs(board, costs, side)).spots]
    if not macs:
        return None
    drawn = [*macs, *(it for verb in _SIDES.values() if (it := _by_time(board, costs, verb)).spots)]
    figure, panels = sheet.figure(len(drawn), _HEIGHT)
    ends = [end for it in costs.values() for end in (it.value, *(it.interval or ()))]
    margin = 0.09 * (max(ends) - min(ends)) or 1.0
    references = []
    for index, (axes, panel) in enumerate(zip(panels, drawn, strict=True)):
        draw_spots(axes, panel.spots, _AIMS)
        axes.set_ylim(min(ends) - margin, max(ends) + margin)
        axes.set_xlabel(f"{panel.title}, ← less")
        if index % sheet.columns(len(drawn)) == 0:
            axes.set_ylabel(f"BD-rate in {metric.short} (%), ← better")
        references.append(_draw_references(axes, board, panel.marginal))
    note(figure, _words(board, drawn, short(figure, board.dataset), short(figure, board.anchor or "")))
    lay_out(figure)
    room = sheet.label_points(len(drawn))
    for axes, its_ends in zip(panels, references, strict=True):
        label_ends(axes, its_ends, room)
    lay_out(figure)
    for axes, panel in zip(panels, drawn, strict=True):
        name_spots(axes, panel.spots, room, _AIMS)
    return figure


def _costs(board: Board, metric: MetricAxis) -> dict[str, _Cost]:
    if board.anchor is None:
        return {}
    bd = board.bd.get(metric.name, {})
    costs = {
        label: _Cost(value, its.per_image.ci95, its.per_image.partial)
        for label, its in bd.items()
        if (value := its.per_image.value) is not None
    }
    return costs | {board.anchor: _Cost(0.0)}


def _by_macs(board: Board, costs: Mapping[str, _Cost], side: str) -> _Panel:
    told = {it.label: it.complexity.get(f"{side}_kmac_per_pixel", 0.0) for it in board.lossy}
    spots = _spots(board, costs, told)
    marginal = {label: costs[label].value for label, macs in told.items() if label in costs and not macs > 0}
    return _Panel(f"{side} kMAC/px", spots, marginal)


def _by_time(board: Board, costs: Mapping[str, _Cost], verb: str) -> _Panel:
    table = ranking(board)
    speeds = {} if table is None else table.by_label(f"{verb}_mps")
    times = {label: 1.0 / it for label, it in speeds.items() if isinstance(it, float) and it > 0}
    return _Panel(f"{verb} time (s/MP)", _spots(board, costs, times), {})


def _spots(board: Board, costs: Mapping[str, _Cost], places: Mapping[str, float]) -> list[Spot]:
    look_of = board.looks
    return [
        Spot(label, place, cost.value, look_of[label], cost.interval, not cost.partial)
        for label, place in places.items()
        if (cost := costs.get(label)) is not None and place > 0
    ]


def _draw_references(axes: Axes, board: Board, marginal: Mapping[str, float]) -> list[End]:
    look_of = board.looks
    right = axes.get_xlim()[1]
    for label, value in marginal.items():
        axes.axhline(value, color=look_of[label].colour, linewidth=0.7, alpha=0.55, zorder=1.2)
    return [End(label, right, value, look_of[label]) for label, value in marginal.items()]


def _words(board: Board, drawn: list[_Panel], dataset: str, anchor: str) -> str:
    shown = {spot.label for panel in drawn for spot in panel.spots}
    timed = [it for it in board.entries if it.label in shown]
    lines = any(panel.marginal for panel in drawn)
    pale = any(not spot.ranked for panel in drawn for spot in panel.spots)
    return (
        f"{dataset}: BD-rate against {anchor} image by image, bars: 95% interval."
        " kMAC: thousands of multiply–accumulates."
        + (" Horizontal lines: codecs that have none to count." if lines else "")
        + f" Grey: Pareto front.{pale_note('markers') if pale else ''} One thread. {timing_note(timed)}"
    )
