"""Two values of every configuration as a scatter plot with its Pareto front and a name at every point."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from bench.plotting.canvas import PALE, POINTS, figure_of, fit_all, ground_of, marks, width_of
from bench.plotting.colours import grey_on
from bench.plotting.series_style import SeriesStyle
from bench.rd import pareto
from bench.rd.curve import Array
from bench.report.figures._axes import log_axis
from bench.text.escape import is_math

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE = 6.3
_MARK = 4.6
_GAPS = (4.2, 11.0, 18.0, 26.0)
"""Points between a marker's centre and its name, to try in this order."""
_CROSSING = 10.0
"""The cost of two points of a leader that lie on another name, as an area in square points."""
_TURNS = (0, 180, 45, -45, 135, -135, 90, -90)
"""Directions to try for a name, the best first."""

Box: TypeAlias = tuple[float, float, float, float]


@dataclass(frozen=True)
class ScatterPoint:
    """One configuration: its place in data units, and the 95% interval of ``y``."""

    label: str
    x: float
    y: float
    style: SeriesStyle
    interval: tuple[float, float] | None = None
    ranked: bool = True
    """Off where ``y`` holds over too small a part of the range: pale, and on no front."""


@dataclass(frozen=True)
class Directions:
    """Whether more is better along each axis, and whether the horizontal one is logarithmic."""

    more_x: bool = True
    more_y: bool = False
    log_x: bool = True


def draw_points(
    axes: Axes,
    points: Sequence[ScatterPoint],
    directions: Directions = Directions(),
    limits: tuple[float, float] | None = None,
) -> None:
    """Markers, intervals and the front that no other point beats (Pareto).

    Parameters
    ----------
    limits : those of the horizontal axis; None for a logarithmic one around the points, and for another one
        that is left to the caller
    """
    front = _front(points, directions)
    axes.plot(
        [it.x for it in front],
        [it.y for it in front],
        color=grey_on(ground_of(axes), "#cccccc"),
        linewidth=2.5,
        solid_capstyle="round",
        solid_joinstyle="round",
        zorder=1.4,
    )
    for point in points:
        if point.interval is not None:
            axes.plot((point.x, point.x), point.interval, color=point.style.colour, linewidth=0.7, zorder=2)
        axes.plot(
            [point.x], [point.y], **marks(point.style, _MARK), alpha=None if point.ranked else PALE, zorder=3
        )
    if directions.log_x:
        log_axis(axes, "x", [it.x for it in points], 1.9, limits)
    elif limits is not None:
        axes.set_xlim(limits)


def name_points(
    axes: Axes, points: Sequence[ScatterPoint], room: float, directions: Directions = Directions()
) -> None:
    """Write each name where it covers least: beside its marker, further away only with a leader.

    Parameters
    ----------
    axes : the panel, with its final limits and place
    room : the widest that a name may be, in points of 1/72 inch
    """
    figure = figure_of(axes)
    points = [it for it in points if _is_inside(axes, it)]
    if not points:
        return
    at = _on_paper(axes, [(it.x, it.y) for it in points])
    frame = axes.bbox
    scale = POINTS / figure.dpi
    panel = (frame.x0 * scale, frame.y0 * scale, frame.x1 * scale, frame.y1 * scale)
    taken = [*_marker_boxes(at), *_line_boxes(axes, points, directions)]
    named: list[Box] = []
    names = fit_all(figure, [it.style.name for it in points], room, _SIZE)
    for point, text, (x, y) in sorted(zip(points, names, at, strict=True), key=lambda it: -it[2][1]):
        size = (width_of(figure, text, _SIZE), _SIZE * 1.05)
        boxes = [(_place((x, y), turn, gap, size), gap) for gap in _GAPS for turn in _TURNS]
        leaders = [_leader_boxes((x, y), box) if gap > _GAPS[0] else [] for box, gap in boxes]
        costs = _costs([box for box, _ in boxes], taken, panel) + _crossings(leaders, named)
        best = int(np.argmin(costs + 0.1 * np.arange(len(boxes))))
        box, gap = boxes[best]
        named.append(box)
        taken += [box, *leaders[best]]
        axes.annotate(
            text,
            xy=(point.x, point.y),
            xytext=(box[0] - x, (box[1] + box[3]) / 2 - y),
            textcoords="offset points",
            va="center_baseline",
            fontsize=_SIZE,
            color=point.style.text,
            annotation_clip=False,
            parse_math=is_math(text),
            arrowprops=_leader(point.style) if gap > _GAPS[0] else None,
        )


