"""The mean BD-rate over several metrics in a report, and data sets side by side."""

from __future__ import annotations

import csv
import itertools
import json
import math
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from bench.conditions.definition import find_conditions
from bench.errors import ConfigError
from bench.report import ReportOptions, write_paper, write_report
from bench.report.build import build_report_data
from bench.report.data import ReportData
from bench.report.matrix import bd_matrix, dataset_tables
from bench.report.mean_bd import jpeg_ai, mean_bd, named_metrics
from bench.report.summary import summary
from bench.report.tables.ranking import RankingTable
from tests.cli.test_cli import rdbench
from tests.report.made_data import USUAL, Made, made_data, made_frame
from tests.report.page.runs import Made as MadeRun
from tests.report.page.runs import write_run

NAMED = ("psnr_rgb", "lpips_alex")


def cells(data: ReportData, label: str) -> dict[str, object]:
    """A row of the ranking by the keys of its columns."""
    table = RankingTable().make(data)
    assert table is not None
    return {
        it.key: row for it, row in zip(table.columns, {str(r[1]): r for r in table.rows}[label], strict=True)
    }


def without(frame: pd.DataFrame, label: str, metric: str) -> pd.DataFrame:
    return frame.assign(**{metric: frame[metric].mask(frame["label"] == label)})


def test_the_mean_stands_in_the_ranking_with_its_interval() -> None:
    """Ranking and summary have the mean of the named metrics, between them in log-rate, and its interval."""
    data = made_data(mean_of=NAMED)
    row = cells(data, "webp")
    each = [data.bd[it]["webp"].per_image.value for it in NAMED]
    logs = [math.log(1 + (it or 0) / 100) for it in each]
    assert row["mean_bd_rate"] == pytest.approx(100 * math.expm1(sum(logs) / 2))
    assert " to " in str(row["ci95_mean_bd_rate"])
    assert cells(data, "jpeg")["ci95_mean_bd_rate"] == "anchor"
    table = summary(data)
    assert table is not None
    assert [it.title for it in table.columns][-3] == "mean of 2 %"
    assert made_data().mean_bd is None


def test_who_lacks_a_metric_has_no_mean_and_the_reason() -> None:
    """A codec without values in one of the metrics has no mean over the others."""
    data = made_data(frame=without(made_frame(), "webp", "lpips_alex"), mean_of=NAMED)
    row = cells(data, "webp")
    assert row["bd_rate_per_image_psnr_rgb"] is not None
    assert row["mean_bd_rate"] is None
    assert row["ci95_mean_bd_rate"] == "n/a (no curve in lpips_alex)"
    assert cells(data, "avif")["mean_bd_rate"] is not None


def test_a_partial_mean_is_not_the_best() -> None:
    """A mean over little of the range in one metric is named in the notes, and never set in bold."""
    data = made_data((*USUAL, Made("far", "far", 0.01, shift=9.0)), mean_of=NAMED)
    table = RankingTable().make(data)
    assert table is not None
    column = [it.key for it in table.columns].index("mean_bd_rate")
    row = [it[1] for it in table.rows].index("far")
    assert min(it[column] for it in table.rows if isinstance(it[column], float)) == table.rows[row][column]
    assert table.ranks()[row][column] == 0
    assert any("Below 50%" in it and "far" in it and it.startswith("mean of 2") for it in table.notes)


def test_a_mean_over_few_of_the_images_says_so() -> None:
    """Images that have no curve in one metric are missing from the mean, and its note counts the others."""
    frame = made_frame(images=5)
    absent = frame["image"].isin(sorted(frame["image"].unique())[1:3]) & (frame["label"] == "webp")
    data = made_data(frame=frame.assign(lpips_alex=frame["lpips_alex"].mask(absent)), mean_of=NAMED)
    table = RankingTable().make(data)
    assert table is not None
    (note,) = (it for it in table.notes if it.startswith("mean of 2"))
    assert "over 3 of 5 images" in note
    assert data.mean_bd is not None
    found = data.mean_bd.against("jpeg", "avif")
    assert found is not None
    assert (found.n, found.n_images) == (3, 5)
    whole = RankingTable().make(made_data(mean_of=NAMED))
    assert whole is not None
    assert not any("4 images, compared" in it for it in whole.notes)


