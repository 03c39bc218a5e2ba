"""Runs under test conditions: what these give, and every deviation that is named."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from PIL import Image

import bench
from bench.api import resolve_suite
from bench.conditions.definition import find_conditions, shipped_conditions
from bench.conditions.deviations import Evaluation, judge
from bench.conditions.suites import under
from bench.errors import ConfigError
from bench.inputs.goals import Goals
from bench.inputs.suite import Suite, parse_codec
from bench.report import ReportOptions, write_report
from bench.runs.store import read_info
from tests.cli.test_cli import rdbench
from tests.conftest import photo

MINE = """
name: mine
version: {version}
title: Three small pictures
datasets: [{{name: three, count: 3}}]
quality: {{bpp: [1.5, 2.5, 5], tolerance: 5%}}
anchor: {{codec: "jpeg:subsampling=420"}}
options: {{jpeg: {{optimize: true}}}}
metrics: {{psnr_rgb: "1", psnr_y: null}}
averaging: {{rate: {rate}}}
mean_bd: [psnr_rgb, psnr_y]
own_mb: {own}
budgets_bpp: [1.6, 2.7, 5.3]
"""
INPROCESS = bench.Options(engine="inprocess")


def definition(folder: Path, version: int = 1, rate: str = "images", own: float = 100) -> Path:
    path = folder / f"mine@{version}.yaml"
    path.write_text(MINE.format(version=version, rate=rate, own=own))
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that keeps to conditions of its own, in a file beside it."""
    folder = tmp_path_factory.mktemp("conditions")
    (folder / "three").mkdir()
    for index in range(3):
        Image.fromarray(photo(160, 168, index)).save(folder / "three" / f"p{index}.png")
    bench.run(
        datasets=[str(folder / "three")],
        codecs=["jpeg2000"],
        conditions=str(definition(folder)),
        out=folder / "run",
        options=INPROCESS,
    )
    return folder / "run"


def deviations(run: Path, conditions: Path, evaluation: Evaluation | None = None) -> tuple[str, ...]:
    return judge(find_conditions(str(conditions)), read_info(run), bench.load(run), evaluation).deviations


@pytest.mark.parametrize("name", ["kodak-compressai", "jpeg-ai-ctc", "clic2020-budget", "codec-compare"])
def test_shipped(name: str) -> None:
    """Each shipped definition is valid, found by name and by version, and has a source."""
    found = find_conditions(name)
    assert found == find_conditions(f"{name}@{found.definition.version}")
    assert found in shipped_conditions()
    assert found.definition.source


def test_unknown() -> None:
    """A name with a mistake is told what there is; so is a version that does not exist."""
    with pytest.raises(ConfigError, match="did you mean"):
        find_conditions("jpeg-ai-ctcs")
    with pytest.raises(ConfigError, match="no conditions"):
        find_conditions("jpeg-ai-ctc@99")


def test_what_the_user_leaves_open() -> None:
    """Conditions give images, operating points, metrics and anchor; what the user names stays."""
    suite = resolve_suite(conditions="kodak-compressai", codecs=[parse_codec("webp@20,50")])
    assert suite.datasets == ("kodak",)
    assert suite.metrics == ("psnr_rgb", "ms_ssim_rgb")
    assert [it.codec for it in suite.codecs] == ["jpeg", "webp"]
    assert suite.codecs[0].quality == tuple(range(5, 100, 5))
    assert suite.codecs[1].quality == (20, 50)
    rates = under(find_conditions("jpeg-ai-ctc"), Suite(datasets=("here",)), {"datasets"})
    assert rates.quality == Goals(of="bpp", values=(0.12, 0.25, 0.5, 0.75, 1.0))
    with pytest.raises(ConfigError, match="name their folder with -d"):
        resolve_suite(conditions="jpeg-ai-ctc", codecs=[parse_codec("webp")])
    with pytest.raises(ConfigError, match="holds for any images; name some with -d"):
        resolve_suite(conditions="codec-compare", codecs=[parse_codec("webp")])


def test_the_anchor_by_another_spelling(run: Path, tmp_path: Path) -> None:
    """Who names the anchor among the codecs, with its defaults unsaid, has it measured once."""
    path = tmp_path / "mine@1.yaml"
    path.write_text(definition(tmp_path).read_text().replace("options: {jpeg: {optimize: true}}", ""))
    three, conditions = str(run.parent / "three"), str(path)
    bench.run(
        datasets=[three], codecs=["jpeg"], conditions=conditions, out=tmp_path / "run", options=INPROCESS
    )
    assert list(bench.load(tmp_path / "run")["label"].unique()) == ["jpeg-420@bpp"]


def test_a_suite_names_them(tmp_path: Path) -> None:
    """A suite file may name conditions, a file among them relative to itself, in a folder with blanks too."""
    folder = tmp_path / "with blanks in it"
    folder.mkdir()
    definition(folder)
    (tmp_path / "suite.yaml").write_text(f"conditions: {folder.name}/mine@1.yaml\ndatasets: [kodak]\n")
    suite = resolve_suite(tmp_path / "suite.yaml")
    assert suite.conditions is not None
    assert suite.conditions.startswith("mine@1 ")
    assert suite.metrics == ("psnr_rgb", "psnr_y")
    recorded = find_conditions("kodak-compressai").recorded  # as the suite in a run folder has them
    assert resolve_suite(conditions=recorded, datasets=["kodak"]).conditions == recorded


