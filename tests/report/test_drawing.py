"""Figures drawn by two processes are those of one, whatever becomes of the second."""

from __future__ import annotations

import os
import re
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.errors import ConfigError
from bench.host.helper_process import Helper
from bench.plotting.canvas import Canvas
from bench.plotting.panel_layout import PanelAxes, PanelLayout
from bench.plotting.style import rendered, save, styled
from bench.report import FigureOptions
from bench.report.drawing import Drawing, FigureJob, draw, job_for
from tests.report.made_data import made_data


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> FigureJob:
    """Some small figures to draw."""
    whole = job_for(made_data(), tmp_path_factory.mktemp("figures"))
    return replace(whole, figures=tuple(it for it in whole.figures if it.name.startswith("rd_"))[:4])


def contents(files: list[Path]) -> list[tuple[str, bytes]]:
    """Names and bytes."""
    return [(it.name, it.read_bytes()) for it in files]


@pytest.mark.parametrize("case", ["helped", "without a helper", "the helper dies", "the helper is first"])
def test_two_processes_draw_the_same_files(case: str, job: FigureJob, tmp_path: Path) -> None:
    """The same files in the same order as one process, also where the helper is killed while it draws."""
    alone = [it for made in draw(replace(job, folder=tmp_path / "alone")).values() for it in made]
    shared = replace(job, folder=tmp_path / "both")
    with Helper() as helper:
        process = helper.submit(os.getpid).result()
        with Drawing(shared, None if case == "without a helper" else helper) as drawing:
            if case == "the helper dies":
                while not shared.folder.exists():
                    pass
                os.kill(process, signal.SIGKILL)
            if case == "the helper is first":
                helper.submit(os.getpid).result()
            both = [it for made in drawing.finish().values() for it in made]
            assert contents(both) == contents(alone)


def test_a_bad_style_is_told(job: FigureJob, tmp_path: Path) -> None:
    """An error of drawing reaches the caller as it is."""
    style = tmp_path / "my.mplstyle"
    style.write_text("lines.linewidth: thick\n")
    styled = replace(job, folder=tmp_path, options=FigureOptions(style=style))
    with (
        Helper() as helper,
        Drawing(styled, helper) as drawing,
        pytest.raises(ConfigError, match=r"my\.mplstyle"),
    ):
        drawing.finish()
    assert list(tmp_path.iterdir()) == [style]


@pytest.mark.parametrize("picture", [False, True])
def test_files_of_one_drawing_are_those_of_several(picture: bool, tmp_path: Path) -> None:
    """SVG made of what was drawn as PNG is SVG drawn for itself, to a pixel; also with a picture."""
    number = re.compile(r"-?\d+\.\d+")
    with styled():
        figure, (axes,) = Canvas("column").figure(1, 2.0)
        axes.plot([1, 2, 3], [3, 1, 2], marker="o", linestyle="--")
        axes.fill_between([1, 2, 3], [3, 1, 2], alpha=0.3)
        axes.annotate("name", (2, 1), (2.5, 2), arrowprops={"arrowstyle": "-"})
        if picture:
            axes.imshow(np.eye(3), extent=(1, 2, 1, 2), interpolation="none")
        made = save(figure, tmp_path, "figure")[1].read_text().splitlines()
        alone = rendered(figure, "svg").decode().splitlines()
    # Identifiers are hashes of coordinates, rounded ones too.
    plain = [[re.sub(r"\b[mpC][0-9a-f_]{9,}", "id", it) for it in lines] for lines in (made, alone)]
    ours, theirs = (number.sub("", "\n".join(it)) for it in plain)
    assert ours == theirs
    values = [[float(it) for it in number.findall("\n".join(lines))] for lines in plain]
    assert np.abs(np.subtract(*values)).max() < 72 / 220


@pytest.mark.parametrize("words", ["ticks", "beside", "inside", "pointed at"])
def test_panels_come_to_lie_as_without_remembering(words: str) -> None:
    """Measuring panels once gives the places of matplotlib's own layout, whatever reaches out of them."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.transforms import offset_copy

    def places(layout: PanelLayout | str, **kind: object) -> list[float]:
        figure = Figure(figsize=(7, 2.5), layout=layout)
        FigureCanvasAgg(figure)
        for axes in figure.subplots(1, 3, subplot_kw=kind):
            axes.plot([0, 1234], [0.001, 0.002])
            if words == "beside":
                axes.text(
                    1.0, 0.5, "a name", transform=offset_copy(axes.transAxes, figure, x=9, units="points")
                )
            elif words == "inside":
                axes.text(900, 0.0015, "a long name of a codec")
            elif words == "pointed at":
                axes.annotate("a long name", (900, 0.0015), (9, 0), textcoords="offset points")
        figure.draw_without_rendering()
        return [it for axes in figure.axes for it in axes.get_position().extents]

    np.testing.assert_allclose(places(PanelLayout(), axes_class=PanelAxes), places("constrained"), atol=1e-3)
