"""Paper figures: complete, embedded, repeatable, and nothing cut or on top of each other."""

from __future__ import annotations

import itertools
import math
import pickle
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Annotation, Text

from bench.errors import ConfigError
from bench.plotting.canvas import Canvas, Width, settle
from bench.plotting.colours import readable
from bench.plotting.curve_labels import spread, untangle
from bench.plotting.series_style import Series, SeriesStyle, series_styles
from bench.plotting.style import styled
from bench.report import FigureOptions
from bench.report.data import ReportData
from bench.report.drawing import draw, job_for
from bench.report.figures import figures_of
from bench.report.figures._rows import PITCH
from bench.report.figures._scatter import ScatterPoint, draw_points, name_points
from bench.report.figures.per_image import ImageStrips
from bench.report.options import AS_IT_SUITS
from tests.report.hostile import HOSTILE, PUBLISHED, assert_nothing_is_cut, crowded, words
from tests.report.made_data import USUAL, Made, made_data

COMPARED = {"bd_rate", "bd_rate_per_image", "relative_rate", "speed_psnr_rgb", "speed_ms_ssim_rgb"}
"""What needs two codecs."""


def figure(name: str, data: ReportData | None = None, width: Width = "double") -> Figure:
    """One figure, built and laid out but not saved."""
    data = data or made_data()
    with styled():
        made = next(it for it in figures_of(data) if it.name == name).draw(
            data.without_trials(), Canvas(width)
        )
        assert made is not None
        settle(made)
        made.draw_without_rendering()
    return made


def write_figures(
    data: ReportData, folder: Path, prefix: str = "", options: FigureOptions = AS_IT_SUITS
) -> list[Path]:
    """The files of all figures."""
    return [file for made in draw(job_for(data, folder, prefix, options)).values() for file in made]


def line(axes: Axes, label: str) -> Line2D:
    """The curve that was drawn under a label."""
    return next(it for it in axes.lines if it.get_label() == label)


def note_of(made: Figure) -> str:
    """Everything that a figure says, on one line."""
    return " ".join(" ".join(it.get_text().split()) for it in words(made))


def test_every_figure_comes_in_three_formats_with_its_fonts(tmp_path: Path) -> None:
    """Each figure is a PNG, an SVG whose words are outlines, and a PDF with embedded TrueType fonts."""
    data = made_data((*USUAL, Made("learned", "learned", 0.6, kmac=100.0)), published=PUBLISHED)
    drawn = draw(job_for(data, tmp_path, "kodak_"))
    assert list(drawn) == [it.name for it in figures_of(data)]
    empty = [name for name, files in drawn.items() if not files]
    assert not empty, f"{empty} have nothing to draw: let tests/report/made_data.py make it up"
    for name, files in drawn.items():
        assert {it.name for it in files} == {f"kodak_{name}.{ending}" for ending in ("png", "svg", "pdf")}
    files = [file for its in drawn.values() for file in its]
    assert set(tmp_path.iterdir()) == set(files)
    for file in files:
        content = file.read_bytes()
        if file.suffix == ".pdf":
            assert b"/FontFile2" in content
            assert b"/Type3" not in content
        if file.suffix == ".svg":
            assert b"<text" not in content


def test_the_same_data_give_the_same_bytes(tmp_path: Path) -> None:
    """Two writes do not differ in a byte, so that published results change only with their numbers."""
    made = (Made("jpeg", "jpeg"), Made("png", "png", lossless=True))
    first = write_figures(made_data(made, published=PUBLISHED), tmp_path / "a")
    second = write_figures(made_data(made, published=PUBLISHED), tmp_path / "b")
    assert [it.read_bytes() for it in first] == [it.read_bytes() for it in second]


@pytest.mark.parametrize("width", ["column", "double"])
def test_nothing_is_cut_whatever_the_labels(width: Width) -> None:
    """All words lie on the canvas, for many codecs, long and hostile labels, without a warning."""
    data = crowded()
    for kind in figures_of(data):
        assert_nothing_is_cut(kind, data, width)


@pytest.mark.parametrize("name", ["rd_psnr_rgb", "rd_lpips_alex", "relative_rate"])
def test_labels_of_curves_do_not_overlap(name: str) -> None:
    """Twenty curves that end next to each other have labels that one can read, each text a different one."""
    for axes in figure(name, made_data(HOSTILE, published=PUBLISHED)).axes:
        boxes = [Text.get_window_extent(it) for it in axes.texts]
        assert len(boxes) >= 16
        assert len({it.get_text() for it in axes.texts}) == len(boxes)
        for one, other in itertools.combinations(boxes, 2):
            assert min(one.y1, other.y1) - max(one.y0, other.y0) < 0.35 * one.height


