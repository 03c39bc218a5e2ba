"""Labels at the ends of curves: a column at the right of the panel, tied to the curves by thin leaders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.plotting.canvas import POINTS, figure_of, fit_all, marks, width_of
from bench.plotting.series_style import Look
from bench.rd.curve import Array
from bench.text.escape import is_math

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = 6.5
PITCH = 1.18 * SIZE
_SIGN, _WORDS = 9.0, 14.0
"""Points from the panel's edge to a label's marker, and to its words."""
_TIED = 1.5


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
    """Write each curve's name, at most ``room`` points wide, beside the panel.

    Each label stands as near to its curve's end as the others allow, and a thin line leads there. Limits must
    be final, and the figure laid out.
    """
    from matplotlib.transforms import offset_copy

    if not ends:
        return
    figure = figure_of(axes)
    height = axes.bbox.height * POINTS / figure.dpi
    tips = axes.transAxes.inverted().transform(axes.transData.transform([(it.x, it.y) for it in ends]))
    places = spread(tips[:, 1] * height, PITCH, 0.0, height) / height
    places = untangle(tips, places, np.arange(len(ends)), _TIED / height)
    sign, words = (offset_copy(axes.transAxes, figure, x=it, units="points") for it in (_SIGN, _WORDS))
    names = fit_all(figure, [it.label for it in ends], room - _WORDS, SIZE)
    for end, name, place in zip(ends, names, places.tolist(), strict=True):
        look = end.look
        axes.annotate(
            name,
            xy=(end.x, end.y),
            xytext=(1.0, place),
            textcoords=words,
            va="center",
            fontsize=SIZE,
            color=look.text,
            annotation_clip=False,
            parse_math=is_math(name),
            arrowprops=_leader(look, width_of(figure, name, SIZE)),
        )
        axes.plot([1.0], [place], transform=sign, clip_on=False, **marks(look, 3.2))


def untangle(tips: Array, places: Array, which: NDArray[np.intp], tied: float) -> Array:
    """``places`` exchanged among the labels ``which`` until leaders from equal heights don't cross.

    Leaders run from ``tips``, shape (labels, 2), to (1, place), in shares of the panel. Labels of curves
    that end more than ``tied`` apart stay in the order of the curves.
    """
    places = places.copy()
    order = which[np.argsort(places[which], kind="stable")]
    swapped = True
    while swapped:
        swapped = False
        for k in range(len(order) - 1):
            low, high = order[k], order[k + 1]
            if abs(tips[low][1] - tips[high][1]) <= tied and _cross(
                tips[low], places[low], tips[high], places[high]
            ):
                places[low], places[high] = places[high], places[low]
                order[k], order[k + 1] = high, low
                swapped = True
    return places


def _cross(low_tip: Array, low: float, high_tip: Array, high: float) -> bool:
    """Whether the leader of the lower label is above the other one's where both have begun."""
    x = max(low_tip[0], high_tip[0])
    if x >= 1.0:
        return bool(low_tip[1] > high_tip[1])

    def at(tip: Array, place: float) -> float:
        return float(tip[1] + (place - tip[1]) * (x - tip[0]) / (1.0 - tip[0]))

    return at(low_tip, low) > at(high_tip, high)


def _leader(look: Look, width: float) -> dict[str, Any]:
    """From the curve's end to the marker before the words, which are ``width`` points wide."""
    return {
        "arrowstyle": "-",
        "color": look.colour,
        "linewidth": 0.4,
        "alpha": 0.6,
        "relpos": ((_SIGN - _WORDS) / max(width, 1.0), 0.5),
        "patchA": None,
        "shrinkA": 0.0,
        "shrinkB": 0.0,
        "zorder": 1.5,
    }


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
