"""Labels at the ends of curves: a column at the right of the panel, tied to the curves by thin leaders."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.plotting.canvas import POINTS, figure_of, fit_all, marks
from bench.plotting.series_style import SeriesStyle
from bench.rd.curve import Array
from bench.text.escape import is_math

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = 6.5
PITCH = 1.18 * SIZE
_SIGN, _WORDS = 9.0, 14.0
"""Points from the panel's edge to a label's marker, and to its words."""
_TIED = 1.5
_ROUNDED = 1e-9


@dataclass(frozen=True)
class CurveLabel:
    """The name of a curve, and where the curve ends, in data units."""

    text: str
    x: float
    y: float
    style: SeriesStyle


def needed_height(count: int) -> float:
    """Inches that a panel needs beside it for ``count`` labels."""
    return count * PITCH / POINTS


def label_curves(axes: Axes, labels: Sequence[CurveLabel], room: float) -> None:
    """Write each curve's name beside the panel.

    Each label stands as near to its curve's end as the others allow, and a thin line leads there.

    Parameters
    ----------
    axes : the panel; its limits must be final, and its figure laid out
    labels : what to write, in any order
    room : the widest that a label may be, in points of 1/72 inch; longer ones lose their middle
    """
    from matplotlib.transforms import offset_copy

    from bench.plotting.leaders import Leaders

    if not labels:
        return
    figure = figure_of(axes)
    height = axes.bbox.height * POINTS / figure.dpi
    ends = np.array([(it.x, it.y) for it in labels])
    tips = axes.transAxes.inverted().transform(axes.transData.transform(ends))
    places = spread(tips[:, 1] * height, PITCH, 0.0, height) / height
    places = untangle(tips, places, np.arange(len(labels)), _TIED / height)
    sign, words = (offset_copy(axes.transAxes, figure, x=it, units="points") for it in (_SIGN, _WORDS))
    names = fit_all(figure, [it.text for it in labels], room - _WORDS, SIZE)
    axes.add_artist(Leaders((axes.transData, ends), (sign, places), [it.style.colour for it in labels]))
    for label, name, place in zip(labels, names, places.tolist(), strict=True):
        axes.text(
            1.0,
            place,
            name,
            transform=words,
            va="center",
            fontsize=SIZE,
            color=label.style.text,
            parse_math=is_math(name),
        )
        axes.plot([1.0], [place], transform=sign, clip_on=False, **marks(label.style, 3.2))


def visible_end(axes: Axes, x: Array, y: Array) -> tuple[float, float] | None:
    """The rightmost point of a line inside a panel, in data units; None where nothing of it is there.

    Parameters
    ----------
    axes : the panel; its limits must be final
    x, y : the line, shape (points,), which breaks where ``y`` is not finite
    """
    known = np.isfinite(x) & np.isfinite(y)
    if not known.any():
        return None
    last = int(np.argmax(np.where(known, x, -np.inf)))
    to_shares = axes.transScale + axes.transLimits
    shares = to_shares.transform(np.column_stack((x, y)))
    if ((shares[last] >= -_ROUNDED) & (shares[last] <= 1 + _ROUNDED)).all():
        return float(x[last]), float(y[last])
    ends = [
        start + end * (stop - start)
        for start, stop in itertools.pairwise(shares)
        if (end := _inside(start, stop)) is not None
    ]
    if not ends:
        return None
    place = to_shares.inverted().transform(max(ends, key=lambda it: float(it[0])))
    return float(place[0]), float(place[1])


def _inside(start: Array, stop: Array) -> float | None:
    """Where a segment that runs to the right is last in the unit square, as a share of it (Liang–Barsky)."""
    step = stop - start
    if not (np.isfinite(start).all() and np.isfinite(stop).all()):
        return None
    low, high = 0.0, 1.0
    for at, by in ((start[0], step[0]), (start[1], step[1])):
        if by == 0:
            if not 0 <= at <= 1:
                return None
            continue
        first, second = sorted(((0 - at) / by, (1 - at) / by))
        low, high = max(low, float(first)), min(high, float(second))
    if low > high:
        return None
    return high if step[0] >= 0 else low


def untangle(tips: Array, places: Array, which: NDArray[np.intp], tied: float) -> Array:
    """``places`` exchanged among the labels ``which`` until leaders from equal heights don't cross.

    Parameters
    ----------
    tips : where each curve ends, shape (labels, 2), in shares of the panel's width and height
    places : the height of each label, shape (labels,); its leader runs from its tip to (1, place)
    which : indices of the labels that may be exchanged
    tied : labels of curves that end further apart than this stay in the order of the curves
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


def spread(places: Array, pitch: float, low: float, high: float) -> Array:
    """The positions nearest to ``places`` (least squares) that are ``pitch`` apart and in [low, high].

    Pool-adjacent-violators (Ayer et al. 1955) on places minus rank × pitch.

    Parameters
    ----------
    places : the positions wished for, shape (labels,), in the unit of the other arguments
    pitch : the least distance of neighbours; less where there are too many for the range
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
