"""Figures that a file describes: what a field does, and what is said of a wrong one."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.cli import main
from bench.errors import ConfigError
from bench.plotting.canvas import settle
from bench.plotting.curve_labels import visible_end
from bench.plotting.leaders import Leaders
from bench.plotting.style import FORMATS, styled
from bench.report.build import build_report_data
from bench.report.figure_description import KINDS, FieldProblem, FigureDescription
from bench.report.figure_files import figure_bytes, template
from bench.report.figures import described_figure, figures_of, panel_kinds
from tests.report.hostile import PUBLISHED, crowded, words
from tests.report.made_data import USUAL, made_data
from tests.report.made_data import Made as MadeCodec
from tests.report.page.runs import Made, write_run

CODECS = [Made("jpeg-420", "jpeg", 1.0), Made("webp", "webp", 0.7), Made("avif", "avif", 0.5)]
DATA = made_data(USUAL, published=PUBLISHED)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("figure") / "run", CODECS, images=6, points=5)


@pytest.fixture
def described(run: Path, tmp_path: Path) -> Callable[..., Path]:
    """Writes the file of a figure."""

    def write(**fields: Any) -> Path:
        path = tmp_path / "fig.yaml"
        path.write_text(yaml.safe_dump({"runs": [str(run)], **fields}, sort_keys=False))
        return path

    return write


def figure(**fields: Any) -> Figure:
    """A figure of made-up data."""
    with styled():
        made = described_figure([DATA], FigureDescription.model_validate(fields))
        assert made is not None
        settle(made)
    return made


def curves(axes: Axes) -> dict[str, Line2D]:
    """Those that are drawn, by label."""
    return {str(it.get_label()): it for it in axes.lines if not str(it.get_label()).startswith("_")}


def said(made: Figure) -> list[str]:
    return [it.get_text() for it in words(made)]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_one_class_and_draws_in_every_form(kind: str, described: Callable[..., Path]) -> None:
    """A file that says no more than the kind gives a PNG, an SVG and a PDF, the same bytes each time."""
    assert set(panel_kinds()) == set(KINDS)
    if kind in ("perception", "pareto"):  # what the invented run has nothing for
        with styled():
            assert described_figure([made_data()], FigureDescription(kind=kind)) is not None
        return
    path = described(kind=kind)
    starts = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
    for form in FORMATS:
        drawn = figure_bytes(path, form)
        assert drawn.startswith(starts[form])
        assert drawn == figure_bytes(path, form)


def test_a_report_shows_its_figures_by_descriptions() -> None:
    """The figure of a report is the one of its description, so that a file can ask for the same."""
    data = made_data()
    reported = next(it for it in figures_of(data) if it.name == "rd")
    with styled():
        drawn = figure()
    assert type(reported).description.kind == "rd"  # type: ignore[attr-defined]
    assert [it.get_ylabel() for it in drawn.axes] == ["PSNR (dB)", "MS-SSIM (dB)"]


def test_codecs_are_drawn_in_their_order_with_their_looks() -> None:
    """Name, color, marker and line are those of the file; a codec stands for all its configurations."""
    vae = {"label": "webp", "name": r"$\beta$-VAE", "color": "purple", "marker": "x", "linestyle": "dashed"}
    made = figure(metric="psnr_rgb", codecs=[vae, "jpeg"])
    lines = curves(made.axes[0])
    assert list(lines) == ["webp", "jpeg"]
    assert lines["webp"].get_color() == "#800080"
    assert lines["webp"].get_marker() == "x"
    assert lines["webp"].is_dashed()
    (name,) = (it for it in words(made) if "beta" in it.get_text())
    assert name.get_parse_math()
    two = figure(metric="psnr_rgb", codecs=["avif", "theirs $y$"])
    assert list(curves(two.axes[0])) == ["avif", "theirs $y$"]


def test_a_kind_for_rows_keeps_the_order_of_the_file() -> None:
    """Without codecs the best comes first, with them the first."""
    made = figure(kind="bd_bars", metric="psnr_rgb", codecs=["webp", "jpeg 4:4:4", "avif"])
    assert [it.get_text() for it in made.axes[0].get_yticklabels()] == ["webp", "jpeg 4:4:4", "avif"]


def test_limits_cut_curves_and_names_stand_where_they_leave() -> None:
    """A name's leader begins at the edge of the panel; an axis that begins at 0 is linear."""
    made = figure(metric="psnr_rgb", codecs=["jpeg"], xlim=[0, 0.5], ylim=[20, 50])
    (axes,) = made.axes
    assert axes.get_xlim() == (0, 0.5)
    assert axes.get_ylim() == (20, 50)
    assert axes.get_xscale() == "linear"
    assert [it.get_text() for it in axes.texts] == ["jpeg"]
    (leaders,) = (it for it in axes.collections if isinstance(it, Leaders))
    ((x, y),) = leaders.starts
    assert x == pytest.approx(0.5)
    line = curves(axes)["jpeg"]
    assert y == pytest.approx(np.interp(0.5, np.asarray(line.get_xdata()), np.asarray(line.get_ydata())))


