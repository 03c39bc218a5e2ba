"""Reports on a part of some runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli import main
from bench.errors import ConfigError
from bench.report import ReportOptions
from bench.report.build import build_report_data
from bench.report.data import ReportData
from bench.report.selection import Selection
from tests.report.page.runs import Made, write_run

CODECS = [
    Made("jpeg-420", "jpeg", 1.0),
    Made("jpeg-444", "jpeg", 1.2),
    Made("webp", "webp", 0.7),
    Made("webp-fast", "webp", 0.8, failing="image001.png"),
    Made("png", "png", 1.0, lossless=True),
]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run", CODECS, images=4, points=4)


def selected(runs: list[Path], *codecs: str, metrics: tuple[str, ...] = ()) -> ReportData:
    (data,) = build_report_data(runs, ReportOptions(selection=Selection(codecs, metrics)))
    return data


def labels(data: ReportData) -> list[str]:
    return [it.label for it in data.entries]


def test_a_label_is_one_configuration_and_a_codec_all_of_its(run: Path, tmp_path: Path) -> None:
    """In the order of the run; nothing named is everything; of several runs a label is that of each."""
    assert labels(selected([run])) == [it.label for it in CODECS]
    assert labels(selected([run], "jpeg")) == ["jpeg-420", "jpeg-444"]
    assert labels(selected([run], "webp", "jpeg-444")) == ["jpeg-444", "webp"]
    other = write_run(tmp_path / "other", CODECS[2:3], images=4, points=4)
    assert labels(selected([run, other], "webp")) == ["webp (run)", "webp (other)"]
    assert labels(selected([run, other], "webp (other)", "png")) == ["png", "webp (other)"]


def test_what_is_left_out_has_no_influence(run: Path) -> None:
    """The images that only another codec failed on are back, and so is the anchor's choice."""
    whole, part = selected([run]), selected([run], "jpeg-444", "webp", metrics=("psnr_rgb",))
    assert len(whole.images["psnr_rgb"]) == 3
    assert len(part.images["psnr_rgb"]) == 4
    assert (whole.anchor, part.anchor) == ("jpeg-420", "jpeg-444")
    assert [it.name for it in part.metrics] == ["psnr_rgb"]
    assert set(part.curves) == set(part.bd) == {"psnr_rgb"}
    assert set(part.frame["label"].cat.categories) == {"jpeg-444", "webp"}
    assert not [it for it in part.findings if "webp-fast" in it.labels]


def test_names_that_nothing_has_are_errors(run: Path) -> None:
    """With the names that there are."""
    with pytest.raises(ConfigError, match=r"codec 'avif' is in none of the runs; labels: jpeg-420, .*png"):
        selected([run], "jpeg", "avif")
    with pytest.raises(ConfigError, match=r"metric 'vif' is in none of the runs; they have psnr_rgb"):
        selected([run], metrics=("vif",))
    with pytest.raises(ConfigError, match="anchor 'png' is in none"):
        build_report_data([run], ReportOptions(anchor="png", selection=Selection(("jpeg",))))


def test_by_command_into_a_folder_of_its_own(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole report beside the run stays; without --out nothing is written."""
    line = ["rdbench", "report", str(run), "-c", "jpeg", "-m", "psnr_rgb"]
    monkeypatch.setattr("sys.argv", line)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert "give --out DIR" in capsys.readouterr().err
    assert not (run / "report").exists()
    monkeypatch.setattr("sys.argv", [*line, "-o", str(tmp_path / "paper")])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert not stopped.value.code
    table = (tmp_path / "paper" / "tables" / "ranking.csv").read_text()
    assert "jpeg-444" in table
    assert "webp" not in table
    assert "ms_ssim" not in table
