"""``rdbench budget``: points of a run within a budget, and the suite that measures them again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import bench
from bench.comparing.budget import BudgetRequest, plan_budgets
from bench.errors import ConfigError
from tests.cli.test_cli import rdbench


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of jpeg over three pictures."""
    from PIL import Image

    from tests.conftest import photo

    folder = tmp_path_factory.mktemp("budget")
    (folder / "pictures").mkdir()
    for index, (height, width) in enumerate(((128, 160), (160, 160), (120, 96))):
        Image.fromarray(photo(height, width, index)).save(folder / "pictures" / f"p{index}.png")
    bench.run(
        datasets=[str(folder / "pictures")],
        codecs=["jpeg@5,15,30,50,70,90", "png"],
        metrics=["psnr_rgb"],
        out=folder / "run",
        options=bench.Options(engine="inprocess"),
    )
    return folder / "run"


def test_better_than_evenly_and_within(run: Path) -> None:
    """The mean is no worse than that of even spending, and the bytes fit."""
    for plan in plan_budgets(run, BudgetRequest(bpp=(1.5, 2.0, 3.0))):
        assert plan.choice is not None
        spent = sum(it.bytes or 0 for it in plan.chosen.values())
        assert plan.choice.cost == spent <= plan.budget
        chosen, even = (
            sum(it.metrics["psnr_rgb"] or 0 for it in its.values()) for its in (plan.chosen, plan.evenly)
        )
        assert chosen >= even


def test_pooled_is_another_choice(run: Path) -> None:
    """The squared error of the set is no more than with the choice for the mean."""

    def error(pooled: bool) -> float:
        (plan,) = plan_budgets(run, BudgetRequest(bpp=(2.0,), pooled=pooled))
        made = plan.chosen.values()
        return sum(10 ** (-(it.metrics["psnr_rgb"] or 0) / 10) * it.width * it.height for it in made)  # type: ignore[operator]

    assert error(True) <= error(False) * (1 + 1e-12)


def test_a_cap_is_kept(run: Path) -> None:
    """No image gets more than the cap."""
    (plan,) = plan_budgets(run, BudgetRequest(bpp=(3.0,), cap=2.5))
    assert max(it.bpp or 0 for it in plan.chosen.values()) <= 2.5


def test_the_suite_runs(run: Path, tmp_path: Path) -> None:
    """What is written measures the chosen points again, to the byte, and a second time nothing."""
    suite = tmp_path / "suite.yaml"
    result = rdbench("budget", run, "--bpp", "1.5,3", "--format", "json", "-o", suite)
    assert result.returncode == 0, result.stderr
    rows = json.loads(result.stdout)["rows"]
    bench.run(suite, out=tmp_path / "again", options=bench.Options(engine="inprocess"))
    frame = bench.load(tmp_path / "again")
    assert frame["label"].unique().tolist() == ["jpeg-420@budget"]
    assert frame.groupby("quality")["bytes"].sum().tolist() == [it["spent"] for it in rows]
    assert bench.run(suite, out=tmp_path / "again", options=bench.Options(engine="inprocess")).measured == 0


def test_searched_points_count(run: Path, tmp_path: Path) -> None:
    """Trials that a search made on its way are points too."""
    source = bench.load(run)
    pictures = run.parent / "pictures"
    bench.run(
        datasets=[str(pictures)],
        codecs=["jpeg@bpp=1,3"],
        metrics=["psnr_rgb"],
        out=tmp_path / "searched",
        options=bench.Options(engine="inprocess"),
    )
    (plan,) = plan_budgets(tmp_path / "searched", BudgetRequest(bpp=(2.0,)))
    assert plan.choice is not None
    assert set(plan.chosen) == set(source["image"].astype(str))


def test_refused(run: Path) -> None:
    """An unknown label or metric, and an objective without meaning, are refused; too little is told."""
    with pytest.raises(ConfigError, match="no lossy codec 'png'"):
        plan_budgets(run, BudgetRequest(bpp=(1.0,), codecs=("png",)))
    with pytest.raises(ConfigError, match="no metric 'ssim'"):
        plan_budgets(run, BudgetRequest(bpp=(1.0,), metric="ssim"))
    (plan,) = plan_budgets(run, BudgetRequest(bytes=(10,)))
    assert plan.choice is None
    result = rdbench("budget", run, "--bytes", "10")
    assert result.returncode == 0
    assert "the cheapest points take" in result.stdout
    assert rdbench("budget", run).returncode == 2