def test_the_visible_end_of_a_line_is_on_it() -> None:
    """The last vertex inside, else where the line leaves; nothing for a line outside."""
    axes = Figure().subplots()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    x = np.array([-1.0, 0.5, 3.0])
    assert visible_end(axes, x, np.array([0.0, 0.5, 3.0])) == pytest.approx((1, 1))
    assert visible_end(axes, x, np.array([0.0, 0.5, np.nan])) == pytest.approx((0.5, 0.5))
    assert visible_end(axes, x, np.array([5.0, 5.0, 5.0])) is None


def test_limits_can_be_of_one_metric() -> None:
    """With panels of several metrics, each has its own."""
    made = figure(metric=["psnr_rgb", "ms_ssim_rgb"], ylim={"psnr_rgb": [10, 60]})
    assert made.axes[0].get_ylim() == (10, 60)
    assert made.axes[1].get_ylim() != (10, 60)


def test_an_inset_shows_a_part_on_the_same_scale() -> None:
    """It has the curves of the panel, its own limits, and no names."""
    made = figure(
        metric="psnr_rgb", xscale="linear", inset={"xlim": [0.3, 0.6], "ylim": [28, 33], "at": "upper left"}
    )
    (axes,) = made.axes
    (inner,) = axes.child_axes
    assert inner.get_xlim() == (0.3, 0.6)
    assert inner.get_xscale() == "linear"
    assert len(curves(inner)) == len(curves(axes))
    assert not inner.texts


def test_an_axis_from_zero_is_linear() -> None:
    """Ratios so far apart that they would stand on a logarithmic axis stand on a linear one from 0."""
    data = made_data((MadeCodec("jpeg", "jpeg"), MadeCodec("huge", "webp", 4.0)))
    for limits, scale in ((None, "log"), ((90, 500), "log"), ((0, 500), "linear")):
        what = FigureDescription(kind="relative_rate", metric=("psnr_rgb",), ylim=limits)
        with styled():
            made = described_figure([data], what)
        assert made is not None
        assert made.axes[0].get_yscale() == scale
        assert limits is None or made.axes[0].get_ylim() == limits


@pytest.mark.parametrize("place", ["direct", "inside", "outside", "off"])
def test_names_stand_where_the_legend_is_wanted(place: str) -> None:
    """At the curves, in a box of the panel or below all of them, or nowhere."""
    made = figure(metric="psnr_rgb", codecs=["jpeg", {"label": "avif", "name": r"$\ell_2$"}], legend=place)
    assert ("jpeg" in said(made)) == (place != "off")
    assert (made.axes[0].get_legend() is not None) == (place == "inside")
    assert bool(made.legends) == (place == "outside")
    if place != "off":
        assert next(it for it in words(made) if "ell" in it.get_text()).get_parse_math()