def _is_inside(axes: Axes, point: ScatterPoint) -> bool:
    (left, right), (low, high) = sorted(axes.get_xlim()), sorted(axes.get_ylim())
    return bool(left <= point.x <= right and low <= point.y <= high)


def _front(points: Sequence[ScatterPoint], directions: Directions) -> list[ScatterPoint]:
    signs = (-1.0 if directions.more_x else 1.0, -1.0 if directions.more_y else 1.0)
    ranked = [it for it in points if it.ranked]
    return [ranked[k] for k in pareto([(signs[0] * it.x, signs[1] * it.y) for it in ranked])]


def _leader(style: SeriesStyle) -> dict[str, Any]:
    return {"arrowstyle": "-", "color": style.colour, "linewidth": 0.4, "shrinkA": 0.0, "shrinkB": 2.0}


def _on_paper(axes: Axes, points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Data coordinates as points of 1/72 inch from the figure's corner."""
    scale = POINTS / figure_of(axes).dpi
    return [(x * scale, y * scale) for x, y in axes.transData.transform(points).tolist()]


def _marker_boxes(at: Sequence[tuple[float, float]]) -> list[Box]:
    half = _MARK / 2
    return [(x - half, y - half, x + half, y + half) for x, y in at]


def _line_boxes(axes: Axes, points: Sequence[ScatterPoint], directions: Directions) -> list[Box]:
    """Small boxes along the front and the intervals: a name may lie on them, but rather not."""
    front = _on_paper(axes, [(it.x, it.y) for it in _front(points, directions)])
    lines = list(itertools.pairwise(front))
    for point in points:
        if point.interval is not None:
            start, end = _on_paper(axes, [(point.x, point.interval[0]), (point.x, point.interval[1])])
            lines.append((start, end))
    return [box for start, end in lines for box in _boxes_along(start, end)]


def _boxes_along(start: tuple[float, float], end: tuple[float, float]) -> list[Box]:
    (x0, y0), (x1, y1) = start, end
    steps = max(1, int(math.hypot(x1 - x0, y1 - y0) / 2.0))
    places = ((x0 + (x1 - x0) * k / steps, y0 + (y1 - y0) * k / steps) for k in range(steps + 1))
    return [(x - 0.8, y - 0.8, x + 0.8, y + 0.8) for x, y in places]


def _leader_boxes(marker: tuple[float, float], name: Box) -> list[Box]:
    """Small boxes along the line from a marker towards the middle of its name, as far as it is drawn."""
    middle = ((name[0] + name[2]) / 2, (name[1] + name[3]) / 2)
    boxes = _boxes_along(marker, middle)
    return list(itertools.compress(boxes, _shared(boxes, [name])[:, 0] == 0))


def _crossings(leaders: Sequence[Sequence[Box]], names: Sequence[Box]) -> Array:
    """What it costs that leaders run through other names: it makes both illegible."""
    crossed = (_shared([*itertools.chain(*leaders)], names) > 0).sum(axis=1)
    ends = np.cumsum([0, *map(len, leaders)])
    return np.asarray(_CROSSING * np.diff(np.cumsum([0, *crossed])[ends]))


def _place(centre: tuple[float, float], turn: float, gap: float, size: tuple[float, float]) -> Box:
    """The box of a name that lies ``gap`` points from ``centre`` in the direction ``turn``."""
    x = centre[0] + gap * math.cos(math.radians(turn))
    y = centre[1] + gap * math.sin(math.radians(turn))
    width, height = size
    left = x if abs(turn) < 90 else x - width if abs(turn) > 90 else x - width / 2
    bottom = y - height / 2 if turn in (0, 180) else y if turn > 0 else y - height
    return (left, bottom, left + width, bottom + height)


def _costs(boxes: Sequence[Box], taken: Sequence[Box], panel: Box) -> Array:
    """The area of each box that covers something, and ten times what leaves the panel."""
    left, bottom, right, top = np.array(boxes).T
    outside = (right - left) * (top - bottom) - _shared(boxes, [panel])[:, 0]
    return np.asarray(_shared(boxes, taken).sum(axis=1) + 10.0 * outside)


def _shared(these: Sequence[Box], those: Sequence[Box]) -> Array:
    """The areas that every two boxes share, of shape (these, those)."""
    one, other = (np.reshape(np.array(it, float), (-1, 4)) for it in (these, those))
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    return np.asarray(np.maximum(high - low, 0.0).prod(axis=2))
