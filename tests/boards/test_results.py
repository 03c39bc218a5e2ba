"""What the entries of a board come to: comparisons, places, means over data sets, conditions."""

from __future__ import annotations

import json
import math
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from bench.boards.board import Condition, read_board
from bench.boards.conditions import unmet
from bench.boards.results import BoardResults, board_results
from bench.boards.site import write_site
from bench.errors import ConfigError
from bench.rd import mean_over_sets
from tests.boards.boards import write_board, write_entry
from tests.report.page.runs import Made


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_board(tmp_path_factory.mktemp("board"))


def bd_rates(results: BoardResults, dataset: str = "alpha") -> dict[str, float | None]:
    titles = {it.key: it.title for it in results.rows}
    of_set = next(it for it in results.sets if it.dataset == dataset)
    return {titles[key]: it.per_image.value for key, it in of_set.metrics[0].bd.items()}


def test_everybody_is_compared_with_the_anchor(board: Path) -> None:
    """BD-rates are those that the entries were made with; older versions have them too, and no place."""
    results = board_results(read_board(board))
    expected = {"good": -40.0, "good (1)": -20.0, "half": -30.0}
    assert bd_rates(results) == pytest.approx(expected, abs=0.01)
    titles = {it.key: it.title for it in results.rows}
    places = {titles[key]: str(it) for key, it in results.sets[0].metrics[0].standings.items()}
    assert places == {"good": "1", "half": "2", "jpeg": "3"}


def test_over_all_data_sets_only_who_has_all_is_ranked(board: Path) -> None:
    """Means are over the sets that an entry has; a mean place takes all of them."""
    results = board_results(read_board(board))
    titles = {it.key: it.title for it in results.rows}
    overall = {titles[key]: it for key, it in results.overall["psnr_rgb"].items()}
    assert {name: it.sets for name, it in overall.items()} == {"good": 2, "good (1)": 0, "half": 1, "jpeg": 2}
    assert overall["half"].rank is None
    assert overall["good"].rank == 1.0
    assert overall["jpeg"].rank == pytest.approx((3 + 2) / 2)
    assert overall["good"].bd == pytest.approx(-40, abs=0.01)


def test_a_new_entry_changes_nobody_elses_numbers(board: Path, tmp_path: Path) -> None:
    """One that fails on an image has no place, and takes the image from nobody."""
    copy = shutil.copytree(board, tmp_path / "board")
    before = bd_rates(board_results(read_board(copy)))
    write_entry(copy / "flaky", [Made("flaky", "flaky", 0.3, failing="image003.png")])
    results = board_results(read_board(copy))
    after = bd_rates(results)
    assert after.pop("flaky") == pytest.approx(-70, abs=0.01)
    assert after == before
    flaky = next(it.key for it in results.rows if it.title == "flaky")
    assert flaky not in results.sets[0].metrics[0].standings


def test_conditions_name_what_keeps_an_entry_from_them(board: Path) -> None:
    """Each is met, or has its reasons."""
    read = read_board(board)
    results = board_results(read)
    found = {it.title: unmet(it, read, results) for it in results.rows}
    assert found["good"]["complete"] == []
    assert found["half"]["complete"] == ["no results on beta"]
    assert "decodes 39.3 MP/s on alpha" in found["jpeg"]["fast"]


def test_sealed_is_who_was_and_shares_nothing(tmp_path: Path) -> None:
    """A need by which a picture can get past the bitstream keeps an entry from it; a GPU does not."""
    needs = {
        "open": None,
        "alone": (),
        "gpu": ("gpu", "$LICENCE"),
        "folder": ("gpu", "~/.cache/x"),
        "net": ("network",),
    }
    for name, its in needs.items():
        write_entry(tmp_path / name, [Made(name, name, 1.0, needs=its)], sets=("alpha",), images=2, points=2)
    (tmp_path / "board.yaml").write_text("anchor: open\nconditions: {closed: {sealed: true}}\n")
    read = read_board(tmp_path)
    results = board_results(read)
    assert {it.title: unmet(it, read, results)["closed"] for it in results.rows} == {
        "open": ["not sealed on alpha"],
        "alone": [],
        "gpu": [],
        "folder": ["encoder and decoder share ~/.cache/x"],
        "net": ["encoder and decoder share network"],
    }