def test_title_note_and_width_are_choices() -> None:
    """Off is nothing, a text is that text, and a number is inches."""
    made = figure(kind="bd_bars", metric="psnr_rgb", title=False, note=False, width=4.2)
    assert made.get_figwidth() == pytest.approx(4.2)
    assert not made.axes[0].get_title(loc="left")
    assert not any("BD-rate against" in it for it in said(made))
    assert "Two panels" in said(figure(title="Two panels"))
    assert figure(metric="psnr_rgb").get_figwidth() == 3.5
    assert figure().get_figwidth() == 7.2


@pytest.mark.parametrize(("kind", "differ"), [("bd_bars", True), ("rd", False)])
def test_panels_without_titles_can_be_told_apart(kind: str, differ: bool) -> None:
    """Titles that are off stay where they alone say what a panel is of."""
    made = figure(kind=kind, metric=["psnr_rgb", "ms_ssim_rgb"], title=False)
    titles = [it.get_title(loc="left") for it in made.axes]
    assert [bool(it) for it in titles] == [differ, differ]
    assert differ == (titles[0] != titles[1])


def test_a_title_without_room_loses_its_end() -> None:
    """In half a column the number of images gives way, not the name of the data set."""
    made = figure(kind="grid", metric=["psnr_rgb", "ms_ssim_rgb"], width="column")
    assert [it.get_title(loc="left") for it in made.axes] == [DATA.dataset] * 2


def test_a_dark_ground_has_lighter_lines(tmp_path: Path) -> None:
    """Black curves and words would not be seen on a dark style."""
    style = tmp_path / "dark.mplstyle"
    style.write_text('axes.facecolor: "#14171b"\nfigure.facecolor: "#14171b"\n')
    with styled(style):
        made = described_figure([DATA], FigureDescription(metric=("psnr_rgb",)))
    assert made is not None
    assert curves(made.axes[0])["jpeg"].get_color() == "#ededed"