def test_a_codec_looks_the_same_in_every_report() -> None:
    """Colour and marker depend on the codec alone; configurations share the colour and differ otherwise."""
    alone, among = made_data((Made("w", "webp"), Made("mine", "mine"))).styles, made_data(HOSTILE).styles
    more = made_data((*USUAL, Made("mine", "mine"))).styles
    assert alone["w"].colour == among["webp"].colour
    assert alone["mine"] == more["mine"]
    assert among["jpeg"].colour == among["jpeg 4:4:4"].colour
    assert among["jpeg"].marker != among["jpeg 4:4:4"].marker
    assert among["jpeg"].dash != among["jpeg 4:4:4"].dash


def test_a_stranger_is_not_drawn_like_a_codec_beside_it() -> None:
    """Whatever its name, its colour can be told from those of the built-in codecs that stand with it."""
    known = [Series(it, it) for it in ("jpeg", "webp", "avif", "jpegxl")]
    for name in map("codec{}".format, range(20)):
        styles = series_styles([*known, Series(name, name)])
        mine, *others = (bytes.fromhex(styles[it].colour[1:]) for it in (name, *(it.label for it in known)))
        assert min(math.dist(mine, it) for it in others) >= 80
        assert styles["webp"].colour == "#009e73"


def test_strangers_do_not_share_a_colour() -> None:
    """Eight codecs that nobody foresaw have eight colours, none of them a built-in codec's."""
    names = ("vtm", "bpg", "elic", "mbt2018", "hyperprior", "cheng2020", "heic", "jpegxs")
    strangers = [Made(it, it) for it in names]
    colours = [made_data((*USUAL, *strangers)).styles[it.label].colour for it in (*USUAL[2:], *strangers)]
    assert len(set(colours)) == len(colours)


