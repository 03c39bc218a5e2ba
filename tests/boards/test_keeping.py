"""What a keeper meets: verifications, names that are taken over, damaged entries, slips in ``board.yaml``."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bench.boards.board import read_board
from bench.boards.conditions import unmet
from bench.boards.placing import told_of
from bench.boards.results import BoardResults, board_results
from bench.boards.site import write_site
from bench.cli.boards import check_entries, write
from bench.cli.exit_codes import EXIT_FAILED_TRIALS
from bench.errors import BenchError, ConfigError
from bench.report.load import run_name
from tests.boards.boards import verify_entry, write_board, write_entry
from tests.report.page.runs import Made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_board(tmp_path_factory.mktemp("made"))


@pytest.fixture
def board(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "board")


def places(results: BoardResults) -> dict[str, str]:
    """On the first data set, by its first metric."""
    metric = results.sets[0].metrics[0]
    return {it.title: str(metric.standings.get(it.key, "none")) for it in results.rows}


def why(results: BoardResults, title: str) -> str:
    key = next(it.key for it in results.rows if it.title == title)
    return results.sets[0].metrics[0].unranked[key]


def rows_of(site: Path, name: str = "set-alpha") -> dict[str, Any]:
    table = json.loads((site / "tables" / f"{name}.json").read_text())
    return {f"{it['entry']} {it['version']}": it for it in table["rows"]}


def test_the_state_of_a_verification_is_in_every_table(board: Path, tmp_path: Path) -> None:
    """Decoding alone, a suspicion and a contradiction have words of their own, in JSON and CSV."""
    verify_entry(board / "jpeg")
    verify_entry(board / "good" / "2", flags=("memorised?", "other version"))
    verify_entry(board / "half", decode_only=True)
    verify_entry(board / "png", "does not decode")
    verify_entry(board / "good" / "1", "not checked")
    write_site(board, tmp_path / "site", pictures=0)
    expected = {
        "jpeg 1": ("yes", "verified"),
        "good 2": ("no", "memorised?"),
        "good 1": ("no", "in part"),
        "half 1": ("yes", "decode-only"),
        "png 1": ("no", "contradicted"),
    }
    found = rows_of(tmp_path / "site")
    assert {name: (it["verified"], it["verification"]) for name, it in found.items()} == expected
    with (tmp_path / "site" / "tables" / "overall.csv").open() as file:
        states = {it["entry"]: it["verification"] for it in csv.DictReader(file)}
    assert states["good"] in ("memorised?", "in part")


def test_a_suspect_meets_no_condition_that_asks_for_verification(board: Path) -> None:
    """What keeps it from the condition is the suspicion itself."""
    (board / "board.yaml").write_text("conditions: {sure: {verified: true}}\n")
    verify_entry(board / "jpeg")
    verify_entry(board / "good" / "2", flags=("memorised?",))
    read = read_board(board)
    results = board_results(read)
    found = {
        it.title: unmet(it, read, results)["sure"] for it in results.rows if it.title in ("jpeg", "good")
    }
    assert found == {"jpeg": [], "good": ["memorised?"]}


def test_who_is_contradicted_has_no_place(board: Path, tmp_path: Path) -> None:
    """It is listed with its numbers and the reason; the others move up."""
    assert places(board_results(read_board(board)))["half"] == "2"
    verify_entry(board / "good" / "2", "decodes, numbers differ")
    results = board_results(read_board(board))
    assert places(results) == {"good": "none", "good (1)": "none", "half": "1", "jpeg": "2", "png": "none"}
    assert "contradicted" in why(results, "good")
    write_site(board, tmp_path / "site", pictures=0)
    row = rows_of(tmp_path / "site")["good 2"]
    assert row["bd_rate_psnr_rgb"] == pytest.approx(-40, abs=0.01)
    assert row["best_place_psnr_rgb"] is None
    assert "contradicted" in row["unranked_psnr_rgb"]


def test_a_place_asks_for_half_of_the_anchors_range(board: Path) -> None:
    """Who goes further than the anchor has a place, though the curves share little of both ranges."""
    write_entry(board / "wide", [Made("wide", "wide", 0.5)], points=14)
    results = board_results(read_board(board))
    assert places(results)["wide"] == "1"
    key = next(it.key for it in results.rows if it.title == "wide")
    bd = results.sets[0].metrics[0].bd[key].per_image
    assert (bd.coverage, bd.partial) == (1.0, True)


def test_all_lossy_entries_are_listed_over_all_data_sets(board: Path, tmp_path: Path) -> None:
    """Those without a place too, with the reason by data set."""
    write_entry(board / "flaky", [Made("flaky", "flaky", 0.3, failing="image003.png")])
    write_site(board, tmp_path / "site", pictures=0)
    found = rows_of(tmp_path / "site", "overall")
    assert found.keys() == {"jpeg 1", "good 2", "good 1", "half 1", "flaky 1"}
    assert found["flaky 1"]["sets_psnr_rgb"] == 0
    assert "alpha: lacks 1 of the anchor's 6 images" in found["flaky 1"]["unranked_psnr_rgb"]
    assert found["half 1"]["unranked_psnr_rgb"] == "beta: no results"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"name": "good", "authors": "E. Vil", "version": "3"}, "by E. Vil and by A. Person"),
        ({"name": "GOOD ", "version": "3"}, "told apart by nobody"),
        ({"name": "good", "version": "2", "date": "2026-07-01"}, "both are version 2 of good"),
    ],
)
def test_a_name_is_its_authors(board: Path, said: dict[str, str], told: str) -> None:
    """Taking over a name, or a version, is refused with both folders, whatever the date says."""
    write_entry(board / "other", [Made("x", "x", 0.1)], **({"date": "2025-01-01"} | said))
    with pytest.raises(ConfigError, match=told) as error:
        read_board(board)
    assert f"{board}/other" in str(error.value)
    assert f"{board}/good/" in str(error.value)


def test_co_authors_may_carry_on(board: Path) -> None:
    """A version by some of the former authors, and further ones, is a version."""
    said = {"name": "good", "version": "3", "date": "2026-07-01", "authors": ["a. person", "B. Other"]}
    write_entry(board / "good" / "3", [Made("good", "good", 0.5)], **said)
    newest = next(it for it in read_board(board).entries if it.submission.name == "good")
    assert (newest.submission.version, newest.current) == ("3", True)


def test_a_date_to_come_is_refused(board: Path) -> None:
    """It would be the newest for years; a day ahead may be a time zone."""
    for days in (1, 30):
        day = (datetime.now(UTC).date() + timedelta(days=days)).isoformat()
        path = board / "half" / "entry.yaml"
        text = path.read_text()
        path.write_text(text.replace(text.partition("date: ")[2].partition("\n")[0], f"'{day}'"))
        left_out = read_board(board).left_out
        assert [it.folder.name for it in left_out] == (["half"] if days > 1 else [])
    with pytest.raises(ConfigError, match=r"half/entry.yaml:\d+: date: .* is still to come"):
        check_entries([board / "half"], fetch=False)


def test_the_anchor_may_be_a_folder(board: Path) -> None:
    """A folder means itself, an older version too; an ambiguous name is refused with the folders."""
    for wanted, anchor in (("good/1", "good (1)"), ("JPEG", "jpeg"), ("half", "half")):
        (board / "board.yaml").write_text(f"anchor: {wanted}\n")
        results = board_results(read_board(board))
        assert {it.key: it.title for it in results.rows}[results.sets[0].anchor or ""] == anchor
    write_entry(board / "copy", [Made("jpeg-420", "jpeg", 0.1)])
    (board / "board.yaml").write_text("title: x\nanchor: jpeg-420\n")
    with pytest.raises(ConfigError, match=r"board.yaml:2: anchor: .*several entries \(copy, jpeg\)"):
        board_results(read_board(board))
    (board / "board.yaml").write_text("title: x\nanchor: jpg\n")
    with pytest.raises(ConfigError, match=r"board.yaml:2: anchor: 'jpg' is in no entry; did you mean 'jpeg'"):
        board_results(read_board(board))


def test_a_damaged_entry_does_not_stop_the_site(
    board: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The site is written without it and says so, without the keeper's folders; the exit code is 3."""
    (board / "half" / "run.json").write_text("{")
    (board / "png" / "measurements.jsonl").write_text("{}\n{}\n")
    assert write(board, tmp_path / "site", 0, trust=False) == EXIT_FAILED_TRIALS
    said = capsys.readouterr()
    assert f"{board}/half/run.json: damaged" in said.err
    assert "submit the run again" in said.err
    assert "--fresh" not in said.err
    assert said.out.startswith("2 entries, 1 older version; 2 configurations: 2 not verified")
    page = (tmp_path / "site" / "index.html").read_text()
    assert '"leftOut":["half/run.json: damaged' in page
    assert str(board) not in page


