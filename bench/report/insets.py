"""An inset: a part of a panel, enlarged inside of it."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from bench.plotting.canvas import ground_of
from bench.plotting.colours import grey_on
from bench.plotting.curve_labels import visible_end
from bench.rd.curve import Array
from bench.report.figure_description import CORNERS, INSET_SIZE, FieldProblem, limits_of
from bench.report.panels import Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Box: TypeAlias = tuple[float, float, float, float]
"""Left, bottom, width and height in shares of the panel."""

_SIZE = 5.0
"""Points: letters at its axes."""
_LABELS = (0.1, 0.09)
"""What these take left of and below an inset, in shares of the panel."""
_STEPS = 50
"""Places between two points of a curve that are looked at."""


def draw_inset(axes: Axes, panel: Panel, room: float) -> None:
    """Draw the inset that a panel is to have, where it has limits for its metric.

    Raises
    ------
    FieldProblem
        Nothing of what is drawn lies within its limits.
    """
    inset, part = panel.what.inset, enlarged(panel)
    if inset is None or part.what.xlim is None or part.what.ylim is None:
        return
    places = _drawn(axes)
    box = _emptiest(places) if inset.at == "auto" else inset.box
    inner = axes.inset_axes(box)
    part.draw(inner, room)
    if shows_nothing(inner):
        raise FieldProblem(("inset",), "nothing that is drawn lies within its xlim and ylim")
    inner.set(xlabel="", ylabel="")
    inner.tick_params(labelsize=_SIZE, length=1.5, pad=1.5)
    ground = ground_of(axes)
    for label in (*inner.get_xticklabels(), *inner.get_yticklabels()):
        label.set_bbox({"facecolor": ground, "edgecolor": "none", "pad": 0.4})
    _mark_part(axes, inner, box, grey_on(ground, "#555555"))
    if _covered(places, box):
        warnings.warn(
            "the inset covers parts of curves: place it with at, or change the limits", stacklevel=2
        )


def enlarged(panel: Panel) -> Panel:
    """The panel with the limits of its inset."""
    what, inset = panel.what, panel.what.inset
    if inset is None:
        return panel
    part = {
        "xlim": limits_of(inset.xlim, panel.metric),
        "ylim": limits_of(inset.ylim, panel.metric),
        "xscale": what.scale,
        "inset": None,
    }
    return replace(panel, what=what.model_copy(update=part))


def shows_nothing(axes: Axes) -> bool:
    """Whether lines or points are drawn, and all of them lie outside of the limits."""
    lines = [it.get_xydata() for it in axes.lines if it.get_transform() == axes.transData]
    return bool(lines) and all(visible_end(axes, *np.asarray(it, float).T) is None for it in lines)


def _mark_part(axes: Axes, inner: Axes, box: Box, colour: str) -> None:
    """A frame around the part that is enlarged, as far as the panel shows it, with lines to the inset."""
    left, right = np.clip(inner.get_xlim(), *axes.get_xlim())
    bottom, top = np.clip(inner.get_ylim(), *axes.get_ylim())
    bounds = (left, bottom, right - left, top - bottom)
    indicator: Any = axes.indicate_inset(bounds, inner, edgecolor=colour, linewidth=0.6)
    connectors = indicator[1] if isinstance(indicator, tuple) else indicator.connectors  # before 3.10
    # matplotlib chooses two of them by places that the inset has not taken yet
    to_shares = axes.transScale + axes.transLimits
    (x0, y0), (x1, y1) = to_shares.transform(((left, bottom), (right, top)))
    further = (x0 < box[0], x1 < box[0] + box[2], y0 < box[1], y1 < box[1] + box[3])
    seen = (
        further[0] != further[2],
        further[0] == further[3],
        further[1] == further[2],
        further[1] != further[3],
    )
    for connector, is_seen in zip(connectors, seen, strict=True):
        connector.set_visible(is_seen)


def _drawn(axes: Axes) -> Array:
    """Places along everything that is drawn, in shares of the panel, shape (places, 2)."""
    to_shares = axes.transScale + axes.transLimits
    found = [np.empty((0, 2))]
    for line in axes.lines:
        if line.get_transform() != axes.transData:
            continue
        shares = to_shares.transform(np.asarray(line.get_xydata(), float))
        if line.get_linestyle() == "None" or len(shares) < 2:
            found.append(shares)
            continue
        at = np.arange(0, len(shares) - 1 + 1 / _STEPS, 1 / _STEPS)
        found.append(np.column_stack([np.interp(at, np.arange(len(shares)), it) for it in shares.T]))
    return np.concatenate(found)


def _emptiest(places: Array) -> Box:
    """The corner in which least is drawn."""
    return min(((*it, *INSET_SIZE) for it in CORNERS.values()), key=lambda box: _covered(places, box))


def _covered(places: Array, box: Box) -> int:
    """How many places an inset hides with its labels."""
    left, bottom, width, height = box
    x, y = places.T
    inside = (
        (x >= left - _LABELS[0]) & (x <= left + width) & (y >= bottom - _LABELS[1]) & (y <= bottom + height)
    )
    return int(inside.sum())
