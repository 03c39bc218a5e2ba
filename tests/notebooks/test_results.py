"""Curves and comparisons from Python are those of the report."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

import bench
from bench.errors import ConfigError
from bench.report.build import build_report_data
from tests.report.page.runs import Made, write_run

CODECS = [Made("jpeg-420", "jpeg", 1.0), Made("<i>webp", "webp", 0.7), Made("avif", "avif", 0.5)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("results") / "run", CODECS, images=6, points=5)


def test_curves_are_those_of_the_report(run: Path, tmp_path: Path) -> None:
    """By label, in the order that is asked for, published ones among them."""
    (data,) = build_report_data([run])
    assert bench.curves(run) == data.curves["psnr_rgb"]
    file = tmp_path / "theirs.csv"
    file.write_text("codec,bpp,psnr_rgb\ntheirs,0.2,28\ntheirs,0.9,36\n")
    some = bench.curves(run, codecs=["theirs", "jpeg"], references=[str(file)])
    assert list(some) == ["theirs", "jpeg-420"]
    assert bench.bd_rate(some["jpeg-420"], bench.curves(run)["avif"]).value == pytest.approx(-50, abs=0.1)
    with pytest.raises(ConfigError, match="nothing has a curve in 'vif'"):
        bench.curves(run, "vif")


def test_a_comparison_is_a_table_of_bd_rates(run: Path) -> None:
    """One row for each metric and codec but the anchor, with interval, wins and overlap of the report."""
    frame = bench.compare(run, anchor="jpeg", metrics=["psnr_rgb"])
    assert isinstance(frame, pd.DataFrame)
    (data,) = build_report_data([run])
    for row in frame.to_dict(orient="records"):
        both = data.bd["psnr_rgb"][row["codec"]]
        assert row["bd_rate"] == both.per_image.value
        assert (row["low"], row["high"]) == both.per_image.ci95
        assert (row["wins"], row["images"]) == (6, 6)
        assert row["overlap"] == both.per_image.overlap
    assert list(frame["codec"]) == ["<i>webp", "avif"]
    assert list(bench.compare(run, codecs=["avif"])["codec"].unique()) == ["avif"]
    with pytest.raises(ConfigError, match="anchor 'vvc' is in none"):
        bench.compare(run, anchor="vvc")


def test_a_comparison_reads_well_in_a_notebook(run: Path) -> None:
    """It is a table with names escaped; a part of it is shown as pandas does."""
    frame = bench.compare(run)
    html = frame._repr_html_()
    assert "BD-rate against jpeg-420" in html
    assert "&lt;i&gt;webp" in html
    assert "<i>" not in html
    assert "−50.0" in html
    assert "dataframe" in frame[["codec", "bd_rate"]]._repr_html_()


def test_a_run_that_went_on_is_read_again(tmp_path: Path) -> None:
    """What is kept between two questions is of the folder as it is."""
    folder = tmp_path / "run"
    write_run(folder, CODECS[:2], images=3, points=4)
    assert list(bench.curves(folder)) == ["jpeg-420", "<i>webp"]
    write_run(folder, CODECS, images=3, points=4)
    assert list(bench.curves(folder)) == ["jpeg-420", "<i>webp", "avif"]


def test_published_curves_that_changed_are_read_again(run: Path, tmp_path: Path) -> None:
    """What is kept is of the files of references as they are, too."""
    file = tmp_path / "theirs.csv"
    for count in (2, 3):
        points = "".join(f"theirs,{0.2 * k},{25 + 3 * k}\n" for k in range(1, count + 1))
        file.write_text(f"codec,bpp,psnr_rgb\n{points}")
        assert len(bench.curves(run, references=[str(file)])["theirs"].rate) == count


def test_no_module_takes_the_place_of_a_function() -> None:
    """A package of the name would become the attribute once anything imports it."""
    importlib.import_module("bench.cli.reporting")
    shadowed = [it for it in bench.__all__ if isinstance(getattr(bench, it), ModuleType)]
    assert shadowed == ["plot"]