def test_a_grid_has_a_row_for_each_data_set_and_equal_scales(run: Path, tmp_path: Path) -> None:
    """Metrics stand in columns; labels that both runs have are one codec, in one legend below."""
    other = write_run(tmp_path / "other", CODECS, images=3, points=6, dataset="clic")
    data = build_report_data([run, other])
    with styled():
        made = described_figure(data, FigureDescription(kind="grid", codecs=("webp", "avif")))  # type: ignore[arg-type]
    assert made is not None
    assert [it.get_title(loc="left").partition(",")[0] for it in made.axes] == ["kodak"] * 2 + ["clic"] * 2
    assert made.axes[0].get_ylim() == made.axes[2].get_ylim()
    assert made.axes[0].get_xlim() == made.axes[2].get_xlim()
    (legend,) = made.legends
    assert [it.get_text() for it in legend.get_texts()] == ["webp", "avif"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("legend", ["direct", "inside", "outside"])
def test_nothing_is_cut_whatever_the_names(kind: str, legend: str) -> None:
    """Many codecs with hostile labels fit a column, their names at the curves and in a legend below."""
    if legend != "direct" and kind in ("bd_bars", "per_image"):
        pytest.skip("rows are named at their left")
    fields = {"kind": kind, "width": "column"} | ({"legend": legend} if legend != "direct" else {})
    with styled(), warnings.catch_warnings():
        warnings.simplefilter("error")
        made = described_figure([crowded()], FigureDescription.model_validate(fields))
        assert made is not None
        settle(made)
        for text in words(made):
            box = text.get_window_extent()
            assert min(box.x0, box.y0, made.bbox.x1 - box.x1, made.bbox.y1 - box.y1) > -1, text.get_text()


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"kind": "rd", "color": "red"}, r"fig\.yaml:4: color: unknown key"),
        ({"kind": "radar"}, r"fig\.yaml:3: kind: 'radar' is none of rd, bd_bars"),
        (
            {"codecs": ["webp", "wepb"]},
            r"fig\.yaml:5: codecs\.#2\.label: no codec 'wepb'; did you mean 'webp'",
        ),
        (
            {"codecs": [{"label": "webp", "marker": "%"}]},
            r"fig\.yaml:5: codecs\.#1\.marker: '%' is no marker",
        ),
        ({"codecs": [{"label": "webp", "color": "rouge"}]}, r"codecs\.#1\.color: 'rouge' is no color"),
        ({"codecs": [{"label": "webp", "name": r"$\input{x}$"}]}, r"codecs\.#1\.name: .* is not mathematics"),
        (
            {"metric": ["psnr_rgb", "vif"]},
            r"fig\.yaml:5: metric\.#2: nothing has a curve in 'vif'; there are",
        ),
        ({"datasets": "clic"}, r"fig\.yaml:3: datasets: no data set 'clic'; there are kodak"),
        ({"xlim": [2, 1]}, r"fig\.yaml:3: xlim: the first limit is below the second, not \[2, 1\]$"),
        ({"ylim": {"psnr_rgb": 30}}, r"ylim: write \[lowest, highest\], or .*, not 30$"),
        ({"width": 0.2}, r"fig\.yaml:3: width: column, double, or inches from 1 to 40, not 0\.2$"),
        (
            {"inset": {"xlim": [1, 2], "ylim": [1, 2], "at": "left"}},
            r"inset\.at: auto, upper left, .*not 'left'$",
        ),
        ({"style": "no.mplstyle"}, r"fig\.yaml:3: style: no\.mplstyle: no such file"),
        ({"references": "vvc"}, r"fig\.yaml:3: references: reference 'vvc': neither a file nor"),
        ({"xlim": [0, 1], "xscale": "log"}, r"xscale: a logarithmic axis begins above 0"),
        (
            {"inset": {"xlim": [0, 1], "ylim": [28, 33]}},
            r"inset: its part of a logarithmic axis begins above",
        ),
        ({"kind": "bd_bars", "inset": {"xlim": [0, 1], "ylim": [0, 1]}}, r"inset: means nothing to kind bd"),
        ({"kind": "perception"}, r"fig\.yaml:3: kind: the runs have nothing for perception"),
        ({"anchor": "vvc"}, r"fig\.yaml:3: anchor: anchor 'vvc' is in none of the runs"),
        (
            {"codecs": [{"label": "webp", "color": None}]},
            r"fig\.yaml:5: codecs\.#1\.color: nothing is given; .*quote",
        ),
        ({"codecs": ["webp", "webp"]}, r"fig\.yaml:3: codecs: webp stands here twice"),
        (
            {"ylim": {"psnr_rbg": [1, 2]}},
            r"fig\.yaml:4: ylim\.psnr_rbg: no panel shows it; did you mean 'psnr_rgb'",
        ),
        ({"xlim": [90, 99]}, r"fig\.yaml:3: xlim: nothing of psnr_rgb lies within the limits"),
        (
            {"inset": {"xlim": [90, 99], "ylim": [1, 2]}},
            r"fig\.yaml:3: inset: nothing that is drawn lies within",
        ),
        (
            {"inset": {"xlim": [1, 2], "ylim": [1, 2], "at": [0.8, 0, 0.4, 0.4]}},
            r"inset\.at: .* inside of it",
        ),
        ({"metric": 3}, r"fig\.yaml:3: metric: write a text, not 3"),
        (
            {"width": "column", "decibels": "perhaps"},
            r"fig\.yaml:4: decibels: write true or false, not 'perhaps'",
        ),
    ],
)
def test_errors_name_file_and_field(
    fields: dict[str, Any], problem: str, described: Callable[..., Path]
) -> None:
    """Whatever is wrong in itself, or is not in the runs, is told where it stands."""
    with pytest.raises(ConfigError, match=problem):
        figure_bytes(described(**fields), "png")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (r"codecs: [{label: webp, name: $\mathcal{K}$LT}]", r"fig\.yaml:2: .*single quotes, as in '\$"),
        ("codecs:\n  - {label: webp, color: #cc0000}\n", r"fig\.yaml:3: .*# begins a comment.*'#cc0000'"),
        (r'codecs: [{label: webp, name: "$\beta$"}]', r"fig\.yaml:2: codecs\.#1\.name: .*single quotes"),
        (r'codecs: [{label: webp, name: "$\mu$"}]', r"fig\.yaml:2: .*single quotes"),
        ("- webp", r"fig\.yaml:1: document: write a mapping of keys to values, not a list"),
    ],
)
def test_traps_of_yaml_are_told(text: str, problem: str, run: Path, tmp_path: Path) -> None:
    """What YAML makes of # { } and backslashes is told with the line and the way to write it."""
    path = tmp_path / "fig.yaml"
    path.write_text(text if text.startswith("-") else f"runs: [{run}]\n{text}")
    with pytest.raises(ConfigError, match=problem):
        figure_bytes(path, "png")


