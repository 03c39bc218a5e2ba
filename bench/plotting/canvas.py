"""The paper under a figure: its width, its panels, notes below them, and words that fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from bench.plotting.colours import WHITE, grey_on
from bench.plotting.series_style import SeriesStyle
from bench.rd import RANKED_OVERLAP
from bench.text.escape import is_math, units

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Width = Literal["column", "double"]
WIDTHS: dict[Width, float] = {"column": 3.5, "double": 7.2}
"""Inches: one column, and the full width, of a two-column paper."""
_WIDE = 5.5
"""Inches from which panels stand side by side."""
RateAxis = Literal["log", "linear"]

POINTS = 72.0
NOTE_SIZE = 6.0
_NOTE_PITCH = 1.25
"""Line spacing of notes, in their size."""
LABEL_SHARE = 0.36
"""The part of a panel's width that labels may take; longer ones lose their middle."""
MAX_HEIGHT = 9.0
_CONTEXT = 4
"""Letters shown before the first one in which two long labels differ."""
_STYLED_MARKER = 3.5
"""``lines.markersize`` of rdbench's style."""
_OPTICAL = {
    "*": 1.6,
    "P": 1.2,
    "X": 1.2,
    "^": 1.15,
    "v": 1.15,
    "<": 1.15,
    ">": 1.15,
    "d": 1.2,
    "D": 0.9,
    "s": 0.95,
}
"""Factors that make markers look equally large."""


@dataclass(frozen=True)
class Canvas:
    """The room that a figure has, and the kind of its rate axis."""

    width: Width | float
    """By name, or in inches."""
    rate: RateAxis = "log"
    side_by_side: int | None = None
    """Panels in a row; None for two where the figure is wide."""

    @property
    def inches(self) -> float:
        """Width of the figure in inches."""
        return WIDTHS[self.width] if isinstance(self.width, str) else self.width

    @property
    def wide(self) -> bool:
        """Whether it has room for panels side by side."""
        return self.inches >= _WIDE

    def columns(self, panels: int) -> int:
        """Panels side by side; in a narrow column they stand below each other."""
        return min(panels, self.side_by_side or (2 if self.wide else 1))

    def label_points(self, panels: int) -> float:
        """How wide a label beside one of ``panels`` panels may be."""
        return LABEL_SHARE * self.inches * POINTS / self.columns(panels)

    def figure(self, panels: int, height: float, share_y: bool = False) -> tuple[Figure, list[Axes]]:
        """An empty figure with ``panels`` panels, row by row.

        Parameters
        ----------
        height : inches of a row of panels, at most ``MAX_HEIGHT``
        share_y : one vertical axis for panels that stand side by side in a single row
        """
        from matplotlib import rcParams
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        from bench.plotting.panel_layout import PanelAxes, PanelLayout

        dpi = rcParams["savefig.dpi"]
        columns = self.columns(panels)
        rows = math.ceil(panels / columns)
        figure = Figure(figsize=(self.inches, rows * min(height, MAX_HEIGHT)), layout=PanelLayout())
        # What is laid out is what is saved: text is a little wider or narrower at another resolution.
        figure.dpi = figure.dpi if dpi == "figure" else dpi
        FigureCanvasAgg(figure)
        shared, kind = share_y and rows == 1, {"axes_class": PanelAxes}
        grid = figure.subplots(rows, columns, squeeze=False, sharey=shared, subplot_kw=kind)
        axes = list(grid.flat)
        for unused in axes[panels:]:
            unused.remove()
        return figure, axes[:panels]


def figure_of(axes: Axes) -> Figure:
    """The figure that a panel stands in, itself or in a part of it."""
    from matplotlib.figure import Figure

    figure = axes.figure
    while not isinstance(figure, Figure):
        figure = figure.figure
    return figure


def ground_of(part: Axes | Figure) -> str:
    """What is behind the drawing, ``#rrggbb``: of a transparent panel that of its figure."""
    from matplotlib.axes import Axes
    from matplotlib.colors import to_hex, to_rgba

    grounds = [part.get_facecolor()]
    if isinstance(part, Axes):
        grounds.append(figure_of(part).get_facecolor())
    return next((str(to_hex(it)) for it in grounds if to_rgba(it)[3] > 0.5), WHITE)


def lay_out(figure: Figure) -> None:
    """Give every panel its place for what is drawn so far, with plain numbers at logarithmic axes."""
    from bench.plotting.ticks import write_plain_logarithms

    write_plain_logarithms(figure)
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)


def settle(figure: Figure) -> None:
    """Lay the figure out once and for all: each of its files is then drawn as it is."""
    lay_out(figure)
    figure.set_layout_engine("none")


def marks(style: SeriesStyle, size: float) -> dict[str, Any]:
    """The arguments of ``Axes.plot`` for markers alone.

    Parameters
    ----------
    size : points in rdbench's style; in another one in proportion to its markers
    """
    from matplotlib import rcParams

    size *= rcParams["lines.markersize"] / _STYLED_MARKER
    return {
        "linestyle": "none",
        "marker": style.marker,
        "markersize": size * _OPTICAL.get(style.marker, 1.0),
        "markeredgewidth": 0.7 if style.hollow else 0.4,
        "markeredgecolor": style.colour if style.hollow else style.ground,
        "markerfacecolor": style.ground if style.hollow else style.colour,
    }


PALE = 0.4
"""Opacity of what takes no part in a ranking."""


