"""Runs whose codecs are to reach a rate or a quality on each image."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import bench
from bench.errors import ConfigError
from bench.inputs.goals import Goals
from bench.inputs.suite import load_suite, parse_codec
from bench.report import write_report
from bench.runs.store import JOURNAL_FILE, read_info, read_journal
from tests.conftest import ADAPTERS

COLUMNS = ["image", "label", "quality", "setting", "bytes", "within", "encodes", "target_reason"]


def table(run: Path) -> pd.DataFrame:
    return bench.load(run)[COLUMNS]


def lines(run: Path) -> int:
    return sum(1 for _ in read_journal(run))


def measured(pictures: Path, out: Path, *codecs: str, **options: object) -> bench.RunSummary:
    return bench.run(
        datasets=[str(pictures)],
        codecs=list(codecs),
        metrics=["psnr_rgb"],
        out=out,
        options=bench.Options(**options),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("spec", "goals"),
    [
        ("jpeg@bpp=0.25,1,0.5", Goals(of="bpp", values=(0.25, 0.5, 1))),
        ("jpeg:subsampling=444@psnr_y=34", Goals(of="psnr_y", values=(34,))),
        ("jpeg@bytes=20000,tolerance=2%", Goals(of="bytes", values=(20000,), tolerance=0.02)),
        ("jpeg@psnr_y=34,tolerance=0.1", Goals(of="psnr_y", values=(34,), tolerance=0.1, relative=False)),
    ],
)
def test_specs(spec: str, goals: Goals) -> None:
    """Targets stand where qualities may, each with a tolerance of its own if need be."""
    assert parse_codec(spec).quality == goals


@pytest.mark.parametrize(
    "spec", ["jpeg@bpp=", "jpeg@bpp=0", "jpeg@bpp=1,psnr_y=30", "jpeg@bpp=x", "jpeg@bpp=1,tolerance=much"]
)
def test_bad_specs(spec: str) -> None:
    """What is no target is refused with an example."""
    with pytest.raises(ConfigError, match="no target such as bpp="):
        parse_codec(spec)


def test_suite(tmp_path: Path) -> None:
    """A suite has them as a mapping, for one codec or for all."""
    path = tmp_path / "suite.yaml"
    path.write_text("codecs: [jpeg]\nquality: {bpp: [0.12, 0.25], tolerance: 2%}\n")
    assert load_suite(path).quality == Goals(of="bpp", values=(0.12, 0.25), tolerance=0.02)
    path.write_text("codecs: [jpeg]\nquality: {bpp: [0.12], psnr_y: [30]}\n")
    with pytest.raises(ConfigError, match="name one rate or metric"):
        load_suite(path)


def test_each_image_reaches_its_targets(pictures: Path, tmp_path: Path) -> None:
    """A row for each image and target, with the trial that came nearest, and a label that tells it."""
    run = tmp_path / "run"
    summary = measured(pictures, run, "jpeg2000@bpp=1,2,tolerance=5%", "webp@psnr_rgb=30,tolerance=1")
    assert summary.planned == 9
    frame = bench.load(run)
    rates = frame[frame["label"] == "jpeg2000@bpp"]
    assert rates["within"].all()
    assert ((rates["bpp"] / rates["quality"] - 1).abs() <= 0.05).all()
    assert rates["setting"].nunique() > 2
    psnr = frame[frame["label"] == "webp@psnr_rgb"]
    assert ((psnr["psnr_rgb"] - 30).abs() <= 1).all()


def test_running_again_measures_nothing(pictures: Path, tmp_path: Path) -> None:
    """Whatever was reached is not searched again; another target begins with all trials that were made."""
    run = tmp_path / "run"
    measured(pictures, run, "jpeg@bpp=0.01,1,2")
    before = lines(run)
    assert measured(pictures, run, "jpeg@bpp=0.01,1,2").measured == 0
    assert lines(run) == before
    qualities = {(it.image, it.quality) for it in read_journal(run) if it.reached is None}
    measured(pictures, run, "jpeg@bpp=0.01,1,1.5,2")
    made = [(it.image, it.quality) for it in read_journal(run) if it.reached is None]
    assert len(made) == len(set(made))
    assert qualities < set(made)


def test_trials_of_a_sweep_serve(pictures: Path, tmp_path: Path) -> None:
    """A sweep in the same folder is where a search begins, and both are configurations of the report."""
    run = tmp_path / "run"
    measured(pictures, run, "webp@5,30,60,80,95")
    measured(pictures, run, "webp@bpp=1")
    qualities = [(it.image, it.quality) for it in read_journal(run) if it.reached is None]
    assert len(qualities) == len(set(qualities))
    assert {it.label for it in read_info(run).codecs} == {"webp", "webp@bpp"}
    assert bench.load(run)["status"].eq("ok").all()


@pytest.mark.parametrize("options", [{"jobs": 4}, {"engine": "inprocess"}], ids=["jobs", "engine"])
def test_whoever_searches_finds_the_same(pictures: Path, tmp_path: Path, options: dict[str, object]) -> None:
    """Neither the number of jobs nor the engine decides which trials are made."""
    codecs = ("jpeg@bpp=0.5,1", f"{ADAPTERS}:Honest@psnr_rgb=25,35")
    measured(pictures, tmp_path / "one", *codecs, jobs=1)
    measured(pictures, tmp_path / "other", *codecs, **options)
    pd.testing.assert_frame_equal(table(tmp_path / "one"), table(tmp_path / "other"))
    assert lines(tmp_path / "one") == lines(tmp_path / "other")


def test_an_interrupted_search_goes_on(pictures: Path, tmp_path: Path) -> None:
    """What was found before an interruption stays, and the rest is found as it would have been."""
    whole, part = tmp_path / "whole", tmp_path / "part"
    measured(pictures, whole, "webp@bpp=0.5,1,2", jobs=1)
    measured(pictures, part, "webp@bpp=0.5,1,2", jobs=1)
    journal = (part / JOURNAL_FILE).read_text().splitlines(keepends=True)
    ends = [number for number, line in enumerate(journal, 1) if '"reached"' in line]
    (part / JOURNAL_FILE).write_text("".join(journal[: ends[2]]))  # the first image's three
    measured(pictures, part, "webp@bpp=0.5,1,2", jobs=2)
    pd.testing.assert_frame_equal(table(whole), table(part))


def test_out_of_reach(pictures: Path, tmp_path: Path) -> None:
    """A target that a codec can't reach is a row with the nearest point and the reason, and no failure."""
    run = tmp_path / "run"
    summary = measured(pictures, run, "jpeg@bpp=0.001,50")
    frame = bench.load(run)
    assert summary.failed == 0
    assert not frame["within"].any()
    assert (
        frame.loc[frame["quality"] == 0.001, "target_reason"].str.contains("even the lowest quality 1").all()
    )
    assert (frame.loc[frame["quality"] == 50, "setting"] == 100).all()


