"""Panels put together to a figure: titles, limits, insets, names or a legend, and a note."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.plotting.canvas import (
    POINTS,
    Canvas,
    figure_of,
    fit,
    fit_all,
    lay_out,
    marks,
    note,
    printable,
    stroke,
    title,
    width_of,
)
from bench.plotting.series_style import SeriesStyle
from bench.report.figure_description import FieldProblem
from bench.report.insets import draw_inset, shows_nothing
from bench.report.panels import NameIt, Panel, all_styles
from bench.text.escape import is_math

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

_BOX_SIZE = 6.5
"""Points: letters in legends."""
_BOX_PITCH = 1.7
"""Line spacing of a legend below the panels, in the size of its letters."""
_SAMPLE = 32.0
"""Points that a line and the room around it take beside a name in a legend."""
_LEGEND_SHARE, _INSIDE_SHARE = 0.9, 0.5
"""The part of the figure's width for a legend below, and of a panel's for a name in a legend inside."""


def compose(panels: Sequence[Panel], canvas: Canvas) -> Figure:
    """The figure of some panels of one kind.

    Parameters
    ----------
    canvas : of which the width counts
    """
    kind, what, count = type(panels[0]), panels[0].what, len(panels)
    height = max(it.height(alone=count == 1 and canvas.wide) for it in panels)
    figure, places = canvas.figure(count, height, kind.share_y)
    columns, room = canvas.columns(count), canvas.label_points(count)
    naming = []
    with_titles = bool(what.title) or len({it.title for it in panels}) > 1
    for index, (axes, panel) in enumerate(zip(places, panels, strict=True)):
        naming.append(draw_panel(axes, panel, room))
        if kind.share_y and index % columns:
            axes.set_ylabel("")
        own = what.title if isinstance(what.title, str) and count == 1 else panel.title
        if with_titles and own:
            title(axes, str(own), columns)
    if isinstance(what.title, str) and count > 1:
        _set_title_of_all(figure, what.title)
    text = kind.note(panels, figure) if what.note else ""
    if text:
        note(figure, text)
    place_names(places, panels, naming)
    return figure


def draw_panel(axes: Axes, panel: Panel, room: float) -> NameIt | None:
    """Draw a panel and its inset.

    Parameters
    ----------
    room : the widest that a name beside the panel may be, in points of 1/72 inch

    Returns
    -------
    What writes names, as of :meth:`~bench.report.panels.Panel.draw`.

    Raises
    ------
    FieldProblem
        Within the limits of the panel, or of its inset, nothing is drawn.
    """
    naming = panel.draw(axes, room)
    if shows_nothing(axes):
        field = "ylim" if panel.what.y_limits(panel.metric) else "xlim"
        raise FieldProblem((field,), f"nothing of {panel.metric} lies within the limits")
    draw_inset(axes, panel, room)
    return naming


def place_names(places: Sequence[Axes], panels: Sequence[Panel], naming: Sequence[NameIt | None]) -> None:
    """Write names where the description of the panels wants them; all else has been drawn.

    Parameters
    ----------
    places : the axes of each panel, all in one figure
    naming : what :func:`draw_panel` returned for each of them
    """
    writers = [it for it in naming if it is not None]
    if not writers:
        return
    figure = figure_of(places[0])
    where = panels[0].what.legend or panels[0].legend
    if where == "direct":
        lay_out(figure)
        for write in writers:
            write()
    elif where == "inside":
        for axes, panel in zip(places, panels, strict=True):
            room = _INSIDE_SHARE * _points_wide(axes)
            options = {"fontsize": _BOX_SIZE, "labelspacing": 0.2, "frameon": True, "framealpha": 0.85}
            legend = add_legend(axes, panel.styles, room, edgecolor="none", **options)
            legend.set_in_layout(False)
    elif where == "outside":
        _legend_below(figure, all_styles(panels))


def add_legend(part: Axes | Figure, styles: Mapping[str, SeriesStyle], room: float, **options: Any) -> Legend:
    """A legend in a box; mathematics in names is typeset where it is harmless.

    Parameters
    ----------
    room : the widest that a name may be, in points of 1/72 inch
    options : of matplotlib's ``legend``
    """
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    figure = figure_of(part) if isinstance(part, Axes) else part
    handles = [Line2D([], [], **(marks(it, 3.0) | stroke(it))) for it in styles.values()]
    names = fit_all(figure, [it.name for it in styles.values()], room, _BOX_SIZE)
    legend: Legend = part.legend(handles, names, **options)
    for text in legend.get_texts():
        text.set_parse_math(is_math(text.get_text()))
    return legend


def _legend_below(figure: Figure, styles: Mapping[str, SeriesStyle]) -> None:
    room = figure.get_figwidth() * POINTS * _LEGEND_SHARE
    widest = max(width_of(figure, printable(it.name), _BOX_SIZE) for it in styles.values())
    columns = max(1, min(len(styles), int(room / (widest + _SAMPLE))))
    rows = math.ceil(len(styles) / columns)
    figure.set_figheight(figure.get_figheight() + rows * _BOX_PITCH * _BOX_SIZE / POINTS)
    options = {"loc": "outside lower center", "ncols": columns, "borderpad": 0, "frameon": False}
    add_legend(figure, styles, room / columns - _SAMPLE, fontsize=_BOX_SIZE, **options)


def _points_wide(axes: Axes) -> float:
    return float(axes.bbox.width) * POINTS / figure_of(axes).dpi


def _set_title_of_all(figure: Figure, text: str) -> None:
    size = float(figure.axes[0].title.get_fontsize()) + 1
    shown = fit(figure, text, figure.get_figwidth() * POINTS * _LEGEND_SHARE, size)
    figure.suptitle(shown, x=0.01, ha="left", fontsize=size, parse_math=is_math(shown))