def pale_note(things: str) -> str:
    """What a pale bar or marker says, for a note."""
    return f" Pale {things}: under {RANKED_OVERLAP:.0%} of the range of quality is shared, not ranked."


def stroke(style: SeriesStyle) -> dict[str, Any]:
    """The arguments of ``Axes.plot`` for a line without markers."""
    return {
        "color": style.colour,
        "linewidth": style.width,
        "linestyle": (0, style.dash) if style.dash else "solid",
        "zorder": 2.0 if style.hollow else 2.5,
    }


def fit(figure: Figure, text: str, points: float, size: float) -> str:
    """``text`` without line breaks and unprintable characters, its middle left out where it is too wide.

    Parameters
    ----------
    points : the width to fit into, in points of 1/72 inch
    size : of the font, in points
    """
    text = printable(text)
    if _fits(figure, text, points, size):
        return text
    low, high = 1, len(units(text))
    while low < high:
        kept = (low + high + 1) // 2
        low, high = (kept, high) if _fits(figure, _shortened(text, kept), points, size) else (low, kept - 1)
    return _shortened(text, low)


def short(figure: Figure, name: str) -> str:
    """A name inside a note: half a line at most."""
    return fit(figure, name, figure.get_figwidth() * POINTS / 2, NOTE_SIZE)


def fit_all(figure: Figure, texts: Sequence[str], points: float, size: float) -> list[str]:
    """Each text as by :func:`fit`; where that makes two of them equal, they show where they differ.

    Parameters
    ----------
    points : the width to fit into, in points of 1/72 inch
    size : of the font, in points
    """
    fitted = [fit(figure, text, points, size) for text in texts]
    result = list(fitted)
    for name in {it for it in fitted if fitted.count(it) > 1}:
        alike = [k for k, it in enumerate(fitted) if it == name]
        columns = enumerate(zip(*(texts[k] for k in alike), strict=False))
        same = next((at for at, letters in columns if len(set(letters)) > 1), 0)
        for k in alike:
            tail = texts[k][max(same - _CONTEXT, 0) :]
            kept = next(
                n for n in range(len(tail), -1, -1) if _fits(figure, f"…{tail[:n]}…", points, size) or not n
            )
            result[k] = printable(f"…{tail[:kept]}" + ("…" if kept < len(tail) else ""))
    return result


def printable(text: str) -> str:
    """``text`` on one line; what the font has no shape for becomes a question mark."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    known = get_font(findfont(FontProperties()))
    return "".join(c if known.get_char_index(ord(c)) else "?" for c in " ".join(text.split()))


def title(axes: Axes, text: str, columns: int) -> None:
    """What a panel shows, above its left corner; no wider than the panel.

    Parameters
    ----------
    text : what is behind its last commas gives way first
    columns : panels that stand side by side, which share the figure's width
    """
    figure = figure_of(axes)
    size = float(axes.title.get_fontsize())
    room = 0.55 * figure.get_figwidth() * POINTS / columns
    while ", " in text and width_of(figure, printable(text), size) > room:
        text = text.rpartition(", ")[0]
    shown = fit(figure, text, room, size)
    axes.set_title(shown, loc="left", fontsize=size, parse_math=is_math(shown))


def note(figure: Figure, text: str) -> None:
    """A small note under the panels, in as many lines as it needs; panels keep their height."""
    room = (figure.get_figwidth() - 0.2) * POINTS
    lines: list[str] = []
    for word in printable(text).split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _fits(figure, longer, room, NOTE_SIZE):
            lines[-1] = longer
        else:
            lines.append(word)
    # the panels keep their height, however long the note is
    figure.set_figheight(figure.get_figheight() + (len(lines) - 1) * _NOTE_PITCH * NOTE_SIZE / POINTS)
    figure.supxlabel(
        "\n".join(lines),
        parse_math=any(map(is_math, lines)) and all(is_math(line) or "$" not in line for line in lines),
        x=0.1 / figure.get_figwidth(),
        ha="left",
        fontsize=NOTE_SIZE,
        color=grey_on(ground_of(figure), "#555555"),
        linespacing=_NOTE_PITCH,
    )


def _shortened(text: str, kept: int) -> str:
    """``kept`` letters of both ends; mathematics counts as one letter."""
    letters = units(text)
    if kept >= len(letters):
        return text
    head = math.ceil(kept / 2)
    return "".join((*letters[:head], "…", *letters[len(letters) - (kept - head) :]))


def _fits(figure: Figure, text: str, points: float, size: float) -> bool:
    return width_of(figure, text, size) <= points


def width_of(figure: Figure, text: str, size: float) -> float:
    """The width of ``text`` in points of 1/72 inch, in a font of ``size`` points."""
    from matplotlib import rcParams
    from matplotlib.font_manager import FontProperties, findfont

    settings = findfont(FontProperties()), rcParams["text.hinting"], rcParams["mathtext.fontset"]
    return _width(text, size, float(figure.dpi), *settings)


@lru_cache(10_000)
def _width(text: str, size: float, dpi: float, *_settings: str) -> float:
    """The same in the present font: figures of a report have many words in common."""
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.font_manager import FontProperties

    renderer = RendererAgg(1, 1, dpi)
    width, _, _ = renderer.get_text_width_height_descent(
        text, FontProperties(size=size), ismath=is_math(text)
    )
    return float(width) * POINTS / dpi
