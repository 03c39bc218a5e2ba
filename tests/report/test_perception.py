"""Distortion against perception, decoders of one bitstream, complexity, and metrics with an ideal value."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

import bench
from bench.comparing.comparison import compare_selectors
from bench.plotting.canvas import Width, settle
from bench.plotting.style import styled
from bench.rd import quality_at
from bench.report import ReportOptions, write_report
from bench.report.build import build_report_data, with_crops_and_studies
from bench.report.crops import SIDE, Crop, CropRow, Crops
from bench.report.decoder_pairs import MetricDifference
from bench.report.figures.crops import draw_crops
from bench.report.markdown import Section, write_markdown
from bench.report.tables.complexity import ComplexityTable
from bench.report.tables.distortion_perception import PlaneTable
from bench.report.tables.equal_bytes import EqualBytesTable
from bench.studies.set_metrics.record import SET_METRICS_FILE, SetMeasurement
from bench.trials.trust import EVERYBODY, NOBODY
from tests.conftest import photo
from tests.report.decoders import two_decoders_run
from tests.report.hostile import words
from tests.report.made_data import USUAL, Made, made_data, made_frame
from tests.report.test_figures import figure, note_of

NET = Made("net", "net", 0.55, kmac=30.0)
SHARP = Made("net $sharp$", "net-sharp", 0.55, shift=-1.5, kmac=30.0)
LEARNED = (*USUAL, NET, SHARP)


def distances(
    frame: pd.DataFrame, label: str, values: list[float], errors: tuple[float, ...] = ()
) -> tuple[SetMeasurement, ...]:
    """A data-set metric at every operating point of a configuration."""
    rows = frame[frame["label"] == label].groupby("quality")["bpp"].mean()
    return tuple(
        SetMeasurement(
            key=f"{label} {quality}", dataset="set", label=label, quality=float(quality), metric="kid",
            version="1", bpp=float(bpp), images=4, value=value,
            errors=np.array(errors, "<f4").tobytes(),
        )
        for (quality, bpp), value in zip(rows.items(), values, strict=True)
    )  # fmt: skip


def test_planes_hold_interpolated_values_of_those_who_reach_the_rate() -> None:
    """A plane's points are both curves' values at its rate; a codec beyond its range is not there."""
    data = made_data((Made("jpeg", "jpeg"), Made("webp", "webp", 0.7), Made("dear", "dear", 2.0)))
    quarter, between, half = data.planes
    assert (quarter.rate, between.rate, half.rate) == (0.25, 0.35, 0.5)
    assert (half.distortion.name, half.perception.name) == ("psnr_rgb", "lpips_alex")
    assert set(quarter.points) == {"jpeg", "webp"}
    assert set(half.points) == {"jpeg", "webp", "dear"}
    expected = [quality_at(data.curves[it]["webp"], 0.5) for it in ("psnr_rgb", "lpips_alex")]
    assert half.points["webp"] == pytest.approx(expected)


def test_distances_between_sets_have_planes_of_their_own() -> None:
    """A data-set metric is drawn over rate, put in a plane, and compared at equal bytes."""
    frame = made_frame(LEARNED)
    of_net = distances(frame, "net", [0.8, 0.5, 0.3, 0.2, 0.1])
    of_sharp = distances(frame, SHARP.label, [0.4, 0.25, 0.15, 0.1, 0.05])
    data = made_data(LEARNED, distances=of_net + of_sharp)
    kid = [it for it in data.planes if it.perception.name == "kid"]
    assert {label for it in kid for label in it.points} == {"net", SHARP.label}
    assert "lower is better" in note_of(figure("rd_kid", data))
    ratios = {it.second / it.first for it in data.decoder_pairs[0].differences if it.measure.name == "kid"}
    assert ratios == {0.5}


def test_a_difference_of_distances_has_a_paired_interval() -> None:
    """Errors that both share cancel out; without them there is no interval; where it holds 0, no winner."""
    frame = made_frame(LEARNED)
    shared, other = (-0.3, 0.0, 0.3), (0.3, 0.0, -0.3)

    def difference(errors: tuple[float, ...]) -> MetricDifference:
        of_net = distances(frame, "net", [0.8] * 5, shared)
        of_sharp = distances(frame, SHARP.label, [0.7] * 5, errors)
        (pair,) = made_data(LEARNED, distances=of_net + of_sharp).decoder_pairs
        return next(it for it in pair.differences if it.measure.name == "kid")

    assert difference(shared).ci95 == pytest.approx((-0.1, -0.1))
    assert difference(shared).second_is_better is True
    assert difference(other).ci95 == pytest.approx((-0.67, 0.47))
    assert difference(other).second_is_better is None
    assert difference(()).ci95 is None


def test_two_decoders_of_one_bitstream_are_found_and_compared() -> None:
    """Values differ by what the second decoder does, judged by each metric's own idea of better."""
    (pair,) = made_data(LEARNED).decoder_pairs
    assert (pair.first, pair.second) == ("net", SHARP.label)
    assert len(pair.qualities) == 5
    by_metric = {it.measure.name: it for it in pair.differences if it.quality == 30.0}
    assert by_metric["psnr_rgb"].difference == pytest.approx(-1.5)
    assert by_metric["psnr_rgb"].ci95 == pytest.approx((-1.5, -1.5))
    assert by_metric["ms_ssim_rgb"].difference == pytest.approx(-0.75), "in dB of the mean"
    better = {name: it.second_is_better for name, it in by_metric.items()}
    assert better == {
        "psnr_rgb": False,
        "ms_ssim_rgb": False,
        "lpips_alex": False,
        "high_band_energy": None,
    }


