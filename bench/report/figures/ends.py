"""Labels at the ends of curves: a column at the right of the panel, tied to the curves by thin leaders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.rd.curve import Array
from bench.report.figures.look import Look
from bench.report.figures.sheet import POINTS, figure_of, fit, lay_out, marks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = 6.5
PITCH = 1.18 * SIZE
_SIGN, _WORDS = 9.0, 13.0
"""Points from the panel's edge to a label's marker, and to its words."""


@dataclass(frozen=True)
class End:
    """Where a curve ends, in data units, and what it is called."""

    label: str
    x: float
    y: float
    look: Look


def needed_height(count: int) -> float:
    """Inches that a panel needs beside it for ``count`` labels."""
    return count * PITCH / POINTS


def label_ends(axes: Axes, ends: Sequence[End], room: float) -> None:
    """Write each curve's name, at most ``room`` points wide, beside the panel; limits must be final."""
    from matplotlib.transforms import offset_copy

    if not ends:
        return
    figure = figure_of(axes)
    lay_out(figure)
    height = axes.bbox.height * POINTS / figure.dpi
    wishes = axes.transAxes.inverted().transform(axes.transData.transform([(it.x, it.y) for it in ends]))
    places = spread(wishes[:, 1] * height, PITCH, 0.0, height) / height
    sign, words = (offset_copy(axes.transAxes, figure, x=it, units="points") for it in (_SIGN, _WORDS))
    for end, place in zip(ends, places.tolist(), strict=True):
        look = end.look
        axes.annotate(
            fit(figure, end.label, room - _WORDS, SIZE),
            xy=(end.x, end.y),
            xytext=(1.0, place),
            textcoords=words,
            va="center",
            fontsize=SIZE,
            color=look.text,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": look.colour,
                "linewidth": 0.4,
                "alpha": 0.6,
                "relpos": (0.0, 0.5),
                "shrinkA": 0.0,
                "shrinkB": 0.0,
                "zorder": 1.5,
            },
        )
        axes.plot([1.0], [place], transform=sign, clip_on=False, **marks(look, 3.2))


def spread(places: Array, pitch: float, low: float, high: float) -> Array:
    """The positions nearest to ``places`` (least squares) that are ``pitch`` apart and in [low, high].

    Pool-adjacent-violators on places minus rank × pitch. With too many for the range they stand closer.
    """
    count = len(places)
    pitch = min(pitch, (high - low) / count)
    order = np.argsort(places, kind="stable")
    rank = np.arange(count) * pitch
    pools: list[tuple[float, int]] = []
    for wish in places[order] - rank:
        mean, size = float(wish), 1
        while pools and pools[-1][0] > mean:
            before, others = pools.pop()
            mean, size = (before * others + mean * size) / (size + others), size + others
        pools.append((mean, size))
    placed = np.repeat([mean for mean, _ in pools], [size for _, size in pools])
    result = np.empty(count)
    half = pitch / 2
    result[order] = np.clip(placed, low + half, high - half - rank[-1]) + rank
    return result