def test_words_have_contrast() -> None:
    """Light colours are darkened for words until they reach a contrast of 4.5 with white."""
    assert readable("#000000") == "#000000"
    channels = [int(readable("#f0e442")[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    luminance = np.dot([0.2126, 0.7152, 0.0722], [((c + 0.055) / 1.055) ** 2.4 for c in channels])
    assert 1.05 / (luminance + 0.05) >= 4.5


def test_published_and_estimated_curves_are_not_taken_for_measured() -> None:
    """They are thinner, dashed, hollow and grey, each kind in its way, and a note says what they are."""
    made = figure("rd_psnr_rgb", made_data(published=PUBLISHED))
    measured, published, estimated = (
        line(made.axes[0], it) for it in ("webp", "theirs $y$", "guess (estimated)")
    )
    assert measured.get_linestyle() == "-"
    assert published.get_linestyle() == estimated.get_linestyle() == "--"
    assert (
        made_data(published=PUBLISHED).styles["theirs $y$"].dash
        != made_data(published=PUBLISHED).styles["guess (estimated)"].dash
    )
    assert published.get_linewidth() < measured.get_linewidth()
    assert (
        to_hex(str(published.get_markerfacecolor()))
        == "#ffffff"
        != to_hex(str(measured.get_markerfacecolor()))
    )
    assert "estimated and published, not measured here" in note_of(made)


def test_rd_curves_show_the_mean_points() -> None:
    """PSNR in dB over bpp as in the data's curve; MS-SSIM also as −10·log10(1 − mean)."""
    data = made_data()
    curve = data.curves["psnr_rgb"]["webp"]
    drawn = line(figure("rd_psnr_rgb", data).axes[0], "webp")
    np.testing.assert_allclose(np.asarray(drawn.get_xdata(), float), curve.rate)
    np.testing.assert_allclose(np.asarray(drawn.get_ydata(), float), curve.quality)
    decibel = line(figure("rd_ms_ssim_rgb_db", data).axes[0], "webp").get_ydata()
    plain = np.asarray(data.curves["ms_ssim_rgb"]["webp"].quality)
    np.testing.assert_allclose(np.asarray(decibel, float), -10 * np.log10(1 - plain))


def test_relative_rate_of_twice_the_bits_is_200_percent() -> None:
    """A curve with twice the anchor's rate at every quality is a line at 200%."""
    axes = figure("relative_rate", made_data((Made("jpeg", "jpeg"),), published={"double": 2.0})).axes[0]
    levels = [
        np.asarray(it.get_ydata(), float) for it in axes.lines if len(np.atleast_1d(it.get_xdata())) > 9
    ]
    assert levels
    for level in levels:
        np.testing.assert_allclose(level, 200.0, rtol=1e-6)


def test_bars_are_sorted_and_name_the_anchor() -> None:
    """The codec that needs fewest bits stands on top; the anchor has its row and its name in the note."""
    made = figure("bd_rate")
    assert [it.get_text() for it in made.axes[0].get_yticklabels()] == ["avif", "webp", "jpeg", "jpeg 4:4:4"]
    assert "BD-rate against jpeg, image by image," in note_of(made)
    assert "anchor" in [it.get_text() for it in made.axes[0].texts]


def test_what_is_not_ranked_stands_below_and_is_pale() -> None:
    """A BD-rate over less than half of the range leads no figure: last among bars, and on no front."""
    high = Made("high", "high", 0.3, shift=12.0)
    data = made_data((Made("jpeg", "jpeg"), high, Made("webp", "webp", 0.7)))
    bars = figure("bd_rate", data)
    assert [it.get_text() for it in bars.axes[0].get_yticklabels()] == ["webp", "jpeg", "high"]
    opacity = {round(it.get_y() + it.get_height() / 2): it.get_alpha() for it in bars.axes[0].patches}
    assert opacity[2] < 0.5 < opacity[0]
    speed = figure("speed_psnr_rgb", data)
    front = next(it for it in speed.axes[0].lines if it.get_color() == "#cccccc")
    lowest = min(np.min(np.asarray(it.get_ydata(), float)) for it in speed.axes[0].lines)
    assert lowest < np.min(np.asarray(front.get_ydata(), float)), "high needs fewest bits"
    for made in (bars, speed):
        assert "under 50% of the range" in note_of(made)
        assert "under 50% of the range" not in note_of(figure("bd_rate"))


def test_times_under_load_are_called_that() -> None:
    """A figure of speeds says when they were taken while other trials ran."""
    for name in ("speed_psnr_rgb", "lossless"):
        assert "throughput, not latency" in note_of(figure(name))


def test_what_has_no_data_is_not_drawn(tmp_path: Path) -> None:
    """Lossless codecs alone give the lossless figure; one lossy codec gives curves and no comparison."""
    only = write_figures(made_data((Made("png", "png", lossless=True),)), tmp_path)
    stems = {it.stem for it in only}
    assert "lossless" in stems
    assert not stems & {*COMPARED, "rd", "rd_psnr_rgb"}
    single = write_figures(made_data((Made("jpeg", "jpeg"),), images=1), tmp_path)
    stems = {it.stem for it in single}
    assert stems >= {"rd", "rd_psnr_rgb", "rd_ms_ssim_rgb", "rd_ms_ssim_rgb_db", "rd_lpips_alex"}
    assert not stems & {*COMPARED, "lossless"}


def test_a_style_file_replaces_ours(tmp_path: Path) -> None:
    """The user's settings count, and what PDF and labels need stays as it is."""
    style = tmp_path / "mine.mplstyle"
    style.write_text("axes.facecolor: red\ntext.usetex: True\n")
    with styled(style):
        assert matplotlib.rcParams["axes.facecolor"] == "red"
        assert matplotlib.rcParams["pdf.fonttype"] == 42
        assert not matplotlib.rcParams["text.usetex"]


@pytest.mark.parametrize("text", [None, "font.size: tall\n"])
def test_a_bad_style_file_is_named(tmp_path: Path, text: str | None) -> None:
    """An absent file and a wrong value are errors that name the file."""
    style = tmp_path / "mine.mplstyle"
    if text is not None:
        style.write_text(text)
    with pytest.raises(ConfigError, match=r"mine\.mplstyle"):
        write_figures(made_data(), tmp_path, options=FigureOptions(style=style))


def test_matplotlib_is_left_as_it_was(tmp_path: Path) -> None:
    """Settings are restored, and pyplot with its global figures is never imported."""
    script = (
        "import sys, pathlib, matplotlib\n"
        "from tests.report.made_data import Made, made_data\n"
        "from bench.report.drawing import draw, job_for\n"
        "before = matplotlib.rcParams.copy()\n"
        "data = made_data((Made('png', 'png', lossless=True),))\n"
        f"draw(job_for(data, pathlib.Path({str(tmp_path)!r})))\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "same = [k for k in before if k != 'backend' and matplotlib.rcParams[k] == before[k]]\n"
        "assert len(same) == len(before) - 1\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[2])


@pytest.mark.parametrize("limits", [(1.0, 2000.0), (0.2, 0.9)])
def test_a_logarithmic_axis_reads_as_plain_numbers(limits: tuple[float, float]) -> None:
    """An axis that was merely set to logarithmic has ticks like 100 and 0.5, over decades and within one."""
    with styled():
        made, (axes,) = Canvas("double").figure(1, 2.0)
        axes.set_yscale("log")
        axes.set_ylim(limits)
        axes.set_xticks([])
        settle(made)
        shown = sorted(float(it.get_text()) for it in words(made))
    assert len(shown) >= 3
    assert limits[0] <= shown[0] < shown[-1] <= limits[1]


@pytest.mark.parametrize("name", ["frame", "per_image"])
def test_a_figure_that_asks_for_trials_is_told_what_to_do(name: str) -> None:
    """It has none, in this process or a helper: the error names where a field for its result belongs."""
    data = pickle.loads(pickle.dumps(made_data().without_trials()))
    assert data.entries
    with pytest.raises(
        AttributeError, match=rf"no `{name}`: add a field .* filled in bench/report/build\.py"
    ):
        getattr(data, name)


def test_labels_spread_no_further_than_needed() -> None:
    """Free labels stay, crowded ones move apart around their common middle, and none leaves the range."""
    np.testing.assert_allclose(spread(np.array([10.0, 50.0]), 10, 0, 100), [10, 50])
    np.testing.assert_allclose(spread(np.array([50.0, 50.0]), 10, 0, 100), [45, 55])
    np.testing.assert_allclose(spread(np.array([99.0, 100.0, 2.0]), 10, 0, 100), [85, 95, 5])


def test_leaders_from_one_height_do_not_cross() -> None:
    """Of two curves that end equally low, the one that ends further left gets the higher label."""
    tips = np.array([[0.9, 0.0], [0.5, 0.0], [0.9, 0.5]])
    np.testing.assert_allclose(untangle(tips, np.array([0.3, 0.2, 0.5]), np.arange(3), 0.01), [0.2, 0.3, 0.5])


def test_a_leader_runs_around_other_names() -> None:
    """Of two dots side by side and one below, the name that has to go away crosses none."""
    points = [
        ScatterPoint(it, x, y, SeriesStyle("#000000", "o", name=f"{it} with a long name"))
        for it, x, y in (
            ("a", 74.0, -7.7),
            ("b", 124.0, -8.3),
            ("c", 184.0, -7.2),
            ("d", 450.0, 0.0),
            ("e", 1.0, -43.0),
        )
    ]
    with styled():
        made, (axes,) = Canvas("column").figure(1, 2.4)
        draw_points(axes, points)
        axes.set_ylim(-60, 5)
        settle(made)
        name_points(axes, points, 80.0)
        made.draw_without_rendering()
    boxes = [Text.get_window_extent(it) for it in axes.texts]
    leaders = [it for it in axes.texts if isinstance(it, Annotation) and it.arrow_patch is not None]
    assert leaders
    for leader in leaders:
        assert leader.arrow_patch is not None
        path = leader.arrow_patch.get_path().transformed(leader.arrow_patch.get_transform())
        others = [box for it, box in zip(axes.texts, boxes, strict=True) if it is not leader]
        assert not any(path.intersects_bbox(it, filled=False) for it in others)


def test_rows_keep_their_height_under_a_long_note() -> None:
    """A note of several lines makes the figure higher, and takes nothing from its rows."""
    two = made_data((Made("jpeg", "jpeg"), Made("high", "high", 0.3, shift=12.0)))
    made = figure("bd_rate", two, width="column")
    for axes in made.axes:
        assert axes.get_position().height * made.get_figheight() > 2 * PITCH


def test_dots_of_images_have_names_that_one_can_read() -> None:
    """The worst image of every strip is named; no name covers another one, and none leaves its panel."""
    data = made_data(images=30)
    with styled():
        made = ImageStrips().draw(data.without_trials(), Canvas("double"))
        assert made is not None
        settle(made)
        made.draw_without_rendering()
    for axes, metric in zip(made.axes, data.headline, strict=True):
        names = [it.get_text() for it in axes.texts]
        worst = {
            max(zip(it.images, data.images[metric], strict=True), key=lambda it: it[0].value or -100.0)[1]
            for it in data.bd[metric].values()
        }
        assert {it.rpartition(".")[0] for it in worst} <= set(names)
        boxes = [Text.get_window_extent(it) for it in axes.texts]
        assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
        assert all(axes.bbox.x0 <= it.x0 and it.x1 <= axes.bbox.x1 + 1 for it in boxes)