def test_other_bytes_or_the_same_pixels_make_no_pair() -> None:
    """Codecs with rates of their own, and one codec under two labels, are nobody's second decoder."""
    assert made_data(USUAL).decoder_pairs == ()
    alike = (Made("a", "jpeg"), Made("b", "jpeg"))
    frame = made_frame(alike)
    frame["pixels_sha256"] = frame["image"] + frame["quality"].astype(str)
    assert made_data(alike, frame=frame).decoder_pairs == ()


def test_bytes_that_differ_in_one_image_end_the_pair_at_that_quality() -> None:
    """All images must have the same bitstream, not only one of the same size; other points stay."""
    frame = made_frame((NET, SHARP))
    one = (frame["label"] == "net") & (frame["quality"] == 50.0) & (frame["image"] == "2.png")
    frame.loc[one, "bitstream_sha256"] = "as long as the other"
    frame.loc[(frame["label"] == "net") & (frame["quality"] == 10.0), "bitstream_sha256"] = "another"
    (pair,) = made_data((NET, SHARP), frame=frame).decoder_pairs
    assert pair.qualities == (30.0, 70.0, 90.0)
    frame["bitstream_sha256"] = frame["label"].astype(str) + frame["image"].astype(str)
    assert made_data((NET, SHARP), frame=frame).decoder_pairs == ()


@pytest.mark.parametrize("width", ["column", "double"])
def test_new_figures_stay_on_the_canvas(width: Width) -> None:
    """Plane, equal bytes and complexity are drawn whole, whatever the labels."""
    long = [Made("W" * 60 + str(k), f"c{k}", 0.5 + 0.04 * k) for k in range(8)]
    crowded = made_data((*LEARNED, *long))
    for name in ("perception", "equal_bytes", "complexity_psnr_rgb"):
        assert_inside(figure(name, crowded, width))


def assert_inside(made: Figure) -> None:
    for text in words(made):
        box = Text.get_window_extent(text)
        assert min(box.x0, box.y0, made.bbox.x1 - box.x1, made.bbox.y1 - box.y1) > -1, text.get_text()