def test_a_damaged_anchor_is_named(board: Path) -> None:
    """Without it there is no site; what is wrong with it is told beside."""
    (board / "jpeg" / "run.json").write_text("{")
    told = r"anchor: 'jpeg' is in no entry.*\n.*jpeg/run.json: damaged"
    with pytest.raises(ConfigError, match=told):
        board_results(read_board(board))


def test_names_that_no_entry_has_are_told_with_their_line(board: Path, tmp_path: Path) -> None:
    """Metrics and data sets, those of conditions too; the site is written."""
    sets = "datasets: [alpha, beta, kodka]\nconditions:\n  c: {datasets: [alpa]}\n"
    (board / "board.yaml").write_text(f"metrics: [psnr_rgb, psnr_rbg]\n{sets}")
    remarks = write_site(board, tmp_path / "site", pictures=0).remarks
    assert [it.removeprefix(f"{board}/board.yaml:") for it in remarks] == [
        "1: metrics.#2: no entry has the metric 'psnr_rbg'; did you mean 'psnr_rgb'?",
        "2: datasets.#3: no entry has the data set 'kodka'; known: alpha, beta",
        "4: conditions.c.datasets.#1: no entry has the data set 'alpa'; did you mean 'alpha'?",
    ]


@pytest.mark.parametrize("place", [".", "..", "jpeg", "good"])
def test_a_site_has_a_folder_of_its_own(board: Path, place: str) -> None:
    """Pages among entries would be taken for parts of them; a folder without entries is fine."""
    with pytest.raises(ConfigError, match="folder of its own"):
        write_site(board, board / place, pictures=0)
    write_site(board, board / "site", pictures=0)