def test_an_inset_stands_where_least_is_drawn() -> None:
    """With ``at: auto`` in the emptiest corner; one over curves is told."""
    part = {"xlim": [0.3, 0.6], "ylim": [28, 33]}
    with warnings.catch_warnings(action="error", category=UserWarning):
        made = figure(metric="psnr_rgb", codecs=["webp"], inset=part)
    (inner,) = made.axes[0].child_axes
    left, bottom = made.axes[0].transAxes.inverted().transform(inner.bbox.min)
    assert (left, bottom) == pytest.approx((0.1, 0.58))
    with pytest.warns(UserWarning, match="covers parts of curves"):
        figure(metric="psnr_rgb", inset=part | {"at": [0.2, 0.2, 0.6, 0.6]})


def test_a_look_is_of_one_configuration() -> None:
    """A codec of several configurations can't have one color."""
    data = made_data([*USUAL[:1], *(MadeCodec(it, "jpegs", 0.8) for it in "ab")])
    what = FigureDescription.model_validate({"codecs": [{"label": "jpegs", "color": "red"}]})
    with pytest.raises(FieldProblem, match="'jpegs' is each of a, b"):
        described_figure([data], what)


def test_by_command(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--new writes a file that is drawn as it is; labels of a run that look like YAML stay text."""

    def rdbench(*line: str) -> int:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.argv", ["rdbench", "figure", *line])
            with pytest.raises(SystemExit) as stopped:
                main()
        return int(stopped.value.code or 0)

    assert rdbench("--new", str(run)) == 0
    path = tmp_path / "new.yaml"
    path.write_text(capsys.readouterr().out)
    assert [it["label"] for it in yaml.safe_load(path.read_text())["codecs"]] == ["jpeg-420", "webp", "avif"]
    assert rdbench(str(path)) == 0
    assert (tmp_path / "new.pdf").read_bytes().startswith(b"%PDF")
    assert rdbench(str(path), "-o", str(tmp_path / "new.gif")) == 2
    assert rdbench() == 2
    labels = ["no", 'a: "b" # {', "0x1F"]
    odd = write_run(tmp_path / "odd", [Made(it, "jpeg", 1.0) for it in labels], 6, 5)
    codecs = yaml.safe_load(template(odd))["codecs"]
    assert [it["label"] for it in codecs] == labels


def test_data_sets_that_look_like_yaml_stay_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a run of several, the file names each as it is."""
    several = [dataclasses.replace(DATA, dataset=it) for it in ("2024", "a, b")]
    monkeypatch.setattr("bench.report.figure_files.build_report_data", lambda runs: several)
    assert yaml.safe_load(template(Path("run")))["datasets"] == ["2024", "a, b"]