def test_a_board_can_require_test_conditions(board: Path, tmp_path: Path) -> None:
    """What departs from them keeps an entry from the condition; the definition may lie beside the board."""
    copy = shutil.copytree(board, tmp_path / "board")
    (copy / "ours.yaml").write_text(
        "{name: ours, version: 3, title: Ours, metrics: {psnr_rgb: '1'}, quality: [10, 20, 99]}"
    )
    (copy / "board.yaml").write_text(
        "conditions:\n  ours: {conditions: ours.yaml}\n  kodak: {conditions: kodak-compressai@1}\n"
    )
    read = read_board(copy)
    results = board_results(read)
    found = {it.title: unmet(it, read, results) for it in results.rows}
    assert found["good"]["ours"] == [f"good: not measured at 99 on {it} (ours@3)" for it in ("alpha", "beta")]
    assert "data set alpha instead of kodak on alpha (kodak-compressai@1)" in found["half"]["kodak"]


def test_the_page_names_all_that_a_condition_can_ask_for() -> None:
    """A keeper finds each key there."""
    page = (Path(__file__).parents[2] / "docs" / "howto" / "leaderboard.md").read_text()
    told = page[page.index("A condition has any of") :]
    assert not [it for it in Condition.model_fields if not re.search(rf"`{it}[`:]", told)]


def test_other_pictures_under_a_name_are_refused(board: Path, tmp_path: Path) -> None:
    """A board is of the same images; both entries are named."""
    copy = shutil.copytree(board, tmp_path / "board")
    text = (copy / "half" / "run.json").read_text()
    image = json.loads(text)["images"][0]["sha256"]
    for name in ("run.json", "measurements.jsonl"):
        path = copy / "half" / name
        path.write_text(path.read_text().replace(image, "0" * 64))
    with pytest.raises(ConfigError, match=r"good/\d and half hold different pictures called image000.png"):
        board_results(read_board(copy))


def test_the_mean_over_sets_weighs_sets_and_not_images() -> None:
    """Two equal sets narrow the interval by the root of two; a large set counts as a small one."""
    values = np.random.default_rng(1).normal(0.1, 0.02, 20)
    one, two = mean_over_sets([values]), mean_over_sets([values, values])
    assert one[1] is not None
    assert two[1] is not None
    assert two[0] == pytest.approx(one[0])
    ratio = (two[1][1] - two[0]) / (one[1][1] - one[0])
    assert ratio == pytest.approx(1 / math.sqrt(2), rel=0.05)
    assert mean_over_sets([np.full(100, 1.0), np.full(4, 0.0)])[0] == 0.5
    assert mean_over_sets([np.zeros(3)])[1] is None


def test_the_same_board_makes_the_same_site(board: Path, tmp_path: Path) -> None:
    """Byte by byte, tables included; the tables have a row for each configuration."""
    for name in ("one", "two"):
        write_site(board, tmp_path / name, pictures=0)
    files = sorted(it.relative_to(tmp_path / "one") for it in (tmp_path / "one").rglob("*") if it.is_file())
    assert {it.as_posix() for it in files} >= {"index.html", ".nojekyll", "tables/overall.csv"}
    for it in files:
        assert (tmp_path / "one" / it).read_bytes() == (tmp_path / "two" / it).read_bytes()
    rows = json.loads((tmp_path / "one" / "tables" / "set-alpha.json").read_text())["rows"]
    assert len(rows) == 5
    assert next(it for it in rows if it["entry"] == "half")["bd_rate_psnr_rgb"] == pytest.approx(
        -30, abs=0.01
    )
