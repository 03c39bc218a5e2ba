"""A report comes out of any run, however little it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

import bench
from bench.report import ReportOptions, write_report
from tests.conftest import ADAPTERS

RUNS = {
    "one point each": ["jpeg@50", "webp@50"],
    "one point against a curve": ["jpeg@20,50,80", "webp@50"],
    "two points each": ["jpeg@20,50", "webp@10,50"],
    "two points against three": ["jpeg@20,50,70", "webp@50,80"],
    "nothing lossy": ["huffman"],
    "one codec": ["jpeg@10,30,60,90"],
    "every trial failed": [f"{ADAPTERS}:Raises@4"],
    "all of one codec failed": ["jpeg@10,30,60,90", f"{ADAPTERS}:Raises@2,4,6"],
    "reproduced exactly": [f"{ADAPTERS}:Honest@2,4,6,8", "jpeg@10,30,60,90"],
}


@pytest.mark.parametrize("case", RUNS)
def test_every_run_can_be_reported(case: str, pictures: Path, tmp_path: Path) -> None:
    """Few points, failures, no lossy codec, exact reconstructions: page, tables and Markdown are written."""
    bench.run(
        datasets=[str(pictures)], codecs=RUNS[case], metrics=["psnr_rgb", "ms_ssim_rgb"], out=tmp_path / "run"
    )
    made = write_report([tmp_path / "run"], tmp_path / "report")
    assert made.page.stat().st_size > 10_000
    assert (tmp_path / "report" / "report.md").read_text().startswith("# pictures")
    labels = set(bench.load(tmp_path / "run")["label"])
    text = "".join(it.read_text() for it in (tmp_path / "report" / "tables").glob("*.csv"))
    assert all(label in text for label in labels)


def test_several_runs_and_data_sets_make_one_report(pictures: Path, tmp_path: Path) -> None:
    """Labels that clash carry their run's name; each data set has files of its own; the anchor is chosen."""
    for name, limit in (("a", 2), ("b", 3)):
        bench.run(
            datasets=[str(pictures), "sample"],
            codecs=["jpeg@10,30,60,90", "webp@10,30,60,90"],
            metrics=["psnr_rgb"],
            limit=limit,
            out=tmp_path / name,
        )
    runs = [tmp_path / "a", tmp_path / "b"]
    made = write_report(runs, tmp_path / "report", ReportOptions(anchor="webp (b)"))
    assert [it.dataset for it in made.data] == ["pictures", "sample"]
    for data in made.data:
        assert data.anchor == "webp (b)"
        assert [it.label for it in data.entries] == ["jpeg-420 (a)", "webp (a)", "jpeg-420 (b)", "webp (b)"]
        assert len(data.images["psnr_rgb"]) == 2, "only the images that all compared codecs have"
        assert data.bd["psnr_rgb"]["webp (a)"].mean_curve.value == pytest.approx(0, abs=1e-9)
    assert (tmp_path / "report" / "tables" / "pictures_ranking.csv").is_file()
    assert (tmp_path / "report" / "tables" / "sample_ranking.csv").is_file()


def test_comparisons_leave_out_images_that_one_codec_failed(pictures: Path, tmp_path: Path) -> None:
    """A codec that fails on one image does not raise its own average: nobody is judged on that image."""
    picky = tmp_path / "picky.py"
    picky.write_text(
        ADAPTERS.read_text()
        + "\nclass Picky(Honest):\n    def encode(self, image, quality):\n"
        + "        if image.shape[0] == 176:\n            raise ValueError('not this one')\n"
        + "        return super().encode(image, quality)\n"
    )
    bench.run(
        datasets=[str(pictures)],
        codecs=["jpeg@10,30,60,90", f"{picky}:Picky@2,3,4,5"],
        metrics=["psnr_rgb"],
        out=tmp_path / "run",
    )
    data = write_report([tmp_path / "run"], tmp_path / "report").data[0]
    assert data.images["psnr_rgb"] == ("p1.png", "p2.png")
    counts = {it.label: (it.n_ok, it.n_planned) for it in data.entries}
    assert counts == {"jpeg-420": (12, 12), "Picky": (8, 12)}
    assert any(finding.kind == "failures" and "Picky" in finding.message for finding in data.findings)
