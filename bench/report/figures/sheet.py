"""The paper under a figure: its width, its panels, notes below them, and words that fit."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from bench.report.figures.look import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties

Width = Literal["column", "double"]
WIDTHS: dict[Width, float] = {"column": 3.5, "double": 7.2}
"""Inches: one column, and the full width, of a two-column paper."""
RateAxis = Literal["log", "linear"]

POINTS = 72.0
LABEL_SHARE = 0.36
"""The part of a panel's width that labels may take; longer ones lose their middle."""
MAX_HEIGHT = 9.0


@dataclass(frozen=True)
class Sheet:
    """What every figure is drawn on."""

    width: Width
    rate: RateAxis = "log"

    @property
    def inches(self) -> float:
        return WIDTHS[self.width]

    def columns(self, panels: int) -> int:
        """Panels side by side; in a narrow column they stand below each other."""
        return min(panels, 2) if self.width == "double" else 1

    def label_points(self, panels: int) -> float:
        """How wide a label beside one of ``panels`` panels may be."""
        return LABEL_SHARE * self.inches * POINTS / self.columns(panels)

    def figure(self, panels: int, height: float, share_y: bool = False) -> tuple[Figure, list[Axes]]:
        """An empty figure with ``panels`` panels, each ``height`` inches high."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        columns = self.columns(panels)
        rows = math.ceil(panels / columns)
        figure = Figure(figsize=(self.inches, min(rows * height, rows * MAX_HEIGHT)), layout="constrained")
        FigureCanvasAgg(figure)
        grid = figure.subplots(rows, columns, squeeze=False, sharey=share_y and rows == 1)
        axes = list(grid.flat)
        for unused in axes[panels:]:
            unused.remove()
        return figure, axes[:panels]


def figure_of(axes: Axes) -> Figure:
    """The figure that a panel stands in."""
    from matplotlib.figure import Figure

    figure = axes.figure
    assert isinstance(figure, Figure)
    return figure


def lay_out(figure: Figure) -> None:
    """Give every panel its place for what is drawn so far."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)


def settle(figure: Figure) -> None:
    """Lay the figure out once and for all: each of its files is then drawn as it is."""
    lay_out(figure)
    figure.set_layout_engine("none")


def marks(look: Look, size: float) -> dict[str, Any]:
    """The arguments of ``Axes.plot`` for markers alone."""
    return {
        "linestyle": "none",
        "marker": look.marker,
        "markersize": size,
        "markeredgewidth": 0.7 if look.hollow else 0.4,
        "markeredgecolor": look.colour if look.hollow else "white",
        "markerfacecolor": "white" if look.hollow else look.colour,
    }


def stroke(look: Look) -> dict[str, Any]:
    """The arguments of ``Axes.plot`` for a line without markers."""
    return {
        "color": look.colour,
        "linewidth": look.width,
        "linestyle": (0, look.dash) if look.dash else "solid",
        "zorder": 2.0 if look.hollow else 2.5,
    }


def fit(figure: Figure, text: str, points: float, size: float) -> str:
    """``text`` without line breaks and unprintable characters, its middle left out where it is too wide."""
    from matplotlib.font_manager import FontProperties

    font = FontProperties(size=size)
    text = printable(text, font)
    if _width(figure, text, font) <= points:
        return text
    low, high = 1, len(text)
    while low < high:
        kept = (low + high + 1) // 2
        low, high = (kept, high) if _width(figure, _shortened(text, kept), font) <= points else (low, kept - 1)
    return _shortened(text, low)


def printable(text: str, font: FontProperties) -> str:
    """``text`` on one line; what the font has no shape for becomes a question mark."""
    from matplotlib.font_manager import findfont, get_font

    known = get_font(findfont(font))
    return "".join(c if known.get_char_index(ord(c)) else "?" for c in " ".join(text.split()))


def note(figure: Figure, text: str) -> None:
    """A small note under the panels, in as many lines as it needs."""
    from matplotlib.font_manager import FontProperties

    size = 6.0
    font = FontProperties(size=size)
    text = printable(text, font)
    room = (figure.get_figwidth() - 0.2) * POINTS
    letters = max(10, int(len(text) * room / max(_width(figure, text, font), 1.0) * 0.95))
    lines = "\n".join(textwrap.wrap(text, letters))
    figure.supxlabel(lines, x=0.1 / figure.get_figwidth(), ha="left", fontsize=size, color="#555555", linespacing=1.25)


def _shortened(text: str, kept: int) -> str:
    head = math.ceil(kept / 2)
    return f"{text[:head]}…{text[len(text) - (kept - head) :]}" if kept < len(text) else text


def _width(figure: Figure, text: str, font: FontProperties) -> float:
    """In points, as PNG, SVG and PDF draw it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    assert isinstance(figure.canvas, FigureCanvasAgg)
    renderer = figure.canvas.get_renderer()
    width, _, _ = renderer.get_text_width_height_descent(text, font, ismath=False)
    return float(width) * POINTS / figure.dpi