def test_complexity_shows_classical_codecs_as_lines() -> None:
    """Learned codecs stand at their kMAC/px, the others are named lines; in time all of them have a place."""
    made = figure("complexity_psnr_rgb", made_data(LEARNED))
    decoder, encoder, *times = made.axes
    assert [it.get_xlabel().split(",")[0] for it in (decoder, encoder)] == [
        "decoder kMAC/px",
        "encoder kMAC/px",
    ]
    at = {
        float(np.asarray(it.get_xdata(), float)[0])
        for it in decoder.lines
        if it.get_marker() not in ("None", "", None)
    }
    assert 60.0 in at
    named = {it.get_text() for it in decoder.texts}
    assert {"jpeg", "webp", "avif", "net"} <= named
    assert all("jpeg" in {it.get_text() for it in axes.texts} for axes in times)
    assert "Horizontal lines: codecs that have none to count" in note_of(made)


def test_an_ideal_value_has_a_line_and_no_bd_rate() -> None:
    """A metric that is best at 1 is drawn with a line at 1 and says so."""
    made = figure("rd_high_band_energy")
    assert made.axes[0].get_ylabel() == "High-band energy, 1 is ideal"
    assert any(set(np.asarray(it.get_ydata(), float)) == {1.0} for it in made.axes[0].lines)
    assert "lower is better" in figure("rd_lpips_alex").axes[0].get_ylabel()


def test_crops_have_equal_pixels_and_hostile_labels() -> None:
    """Crops are drawn at a whole number of dots a pixel, also where one picture is missing."""
    (pair,) = made_data(LEARNED).decoder_pairs
    pixels = photo(SIDE, SIDE)
    cells = tuple(
        Crop(label, 1.0, 0.2, {}, it, "why")
        for label, it in (("W" * 90, pixels), ("$a_", None), ("c", pixels))
    )
    with styled():
        made = draw_crops(Crops(pair, (), (CropRow("名.png", "", (0, 0), pixels, cells),)), "$set")
        assert made is not None
        settle(made)
        assert_inside(made)
        boxes = [axes.get_window_extent() for axes in made.axes]
    assert len(boxes) == 4
    assert [it.width / SIDE for it in boxes] == pytest.approx([2.0] * 4, abs=0.01)


@pytest.fixture(scope="module")
def two_decoders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two decoders of JPEG's bitstreams, with JPEG 2000 beside them and bitstreams kept."""
    return two_decoders_run(tmp_path_factory.mktemp("decoders"))


def test_a_metric_with_an_ideal_value_ranks_nothing(two_decoders: Path) -> None:
    """It has curves and no BD-rate, in reports as in comparisons, and its folds are no finding."""
    data = build_report_data([two_decoders])[0]
    assert "high_band_energy" in data.curves
    assert "high_band_energy" not in data.bd
    assert not any("high_band_energy" in it.message for it in data.findings)
    path = str(two_decoders)
    rows = compare_selectors(f"{path}#jpeg2000", [path], bench.load)
    assert {it.metric for it in rows} == {"psnr_rgb", "flip"}


def test_a_report_compares_decoders_and_links_studies(two_decoders: Path, tmp_path: Path) -> None:
    """Tables, figures and crops of the pair are written, and what a study left is linked."""
    folder = shutil.copytree(two_decoders, tmp_path / "run") / "robustness"
    folder.with_suffix(".jsonl").touch()
    (folder / "figures").mkdir(parents=True)
    (folder / "robustness.md").write_text("# Robustness\n")
    (folder / "figures" / "robustness_inputs.png").touch()
    made = write_report([tmp_path / "run"], tmp_path / "report", ReportOptions(trust=EVERYBODY))
    assert {"perception", "equal_bytes", "crops", "distortion_perception"} <= {it.stem for it in made.files}
    rows = (tmp_path / "report" / "tables" / "equal_bytes.csv").read_text().splitlines()
    assert len(rows) == 1 + 4 * 3
    assert "2.5" in (tmp_path / "report" / "tables" / "complexity.csv").read_text()
    links = [it for it in (tmp_path / "report" / "report.md").read_text().split("](") if "robustness" in it]
    paths = [tmp_path / "report" / it.split(")")[0] for it in links if it.startswith("../")]
    assert len(paths) == 2
    assert all(it.exists() for it in paths)
    assert "../run/robustness/figures/robustness_inputs.png" in made.page.read_text()


