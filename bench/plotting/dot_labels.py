"""Names beside dots, as many as can be read: none covers a dot, another name, or what else is in the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.plotting.canvas import POINTS, figure_of, fit, width_of
from bench.rd.curve import Array
from bench.text.escape import is_math

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = 5.0
_ROOM = 60.0
"""Points of the longest name; longer ones lose their middle."""
_GAP = 2.4
"""Points from the middle of a dot to its name."""
_DOT = 1.6
"""Points around the middle of a dot that no name may cover; its own name is further away."""
_HEIGHT = 1.05 * SIZE


@dataclass(frozen=True)
class DotLabel:
    """The name of a dot, which is at (x, y) in data units."""

    text: str
    x: float
    y: float
    colour: str


def label_dots(axes: Axes, labels: Sequence[DotLabel], occupied: Array) -> None:
    """Write names at the right or the left of their dots, or above or below, where there is room.

    Parameters
    ----------
    axes : the panel; its limits must be final, and its figure laid out
    labels : the most important first: where there is room for one of two, it has it
    occupied : what no name may cover, in data units, of shape (points, 2)
    """
    figure = figure_of(axes)
    scale = POINTS / figure.dpi

    def points(places: Array) -> Array:
        return np.asarray(axes.transData.transform(places)) * scale

    taken = points(occupied)
    low, high = np.asarray(axes.bbox.extents).reshape(2, 2) * scale
    boxes: list[Array] = []
    for label in labels:
        name = fit(figure, label.text, _ROOM, SIZE)
        size = np.array([width_of(figure, name, SIZE), _HEIGHT])
        dot = points(np.array([[label.x, label.y]]))[0]
        for box in _places(dot, size):
            inside = (box[0] >= low).all() and (box[1] <= high).all()
            covers = ((taken > box[0] - _DOT) & (taken < box[1] + _DOT)).all(axis=1).any()
            if inside and not covers and not any(_meet(box, it) for it in boxes):
                boxes.append(box)
                x, y = axes.transData.inverted().transform((box[0] + box[1]) / 2 / scale)
                axes.text(
                    x,
                    y,
                    name,
                    fontsize=SIZE,
                    color=label.colour,
                    ha="center",
                    va="center",
                    parse_math=is_math(name),
                )
                break


def _places(dot: Array, size: Array) -> list[Array]:
    """Boxes (lower left, upper right) for a name of this size, the best first."""
    width, height = size
    shifts = (
        (_GAP, -height / 2),
        (-_GAP - width, -height / 2),
        (-width / 2, _GAP - 0.6),
        (-width / 2, -_GAP - height + 0.6),
    )
    corners = [dot + np.array(it) for it in shifts]
    return [np.stack([it, it + size]) for it in corners]


def _meet(first: Array, second: Array) -> bool:
    return bool((first[0] < second[1]).all() and (second[0] < first[1]).all())
