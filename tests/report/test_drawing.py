"""Figures drawn by two processes are those of one, whatever becomes of the second."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import ConfigError
from bench.host.helper_process import Helper
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
