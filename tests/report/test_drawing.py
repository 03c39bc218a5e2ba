"""Figures drawn by two processes are those of one, whatever becomes of the second."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from bench.errors import ConfigError
from bench.host.helper_process import Helper
from bench.report.figures import FigureOptions, Plan, plans
from bench.report.figures.drawing import Drawing, Target, draw
from tests.report.figure_boards import board


@pytest.fixture(scope="module")
def figures() -> list[Plan]:
    """Some small figures to draw."""
    return [it for it in plans(board()) if it.name.startswith("rd_")][:4]


def contents(files: list[Path]) -> list[tuple[str, bytes]]:
    """Names and bytes."""
    return [(it.name, it.read_bytes()) for it in files]


@pytest.mark.parametrize("case", ["helped", "without a helper", "the helper dies", "the helper is first"])
def test_two_processes_draw_the_same_files(case: str, figures: list[Plan], tmp_path: Path) -> None:
    """The same files in the same order as one process, also where the helper is killed while it draws."""
    alone = [it for made in draw(figures, Target(tmp_path / "alone")).values() for it in made]
    target = Target(tmp_path / "both")
    with Helper() as helper:
        process = helper.submit(os.getpid).result()
        with Drawing(figures, target, None if case == "without a helper" else helper) as drawing:
            if case == "the helper dies":
                while not target.folder.exists():
                    pass
                os.kill(process, signal.SIGKILL)
            if case == "the helper is first":
                helper.submit(os.getpid).result()
            assert contents(drawing.finish()) == contents(alone)


def test_a_bad_style_is_told(figures: list[Plan], tmp_path: Path) -> None:
    """An error of drawing reaches the caller as it is."""
    style = tmp_path / "my.mplstyle"
    style.write_text("lines.linewidth: thick\n")
    target = Target(tmp_path, options=FigureOptions(style=style))
    with (
        Helper() as helper,
        Drawing(figures, target, helper) as drawing,
        pytest.raises(ConfigError, match=r"my\.mplstyle"),
    ):
        drawing.finish()
    assert list(tmp_path.iterdir()) == [style]