def test_which_metrics_are_averaged() -> None:
    """Named ones, else those of the conditions, else JPEG AI's where all are there; none without one."""
    per_metric = made_data().bd
    assert set(named_metrics("jpeg-ai")) == set(find_conditions("jpeg-ai-ctc").definition.mean_bd)
    assert named_metrics(" psnr_rgb, fsim") == ("psnr_rgb", "fsim")
    for text in ("psnr_rgb", "", "fsim,fsim"):
        with pytest.raises(ConfigError, match="--mean-of"):
            named_metrics(text)
    found, findings = mean_bd((), find_conditions("jpeg-ai-ctc"), {})
    assert found is None
    assert "no values of ms_ssim_y, vif_y" in findings[0].message
    assert mean_bd((), None, {}) == (None, ())
    assert len(jpeg_ai()) == 7
    assert per_metric


def test_the_command_line_names_them(tmp_path: Path) -> None:
    """``--mean-of`` makes the column; a metric that is not measured is refused with what there is."""
    run = write_run(tmp_path / "run", [MadeRun("jpeg", "jpeg", 1.0), MadeRun("webp", "webp", 0.7)], 4, 5)
    made = rdbench("report", run, "-o", tmp_path / "out", "--mean-of", "psnr_rgb,ssim_rgb")
    assert made.returncode == 0, made.stderr
    assert "of 2" in made.stdout
    document = json.loads((tmp_path / "out" / "tables" / "ranking.json").read_text())
    assert document["rows"][0]["mean_bd_rate"] == pytest.approx(-30, abs=0.1)
    refused = rdbench("report", run, "--mean-of", "psnr_rgb,ssim_rgp")
    assert refused.returncode == 2
    assert "did you mean" in refused.stderr


def test_data_sets_side_by_side(tmp_path: Path) -> None:
    """Several data sets have tables of codecs × sets in report, terminal and LaTeX, with their mean."""
    codecs = [MadeRun("jpeg", "jpeg", 1.0), MadeRun("webp", "webp", 0.7)]
    run = write_run(tmp_path / "run", codecs, 5, 6, "one", "two")
    made = rdbench("report", run, "-o", tmp_path / "out", "--mean-of", "psnr_rgb,ssim_rgb")
    assert "BD-rate (%) on one, two against jpeg: PSNR" in made.stdout
    text = (tmp_path / "out" / "report.md").read_text()
    assert text.startswith("# All data sets")
    rows = list(csv.DictReader((tmp_path / "out" / "tables" / "datasets_mean_bd_rate.csv").open()))
    assert [it["method"] for it in rows] == ["webp"]
    assert {round(float(rows[0][it])) for it in ("one", "two", "mean")} == {-30}
    write_paper([run], tmp_path / "paper", ReportOptions(mean_of=("psnr_rgb", "ssim_rgb")))
    latex = (tmp_path / "paper" / "tables" / "bd_rate.tex").read_text()
    assert r"\multicolumn{3}{c}{mean}" in latex
    assert latex.count("mean of 2 &") + latex.count(r"mean of 2 \\") == 3


def test_no_mean_over_fewer_data_sets() -> None:
    """Who has no BD-rate on one of the sets has none over them, and the cell says which is lacking."""
    one = made_data()
    other = replace(made_data(USUAL[:3]), dataset="other")
    (table,) = dataset_tables([one, other], ["psnr_rgb"])
    assert [it.title for it in table.columns if it.in_terminal] == ["method", "set", "other", "mean"]
    kept = [it.in_terminal for it in table.columns]
    rows = {str(row[0]): [*itertools.compress(row, kept)] for row in table.rows}
    assert rows["webp"][3] is not None
    assert rows["avif"][1] is not None
    assert rows["avif"][2:] == [None, None]
    at = [str(row[0]) for row in table.rows].index("avif")
    assert table.remarks[at, 5] == "no BD-rate by image on other"
    apart = [one, replace(other, anchor="webp")]
    assert "mean" not in {it.group for it in bd_matrix(apart).columns}


def test_the_report_of_one_data_set_has_no_such_table(tmp_path: Path) -> None:
    """One data set is no comparison of several."""
    run = write_run(tmp_path / "run", [MadeRun("jpeg", "jpeg", 1.0), MadeRun("webp", "webp", 0.7)], 3, 5)
    made = write_report([run], tmp_path / "out")
    assert made.of_all == ()
    assert build_report_data([run])[0].mean_bd is None
