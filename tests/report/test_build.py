"""What a report makes of runs that have gaps, and of curves from elsewhere."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

import bench
from bench.errors import ConfigError
from bench.exchange import Published
from bench.rd import Curve
from bench.report import ReportOptions, write_report
from bench.report.build import build_report_data
from bench.report.data import ReportData
from bench.report.drawing import draw, job_for
from bench.report.page.data import page_data
from bench.report.tables.lossless import LosslessTable
from bench.report.tables.points import PointsTable
from bench.runs.store import RunInfo, RunWriter, read_info
from bench.tables.table import Column, Table, to_json
from tests.report.made_data import made_data, made_frame
from tests.report.page.runs import Made, write_run

JPEG = Made("jpeg", "jpeg", 1.0)
WEBP = Made("webp", "webp", 0.7)


def theirs(
    label: str, metric: str = "psnr_rgb", factor: float = 1.0, dataset: str | None = None
) -> Published:
    rate = tuple(factor * 0.2 * 1.5**k for k in range(6))
    return Published(
        label, (Curve(label, rate, tuple(26.0 + 2 * k for k in range(6)), metric),), dataset=dataset
    )


def rewrite(run: Path, info: RunInfo) -> None:
    with RunWriter(run) as writer:
        writer.write_info(info)


def only(run: Path, *published: Published) -> ReportData:
    (data,) = build_report_data([run], ReportOptions(published=published))
    return data


def messages(data: ReportData, kind: str) -> list[str]:
    return [it.message for it in data.findings if it.kind == kind]


def with_pictures(run: Path, *numbers: int) -> Path:
    """The run with only some of its images in its plan."""
    info = read_info(run)
    rewrite(run, msgspec.structs.replace(info, images=tuple(info.images[k] for k in numbers)))
    return run


def test_runs_without_a_common_picture(tmp_path: Path) -> None:
    """Two halves of a data set cannot be compared: the report says so, and what to do."""
    runs = [
        with_pictures(write_run(tmp_path / name, [JPEG, WEBP], images=4, points=4), *numbers)
        for name, numbers in (("one", (0, 1)), ("two", (2, 3)))
    ]
    with pytest.raises(
        ConfigError, match=r"one and two hold different pictures of kodak, none in both.*apart"
    ):
        build_report_data(runs)
    other = write_run(tmp_path / "other", [JPEG], images=2, points=4, dataset="clic")
    assert [it.dataset for it in build_report_data([runs[0], other])] == ["kodak", "clic"]


def test_runs_with_some_common_pictures(tmp_path: Path) -> None:
    """A warning says how many pictures each has and how many count."""
    runs = [
        with_pictures(write_run(tmp_path / name, [JPEG], images=4, points=4), *numbers)
        for name, numbers in (("one", (0, 1, 2)), ("two", (2, 3)))
    ]
    (data,) = build_report_data(runs)
    (told,) = messages(data, "pictures")
    assert "(one 3, two 2); only the 1 that all" in told
    same = build_report_data([runs[0], with_pictures(write_run(tmp_path / "b", [WEBP], 4, 4), 0, 1, 2)])
    assert messages(same[0], "pictures") == []


def test_no_title_names_an_anchor_that_there_is_not(tmp_path: Path) -> None:
    """Where no lossy codec finished, tables say that there are no BD-rates."""
    failing = Made("jpeg", "jpeg", 1.0, failing="image000.png")
    data = only(write_run(tmp_path / "run", [failing], images=1, points=4))
    assert data.anchor is None
    write_report([tmp_path / "run"], tmp_path / "report")
    texts = [it.read_text() for it in (tmp_path / "report").rglob("*.md")]
    assert not any("against None" in it for it in texts)
    assert any("no BD-rates" in it for it in texts)


def test_lossless_codecs_are_compared_on_the_same_images(tmp_path: Path) -> None:
    """Who crashes on a picture is not smaller by it, and who finished few has no place at all."""
    png, qoi = (
        Made("png", "png", 1.0, lossless=True),
        Made("qoi", "qoi", 1.1, lossless=True, failing="image001.png"),
    )
    data = only(write_run(tmp_path / "run", [JPEG, png, qoi], images=3, points=3))
    assert data.lossless_images == ("image000.png", "image002.png")
    assert data.lossless_bpp["qoi"]["images"] == pytest.approx(
        1.1 * data.lossless_bpp["png"]["images"], rel=1e-3
    )
    table = LosslessTable().make(data)
    assert table is not None
    assert [row[0] for row in table.rows] == ["png", "qoi"]
    assert "2 of 3 images" in table.notes[0]
    one = only(write_run(tmp_path / "one", [JPEG, png, Made("bad", "qoi", 0.1, True, "image000.png")], 1, 3))
    assert list(one.lossless_bpp) == ["png"]


def test_the_anchor_is_one_that_has_a_curve(tmp_path: Path) -> None:
    """JPEG is the usual one, but not where it failed on most pictures; who is asked for stays."""
    failing = Made("jpeg", "jpeg", 1.0, failing="image000.png")
    run = write_run(tmp_path / "run", [failing, WEBP, Made("avif", "avif", 0.5)], images=1, points=4)
    assert only(run).anchor == "webp"
    assert only(write_run(tmp_path / "whole", [JPEG, WEBP], images=1, points=4)).anchor == "jpeg"


def test_published_labels_are_their_own(tmp_path: Path) -> None:
    """Two references of one name, and one named as a codec here, keep apart in every metric."""
    run = write_run(tmp_path / "run", [JPEG, WEBP], images=2, points=5)
    data = only(run, theirs("mbt"), theirs("mbt", factor=2.0), theirs("webp", "ms_ssim_rgb"))
    assert list(data.published["psnr_rgb"]) == ["mbt", "mbt (published)"]
    assert data.published["psnr_rgb"]["mbt (published)"].rate[0] == pytest.approx(0.4)
    assert list(data.published["ms_ssim_rgb"]) == ["webp (published)"]
    third = only(run, *(theirs("mbt", factor=k) for k in (1.0, 2.0, 3.0)))
    assert list(third.published["psnr_rgb"]) == ["mbt", "mbt (published)", "mbt (published 2)"]


def test_traps_and_disagreements_of_published_curves_are_told(tmp_path: Path) -> None:
    """A trap once for all that share it; two curves of one codec with the numbers of both."""
    run = write_run(tmp_path / "run", [JPEG, WEBP], images=2, points=5)
    ours, other = (
        replace(theirs(name, factor=factor, dataset="kodak"), codec="vtm", traps=("no header counts",))
        for name, factor in (("vtm", 1.0), ("vtm-18", 1.05))
    )
    data = only(run, ours, other, theirs("vtm", dataset="clic"), theirs("else", factor=3.0, dataset="kodak"))
    told = messages(data, "published")
    assert "vtm, vtm-18: no header counts" in told
    assert "vtm of clic: of other pictures than kodak, and left out" in told
    (apart,) = (it for it in told if "both published as vtm" in it)
    against = [data.published_bd["psnr_rgb"][it].value for it in ("vtm", "vtm-18")]
    assert apart.startswith("vtm and vtm-18, both published as vtm, differ in BD-rate")
    assert "psnr_rgb +5.0% / -4.8%" in apart
    assert apart.endswith("; {:+.1f}% and {:+.1f}% against jpeg in psnr_rgb".format(*against))
    assert not any(
        "both published" in it for it in messages(only(run, ours, replace(other, codec="")), "published")
    )


def test_what_is_published_in_no_shared_metric_is_told(tmp_path: Path) -> None:
    """It is left out with a word, not in silence."""
    run = write_run(tmp_path / "run", [JPEG, WEBP], images=2, points=5)
    data = only(run, theirs("ELIC", "vmaf", dataset="kodak"))
    assert not data.published
    assert any("ELIC: published in no metric that was measured" in it for it in messages(data, "published"))


def test_a_published_metric_is_better_where_the_runs_is(tmp_path: Path) -> None:
    """A file does not say whether more is better; the run does, and the two are compared."""
    run = write_run(tmp_path / "run", [JPEG, WEBP], images=2, points=5)
    info = read_info(run)
    turned = [msgspec.structs.replace(it, higher_is_better=False) for it in info.metrics]
    rewrite(run, msgspec.structs.replace(info, metrics=tuple(turned)))
    (curve,) = only(run, theirs("ELIC", "psnr_y")).published["psnr_y"].values()
    assert not curve.higher_is_better


def test_runs_of_other_pictures_make_no_report(tmp_path: Path) -> None:
    """Runs meet in the names of their images: other pictures of that name are an error."""
    runs = [write_run(tmp_path / name, [it], images=2, points=3) for name, it in (("a", JPEG), ("b", WEBP))]
    assert len(build_report_data(runs)[0].images["psnr_rgb"]) == 2
    for name in ("run.json", "measurements.jsonl"):
        path = runs[1] / name
        path.write_text(path.read_text().replace(read_info(runs[0]).images[1].sha256, "f" * 64))
    with pytest.raises(ConfigError, match=r"a and b hold different pictures called image001\.png in kodak"):
        build_report_data(runs)


def test_metrics_of_other_versions_are_told(tmp_path: Path) -> None:
    """Two runs whose PSNR is of two versions are compared with a warning."""
    runs = [write_run(tmp_path / name, [it], images=2, points=3) for name, it in (("a", JPEG), ("b", WEBP))]
    info = read_info(runs[1])
    older = msgspec.structs.replace(info.metrics[0], version="0")
    rewrite(runs[1], msgspec.structs.replace(info, metrics=(older, *info.metrics[1:])))
    (message,) = [it for it in messages(build_report_data(runs)[0], "version") if "psnr_rgb" in it]
    assert message.endswith("0 in b")


def test_a_metric_with_values_on_few_pictures_is_told(tmp_path: Path, pictures: Path) -> None:
    """MS-SSIM of small pictures is undefined; what then has no curve says so."""
    from PIL import Image

    from tests.conftest import photo

    (tmp_path / "mixed").mkdir()
    for k, side in enumerate((192, 64, 64)):
        Image.fromarray(photo(side, side, k)).save(tmp_path / "mixed" / f"{k}.png")
    bench.run(
        datasets=[str(tmp_path / "mixed")],
        codecs=["jpeg@20,50,80", "webp@20,50,80"],
        metrics=["psnr_rgb", "ms_ssim_rgb"],
        out=tmp_path / "run",
    )
    assert messages(only(tmp_path / "run"), "unmeasured") == [
        "ms_ssim_rgb: values on under 50% of the images for jpeg-420, webp, which take no part in comparisons"
        " by it"
    ]


def test_json_has_no_infinities() -> None:
    """A lossy codec may be exact on a flat picture; JSON knows no number for its decibels."""
    table = Table("t", "t", (Column("a", "a"), Column("b", "b")), ((float("inf"), float("nan")),))
    assert json.loads(to_json(table), parse_constant=pytest.fail)["rows"] == [{"a": None, "b": None}]


def test_a_renewed_report_keeps_nothing_of_the_former(tmp_path: Path) -> None:
    """The table of failures goes when there are none, other people's files stay."""
    out = tmp_path / "report"
    crashing = Made("webp", "webp", 0.7, failing="image000.png")
    write_report([write_run(tmp_path / "one", [JPEG, crashing], images=3, points=3)], out)
    assert (out / "tables" / "failures.csv").is_file()
    (out / "tables" / "mine.csv").write_text("mine")
    write_report([write_run(tmp_path / "two", [JPEG, WEBP], images=3, points=3)], out)
    assert not list((out / "tables").glob("failures.*"))
    assert (out / "tables" / "ranking.csv").is_file()
    assert (out / "tables" / "mine.csv").read_text() == "mine"


def test_a_codec_without_a_quality_is_one_point(tmp_path: Path) -> None:
    """It stands in the ranking, in the table of points and in all figures and parts of the page."""
    frame = made_frame()
    frame = frame[(frame["label"] != "webp") | (frame["quality"] == 50.0)].reset_index(drop=True)
    frame.loc[frame["label"] == "webp", "quality"] = math.nan
    data = made_data(frame=frame)
    assert "webp" in {it.label for it in data.ranking}
    (point,) = (it for it in data.points if it.label == "webp")
    assert (point.quality, point.n_ok, len(data.curves["psnr_rgb"]["webp"].rate)) == (None, 4, 1)
    (row,) = (row for row in PointsTable().rows(data) if row[0] == "webp")
    assert row[1] is None
    position = [it.label for it in data.entries].index("webp")
    ((quality, bpp, _),) = page_data(data)["curves"]["psnr_rgb"][position]
    assert (quality, bpp) == (None, pytest.approx(point.bpp["images"], rel=1e-5))
    job = job_for(data, tmp_path)
    files = draw(replace(job, figures=tuple(it for it in job.figures if it.name in ("rd", "speed_psnr_rgb"))))
    assert all(files.values())