def test_bitstreams_that_were_not_kept_are_said_in_a_sentence(two_decoders: Path, tmp_path: Path) -> None:
    """Without bitstreams there are no crops, and the report says what to do."""
    run = shutil.copytree(two_decoders, tmp_path / "run", ignore=shutil.ignore_patterns("bitstreams"))
    (data,) = build_report_data([run])
    whole = with_crops_and_studies(data, [run], tmp_path, ReportOptions(trust=EVERYBODY))
    page = write_markdown(tmp_path / "report.md", [Section(whole)])
    assert "No crops of smooth-420 and rough-420: bitstreams were not kept: run again" in page.read_text()


def test_crops_are_the_measured_pixels(two_decoders: Path, tmp_path: Path) -> None:
    """Each is part of the measured picture, at the nearest rate; a lossless one replaces the original."""
    data = build_report_data([two_decoders])[0]
    options = ReportOptions(trust=EVERYBODY)
    (found,) = with_crops_and_studies(data, [two_decoders], tmp_path, options).crops
    assert [row.reason for row in found.rows] == ["largest gain", "median gain", "smallest gain"]
    for row in found.rows:
        left, top = row.place
        original = photo(200, 232, int(row.image[1]))[top : top + SIDE, left : left + SIDE]
        assert row.original is not None
        np.testing.assert_array_equal(row.original, original)
        smooth, rough, other = row.crops
        assert (smooth.label, rough.label, other.label) == ("smooth-420", "rough-420", "jpeg2000")
        assert smooth.bpp == rough.bpp
        assert left == 40, "where the two differ most"
        np.testing.assert_array_equal(smooth.pixels ^ 1, rough.pixels)
        of_image = data.frame.query("label == 'jpeg2000' and image == @row.image")["bpp"]
        assert other.bpp == min(of_image, key=lambda it: abs(math.log(it / smooth.bpp)))


def test_a_stranger_s_codec_is_not_run_for_crops(two_decoders: Path, tmp_path: Path) -> None:
    """Without trust a codec that is a file is not decoded; its place says why."""
    data = build_report_data([two_decoders])[0]
    (found,) = with_crops_and_studies(data, [two_decoders], tmp_path, ReportOptions(trust=NOBODY)).crops
    first = found.rows[0].crops[0]
    assert first.pixels is None
    assert "only installed codecs" in first.problem


def test_a_distance_of_other_pixels_is_left_out(two_decoders: Path) -> None:
    """A kept data-set distance whose pixels are no longer the run's does not reach a report."""
    stale = SetMeasurement(
        key="0" * 32,
        dataset="set",
        label="smooth-420",
        quality=10.0,
        metric="kid",
        version="1",
        images=3,
        value=0.5,
    )
    path = two_decoders / SET_METRICS_FILE
    path.write_bytes(msgspec.json.encode([stale]))
    try:
        assert build_report_data([two_decoders])[0].distances == ()
    finally:
        path.unlink()


def test_tables_leave_out_what_nobody_reports() -> None:
    """Hours of training have a column where a codec tells them; without planes and pairs no tables."""
    table = ComplexityTable().make(made_data(LEARNED))
    assert table is not None
    assert "training_hours" not in {column.key for column in table.columns}
    assert PlaneTable().make(made_data((Made("png", "png", lossless=True),))) is None
    assert EqualBytesTable().make(made_data(USUAL)) is None


def test_peak_memory_is_shown_where_it_was_measured() -> None:
    """The largest process of each side over all pictures, in MB; without such records there is no column."""
    without = ComplexityTable().make(made_data(LEARNED))
    assert without is not None
    assert not any("memory" in it.title for it in without.columns)
    frame = made_frame(LEARNED).assign(encode_peak_bytes=float("nan"), decode_peak_bytes=float("nan"))
    rows = frame.index[frame["label"] == "net"]
    frame.loc[rows[:2], "decode_peak_bytes"] = [3e8, 2e8]
    table = ComplexityTable().make(made_data(LEARNED, frame=frame))
    assert table is not None
    assert table.by_label("decode_peak_mb") == {"net": 300.0, SHARP.label: None}
    assert table.by_label("encode_peak_mb") == {"net": None, SHARP.label: None}