def test_tables_have_addresses_rates_and_how_times_were_taken(board: Path, tmp_path: Path) -> None:
    """What the page links or remarks stands in its files too."""
    write_site(board, tmp_path / "site", pictures=0)
    row = rows_of(tmp_path / "site")["jpeg 1"]
    assert (row["paper"], row["timing"]) == ("https://example.org/paper", "load")
    assert 0 < row["lowest_bpp"] < row["highest_bpp"]


def test_a_report_calls_an_entry_by_its_name_and_version(board: Path) -> None:
    """The folder of a version alone, ``2``, would say nothing."""
    assert run_name(board / "good" / "2") == "good/2"
    assert run_name(board / "half") == "half"


def test_an_entry_learns_its_place_before_it_is_sent(
    board: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its place, data sets that it lacks, claims that it does not keep, and names that are taken."""
    entry = write_entry(
        tmp_path / "new", [Made("new", "new", 0.5)], sets=("alpha",), conditions=["fast", "complete", "huge"]
    )
    check_entries([entry], fetch=False, board=board)
    told = capsys.readouterr().out
    assert "new on alpha, PSNR: place 1 of 4, BD-rate -50.0%, covers 100% of the anchor's range" in told
    assert "new: no results on beta" in told
    assert "condition huge: unknown to this board" in told
    assert "condition complete: claimed, and not met by new (no results on beta)" in told
    assert told_of(board / "jpeg", board)[0] == "jpeg on alpha, PSNR: place 3 of 3, it is the anchor"
    thief = write_entry(tmp_path / "thief", [Made("x", "x", 0.5)], name="jpeg", authors="E. Vil")
    with pytest.raises(BenchError, match="both are called 'jpeg'"):
        check_entries([thief], fetch=False, board=board)


def test_who_has_no_place_is_told_the_rates_of_the_board(board: Path, tmp_path: Path) -> None:
    """So that the next run has the operating points that it takes."""
    entry = write_entry(tmp_path / "new", [Made("new", "new", 0.5, points=3)], points=9)
    (board / "board.yaml").write_text("anchor: half\n")
    write_entry(board / "half", [Made("half", "half", 0.7)], sets=("alpha",), points=9)
    line = told_of(entry, board)[0]
    assert "no place, covers 25% of the anchor's range of quality" in line
    assert "(half goes from 0.0988 to 2.53 bpp)" in line