def test_a_codec_that_fails(pictures: Path, tmp_path: Path) -> None:
    """A codec that fails everywhere has failed rows, after a few trials, and is tried again later."""
    run = tmp_path / "run"
    summary = measured(pictures, run, f"{ADAPTERS}:Segfault@bpp=1,2", "jpeg@bpp=1")
    frame = bench.load(run)
    failed = frame[frame["label"].str.contains("Segfault")]
    assert set(failed["status"]) == {"crash"}
    assert summary.failed == len(failed) == 6
    assert frame.loc[frame["codec"] == "jpeg", "status"].eq("ok").all()
    assert measured(pictures, run, f"{ADAPTERS}:Segfault@bpp=1,2").measured == 6


def test_refused(pictures: Path, tmp_path: Path) -> None:
    """Targets of lossless codecs, or in what is no metric, are refused before anything is measured."""
    with pytest.raises(ConfigError, match="has no quality"):
        measured(pictures, tmp_path / "a", "png@bpp=1")
    with pytest.raises(ConfigError, match="beauty"):
        measured(pictures, tmp_path / "b", "jpeg@beauty=1")


def test_precise_times_are_of_what_came_nearest(pictures: Path, tmp_path: Path) -> None:
    """Trials on the way are quick, and those that came nearest are timed alone."""
    run = tmp_path / "run"
    measured(pictures, run, "jpeg@bpp=1", timing=True, repeats=3)
    found = list(read_journal(run))
    assert all(it.timing == "alone" and len(it.encode_s) == 3 for it in found if it.reached is not None)
    assert any(it.timing == "load" for it in found)
    assert measured(pictures, run, "jpeg@bpp=1").measured == 0


def test_kept_bitstreams(pictures: Path, tmp_path: Path) -> None:
    """The bitstreams that are kept are those that came nearest."""
    run = tmp_path / "run"
    measured(pictures, run, "jpeg@bpp=1", keep_bitstreams=True)
    assert {it.name for it in (run / "bitstreams").iterdir()} == set(bench.load(run)["bitstream_sha256"])


def test_merged_runs_search_no_more(pictures: Path, tmp_path: Path) -> None:
    """Shards join, with the trials of their searches, and nothing is left to be measured."""
    for shard in ("1/2", "2/2"):
        bench.run(
            out=tmp_path / shard[0],
            datasets=[str(pictures)],
            codecs=["jpeg2000@bpp=1,2,tolerance=5%"],
            metrics=["psnr_rgb"],
            shard=shard,
        )
    bench.merge([tmp_path / "1", tmp_path / "2"], tmp_path / "all")
    assert lines(tmp_path / "all") == lines(tmp_path / "1") + lines(tmp_path / "2")
    assert bench.load(tmp_path / "all")["within"].all()
    assert measured(pictures, tmp_path / "all", "jpeg2000@bpp=1,2,tolerance=5%").measured == 0


def test_reported_as_such(pictures: Path, tmp_path: Path) -> None:
    """Reports name the targets, and which were not reached; curves and BD-rates are of them."""
    run = tmp_path / "run"
    measured(pictures, run, "jpeg@bpp=0.001,0.8,1.2,2", "webp@bpp=0.8,1.2,2")
    write_report([run], tmp_path / "report")
    tables = tmp_path / "report" / "tables"
    targets = pd.read_csv(tables / "targets.csv")
    assert targets.loc[targets["value"] == 0.001, "within"].tolist() == ["0/3"]
    missed = pd.read_csv(tables / "targets_missed.csv")
    assert (missed["value"] == 0.001).sum() == 3
    ranking = pd.read_csv(tables / "ranking.csv")
    assert ranking.filter(like="bd_rate").notna().any(axis=None)
    assert "the quality was searched on each image" in (tmp_path / "report" / "report.md").read_text()