def test_a_run_that_keeps_to_them(run: Path) -> None:
    """It records what it was made under, and has no deviations."""
    path = run.parent / "mine@1.yaml"
    assert read_info(run).conditions == find_conditions(str(path)).recorded
    assert deviations(run, path, Evaluation()) == ()


@pytest.mark.parametrize(
    ("change", "deviation"),
    [
        (("count: 3", "count: 4"), "3 images instead of the 4"),
        (('psnr_rgb: "1"', 'psnr_rgb: "2"'), "psnr_rgb is of version 1, not 2"),
        (("psnr_y: null", "ssim_rgb: null"), "not measured: ssim_rgb"),
        (("subsampling=420", "subsampling=444"), "the anchor jpeg:subsampling=444 is not measured"),
        (("[1.5, 2.5, 5]", "[1.5, 2.5, 4]"), "not measured at 4"),
        (("5%", "0.01%"), "points are not at their bpp ± 0.01%"),
        (("{bpp: [1.5, 2.5, 5], tolerance: 5%}", "[10, 20]"), "operating points are bpp, not qualities"),
        (
            ("{jpeg: {optimize: true}}", "{jpeg2000: {lossless: true}}"),
            "lossless is False, not True",
        ),
        (("own_mb: 100", "threads: 2"), "1 thread, not 2"),
        (("own_mb: 100", "timing: alone"), "not timed alone"),
        (("own_mb: 100", "header_bytes: payload"), "headers count"),
        (("[1.6, 2.7, 5.3]", "[0.5, 2.7, 5.3]"), "exceed the budget"),
        (("[1.6, 2.7, 5.3]", "[1.1]"), "3 operating points for 1 budgets"),
        (("rate: images", "rate: pixels"), "rates are averaged over images, not pixels"),
        (("rate: images", "metrics: set"), "not of the set's squared error"),
        (("own_mb: 100", "interpolation: akima"), "interpolated by pchip, not akima"),
        (("own_mb: 100", "bd_range: [30, 40]"), "not 30 to 40"),
    ],
)
def test_each_deviation_is_named(run: Path, tmp_path: Path, change: tuple[str, str], deviation: str) -> None:
    """One thing at a time is made another, and told."""
    path = tmp_path / "mine.yaml"
    text = (run.parent / "mine@1.yaml").read_text()
    assert change[0] in text
    path.write_text(text.replace(*change))
    found = deviations(run, path, Evaluation())
    assert any(deviation in it for it in found), found


def test_images_by_hash(run: Path, tmp_path: Path) -> None:
    """Images that are named by hash are these and no others, whatever they are called."""
    path = tmp_path / "mine.yaml"
    hashes = {f"x{place}.png": it.sha256 for place, it in enumerate(read_info(run).images)}
    text = (run.parent / "mine@1.yaml").read_text()
    path.write_text(text.replace("count: 3", f"sha256: {json.dumps(hashes)}"))
    assert deviations(run, path) == ()
    hashes["x0.png"] = "0" * 64
    path.write_text(text.replace("count: 3", f"sha256: {json.dumps(hashes)}"))
    assert deviations(run, path) == ("1 of 3 images of three are missing", "p0.png: no image of three")


def test_reports_and_exports_name_them(run: Path, tmp_path: Path) -> None:
    """A report holds a run against named conditions, with their mean BD-rate; an export tells the verdict."""
    path = definition(tmp_path, 2, own=0.00001)
    write_report([run], tmp_path / "report", ReportOptions(conditions=str(path)))
    text = (tmp_path / "report" / "report.md").read_text()
    assert "conditions: mine@2, 1 deviation: " in text.replace("\\", "") or "no deviations" in text
    ranking = list(csv.DictReader((tmp_path / "report" / "tables" / "ranking.csv").open()))
    rows = {it["label"]: it for it in ranking}
    assert {it["mean_bd_rate"] for label, it in rows.items() if label.startswith("jpeg-420")} == {"0.0"}
    assert "BD-rate mean of 2 %" in text


def test_a_report_without_the_definition(run: Path, tmp_path: Path) -> None:
    """A run under conditions of a file says so where the file is not named again."""
    write_report([run], tmp_path / "report")
    assert "which are not at hand" in (tmp_path / "report" / "report.md").read_text()


def test_a_changed_definition(run: Path, tmp_path: Path) -> None:
    """A definition whose text has changed under the same version is a deviation."""
    path = tmp_path / "mine@1.yaml"
    path.write_text((run.parent / "mine@1.yaml").read_text() + "# changed\n")
    write_report([run], tmp_path / "report", ReportOptions(conditions=str(path)))
    assert "another text of mine@1" in (tmp_path / "report" / "report.md").read_text()


def test_commands(tmp_path: Path, pictures: Path) -> None:
    """``list conditions`` lists them; a run under some tells its deviations, and its export does."""
    listed = rdbench("list", "conditions")
    assert "kodak-compressai@1" in listed.stdout
    out = tmp_path / "run"
    made = rdbench("run", "--conditions", "clic2020-budget", "-c", "jpeg@10,30,50", "-d", pictures, "-o", out)
    assert made.returncode == 0, made.stderr
    assert "conditions: clic2020-budget@1, " in made.stdout
    assert "averaged over images" not in made.stdout
    exported = rdbench("export", out, "--format", "csv").stdout
    assert "conditions: clic2020-budget@1, " in next(csv.DictReader(exported.splitlines()))["conditions"]
