"""Labels that are hard to draw, and what holds for every figure of them."""

from __future__ import annotations

import dataclasses
import warnings

import pytest
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.text import Text

from bench.plotting.canvas import Canvas, Width, settle
from bench.plotting.style import styled
from bench.report.data import ReportData
from bench.report.figures import ReportFigure
from tests.report.made_data import USUAL, Made, made_data

HOSTILE = (
    *USUAL,
    Made(r"$x_1^2$ 50% & \frac{a}", "a_$b", 0.95),
    Made("$unclosed \n newline\ttab", "c", 0.9),
    Made("名前 é <b>", "名", 0.85),
    Made("w" * 80, "w", 0.8),
    Made("a label that goes on, subsampling=444, optimize=true, v2", "long", 0.75),
    Made("a label that goes on, subsampling=420, optimize=true, v2", "long", 0.7501),
    *(Made(f"codec {k}", f"codec-{k}", 0.4 + 0.1 * k) for k in range(10)),
    Made("w" * 79, "w", 0.62, lossless=True),
    Made("$$", "a_$b", 0.61, lossless=True),
)
PUBLISHED = {"theirs $y$": 0.3, "z" * 80: 0.31, "guess (estimated)": 0.33}


def crowded() -> ReportData:
    """Many codecs with long and hostile labels, on a data set with such a name."""
    wide = (Made("W" * 80, "jpeg"), Made("_" * 80, "net", 0.93, kmac=9.0))
    data = made_data((*wide, *HOSTILE), published=PUBLISHED)
    return dataclasses.replace(data, dataset="$set_{ " + "W" * 60)


def words(made: Figure) -> list[Text]:
    """All words that are really drawn: a figure also holds unused names of ticks."""
    drawn: list[Text] = []
    draw = Text.draw

    def noted(text: Text, renderer: RendererBase) -> None:
        drawn.append(text)
        draw(text, renderer)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", noted)
        made.draw_without_rendering()
    return [it for it in drawn if it.get_visible() and it.get_text()]


def assert_nothing_is_cut(kind: ReportFigure, data: ReportData, width: Width) -> None:
    """All words of a figure lie on its canvas, which has the promised width, and nothing warns."""
    with warnings.catch_warnings(), styled():
        warnings.simplefilter("error")
        made = kind.draw(data.without_trials(), Canvas(width))
        assert made is not None, f"{kind.name} has nothing to draw: let tests/report/made_data.py make it up"
        settle(made)
        made.draw_without_rendering()
        assert made.get_figwidth() == {"column": 3.5, "double": 7.2}[width]
        for text in words(made):
            box = Text.get_window_extent(text)
            inside = min(box.x0, box.y0, made.bbox.x1 - box.x1, made.bbox.y1 - box.y1)
            assert inside > -1, (
                f"{kind.name}: {text.get_text()!r} leaves the canvas by {inside} px:"
                " labels go through fit_all of bench/plotting/canvas.py, names in notes through short"
            )
