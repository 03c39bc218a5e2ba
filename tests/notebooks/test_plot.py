"""Figures on the caller's axes: nothing but these is touched."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import bench
from bench.errors import ConfigError
from bench.plot import __all__ as KINDS
from tests.report.page.runs import Made, write_run

CODECS = [Made("jpeg-420", "jpeg", 1.0), Made("webp", "webp", 0.7), Made("avif", "avif", 0.5)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("plot") / "run", CODECS, images=6, points=5)


@pytest.fixture
def axes() -> Axes:
    return Figure(figsize=(5, 4)).subplots()


@pytest.mark.parametrize("kind", sorted({*KINDS} - {"perception"}))
def test_each_kind_draws_on_the_callers_axes(kind: str, run: Path, axes: Axes) -> None:
    """They are returned, and settings, figure and title stay as they were."""
    before = matplotlib.rcParams.copy()
    figure = axes.figure
    assert getattr(bench.plot, kind)(run, ax=axes) is axes
    assert axes.has_data()
    assert all(matplotlib.rcParams[it] == before[it] for it in before if it != "backend")
    assert axes.figure is figure
    assert tuple(figure.get_size_inches()) == (5, 4)
    assert not axes.get_title() + axes.get_title(loc="left")


def test_pyplot_is_imported_only_for_new_axes(run: Path) -> None:
    """With axes given there is no current figure; without, a new one that is, unless nothing is drawn."""
    script = (
        "import sys, bench\n"
        "from matplotlib.figure import Figure\n"
        f"bench.plot.rd({str(run)!r}, ax=Figure().subplots())\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        f"axes = bench.plot.rd({str(run)!r})\n"
        "from matplotlib import pyplot\n"
        "assert pyplot.gca() is axes\n"
        "try:\n"
        f"    bench.plot.rd({str(run)!r}, codecs=['vvc'])\n"
        "except Exception as error:\n"
        "    assert 'vvc' in str(error)\n"
        "assert len(pyplot.get_fignums()) == 1\n"
    )
    environment = {"MPLBACKEND": "agg", "PYTHONPATH": ":".join(sys.path)}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)


def test_options_are_those_of_a_figures_file(run: Path, axes: Axes) -> None:
    """Order, names and colors of codecs, limits and the place of names."""
    codecs = [{"label": "avif", "name": r"$\lambda$", "color": "red"}, "jpeg"]
    bench.plot.rd(run, "ms_ssim_rgb", codecs=codecs, ax=axes, ylim=(5, 25), legend="direct")
    drawn = {it.get_label(): it for it in axes.lines}
    assert drawn["avif"].get_color() == "#ff0000"
    assert axes.get_ylim() == (5, 25)
    assert {it.get_text() for it in axes.texts} == {r"$\lambda$", "jpeg-420"}
    assert axes.get_legend() is None
    with pytest.raises(ConfigError, match=r"codecs\.0\.label: no codec 'vvc'"):
        bench.plot.rd(run, codecs=["vvc"], ax=axes)
    with pytest.raises(ConfigError, match=r"codecs\.0\.color: .*is no color"):
        bench.plot.rd(run, codecs=[{"label": "avif", "color": "rouge"}], ax=axes)


def test_several_data_sets_have_to_be_told_apart(run: Path, tmp_path: Path, axes: Axes) -> None:
    """One axes shows one of them."""
    both = [run, write_run(tmp_path / "other", CODECS, images=3, points=5, dataset="clic")]
    with pytest.raises(ConfigError, match=r"say dataset=…, one of kodak, clic"):
        bench.plot.rd(both, ax=axes)
    bench.plot.rd(both, ax=axes, dataset="clic")
    assert len(axes.lines) == 3


def test_axes_show_one_metric(run: Path, axes: Axes) -> None:
    """Several are refused rather than the first one drawn."""
    with pytest.raises(ConfigError, match=r"metric: \['psnr_rgb', 'ms_ssim_rgb'\] is not one metric"):
        bench.plot.rd(run, metric=["psnr_rgb", "ms_ssim_rgb"], ax=axes)  # type: ignore[arg-type]


def test_ticks_follow_the_axes(run: Path, axes: Axes) -> None:
    """After other limits there are other ticks, all of them inside and written as plain numbers."""
    bench.plot.rd(run, ax=axes)
    axes.set_xlim(0.021, 0.036)
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]
    ticks = axes.get_xticks()
    assert len(ticks) > 2
    assert all(0.021 <= it <= 0.036 for it in ticks)
    assert [it.get_text() for it in axes.get_xticklabels()] == [f"{it:g}" for it in ticks]


def test_markers_follow_the_settings_of_the_caller(run: Path, axes: Axes) -> None:
    """They are as much larger as those of the caller's style."""
    for size in (4, 8):
        with matplotlib.rc_context({"lines.markersize": size}):
            bench.plot.rd(run, codecs=["jpeg"], ax=axes)
    small, large = (it.get_markersize() for it in axes.lines)
    assert large == pytest.approx(2 * small)
