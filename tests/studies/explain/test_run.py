"""Explaining many codecs and pictures: every trial ends in a row, and the files hold what they promise."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.cli import explaining
from bench.engines.engine import EngineOptions
from bench.errors import ConfigError
from bench.inputs.suite import Suite
from bench.studies.explain.pages import arrays, write_explained
from bench.studies.explain.record import ExplainedPicture, ExplainRow
from bench.studies.explain.runner import ExplainEvents, explain_all
from bench.studies.explain.summary import codec_table, summary_table
from tests.conftest import photo

ADAPTERS = Path(__file__).with_name("adapters.py")
OUTCOMES = {
    "Plain": ("ok", "estimate"),
    "Explains": ("ok", "exact"),
    "Exaggerates": ("mismatch", "exact"),
    "Negative": ("codec_error", ""),
    "Declines": ("ok", "estimate"),
    "RateTarget": ("not available", ""),
    "Dies": ("crash", ""),
    "Raises": ("codec_error", ""),
    "Absent": ("unsupported", ""),
}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for index, size in enumerate(((64, 72), (49, 33))):
        Image.fromarray(photo(*size, index)).save(folder / f"p{index}.png")
    return folder


@pytest.fixture(scope="module")
def outcomes(pictures: Path) -> list[ExplainedPicture]:
    """Every adapter on both pictures."""
    codecs = tuple(f"{ADAPTERS}:{name}" for name in OUTCOMES)
    return list(explain_all(Suite(datasets=(str(pictures),), codecs=codecs), EngineOptions(jobs=2)))


def test_every_trial_ends_in_a_row(outcomes: list[ExplainedPicture]) -> None:
    """Crashes, errors, refusals and false maps are told apart, and none harms another."""
    found = {(it.row.label, it.row.image): (it.row.status, it.row.method) for it in outcomes}
    assert found == {(name, f"p{k}.png"): outcome for name, outcome in OUTCOMES.items() for k in (0, 1)}
    reasons = {it.row.label: it.row.reason for it in outcomes}
    assert "the tables are secret" in reasons["Declines"]
    assert "target rate" in reasons["RateTarget"]
    assert "pip install libmissing" in reasons["Absent"]
    assert "SIGSEGV" in reasons["Dies"]


def test_tables_count_all(outcomes: list[ExplainedPicture]) -> None:
    """One row a trial, and one a codec whose counts add up; estimates claim no total."""
    rows = [it.row for it in outcomes]
    table = summary_table(rows)
    assert len(table.rows) == 2 * len(OUTCOMES)
    deviation = [it.key for it in table.columns].index("deviation")
    off = {(row[2], row[1]): row[deviation] for row in table.rows}
    assert off["Explains", "p0.png"] == pytest.approx(0, abs=1e-9)
    assert off["Exaggerates", "p0.png"] == pytest.approx(5)
    assert off["Plain", "p0.png"] is None
    by_codec = codec_table(rows)
    assert {sum(row[3:8]) for row in by_codec.rows} == {2}  # type: ignore[arg-type]  # all numbers


def test_points_named_or_else_the_middle(pictures: Path) -> None:
    """Named points are all taken; a codec without any is explained at the middle of its sweep."""
    suite = Suite(datasets=(str(pictures / "p0.png"),), codecs=("jpeg@20,80", f"{ADAPTERS}:Explains"))
    assert [it.row.quality for it in explain_all(suite)] == [20, 80, 4]


def test_a_label_twice_is_refused(pictures: Path) -> None:
    """Two entries that would write the same files are a mistake."""
    suite = Suite(datasets=(str(pictures),), codecs=("jpeg@20", "jpeg@80"))
    with pytest.raises(ConfigError, match="jpeg"):
        list(explain_all(suite))


def test_files_hold_the_numbers(outcomes: list[ExplainedPicture], tmp_path: Path) -> None:
    """The archive has every array, the summary the accounting, and the page is a picture and a PDF."""
    outcome = next(it for it in outcomes if it.row.label == "Explains" and it.row.image == "p1.png")
    files = {it.suffix: it for it in write_explained(outcome, tmp_path)}
    assert {str(it.relative_to(tmp_path)) for it in files.values()} == {
        f"Explains@4/p1{ending}" for ending in (".png", ".pdf", ".npz", ".json")
    }
    with np.load(files[".npz"]) as archive:
        assert archive["density"].shape == (49, 33)
        assert archive["density"].sum() == pytest.approx(outcome.row.map_bits, rel=1e-5)
        assert archive["bits_quarters"].shape == (2, 2)
    summary = json.loads(files[".json"].read_text())
    assert summary["payload_bits"] + sum(summary["overhead_bits"].values()) == 8 * summary["bytes"]
    assert (summary["height"], summary["width"], summary["status"]) == (49, 33, "ok")
    assert files[".pdf"].read_bytes().startswith(b"%PDF")
    with Image.open(files[".png"]) as page:
        assert page.width > 1000


def test_a_failed_trial_has_no_files(outcomes: list[ExplainedPicture], tmp_path: Path) -> None:
    """What could not be explained leaves its row and nothing else."""
    crash = next(it for it in outcomes if it.row.status == "crash")
    assert write_explained(crash, tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_pages_with_latents(tmp_path: Path) -> None:
    """Channels, impulses and traversals are drawn and archived, odd and tiny shapes included."""
    from bench.explanation import BitGrid, Channels, Explanation, Impulse, Traversal

    Image.fromarray(photo(9, 30)).save(tmp_path / "tiny.png")
    random = np.random.default_rng(0)
    explanation = Explanation(
        "likelihood",
        (BitGrid("latents", random.random((1, 2)), (16, 16)),),
        {"container": 10.0},
        (Channels("latents", random.random(40), np.zeros(40), "steps²"),),
        (Impulse("latents", 3, np.zeros((9, 30, 3), np.float32)),),
        (Traversal("latents", 3, (0.0, 1.0), np.zeros((2, 9, 30, 3), np.uint8)),),
    )
    row = ExplainRow(
        dataset="d", image="tiny.png", image_sha256="0", label="x_$y", codec="x", version="1", config={},
        quality=None, status="ok", method="likelihood", bytes=9, payload_bits=62.0,
        map_bits=explanation.map_bits, overhead_bits=explanation.overhead,
        grid_bits={"latents": explanation.map_bits},
    )  # fmt: skip
    explained = ExplainedPicture(row, tmp_path / "tiny.png", Path("x/tiny"), explanation)
    assert len(write_explained(explained, tmp_path)) == 4
    found = arrays(explanation, (9, 30))
    assert found["impulse_latents_3"].shape == (9, 30, 3)
    assert found["traversal_latents_3"].shape == (2, 9, 30, 3)
    assert found["channel_bits_latents"].shape == found["channel_energy_latents"].shape == (40,)


def rdbench(*arguments: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "bench.cli", "explain", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_command(pictures: Path, tmp_path: Path) -> None:
    """The command prints map against payload, writes the files, and exits with 3 after a failure."""
    done = rdbench("png", "jpeg@50", pictures / "p0.png", "--out", tmp_path / "good")
    assert done.returncode == 0, done.stderr
    assert "2 of 2 accounted for: 2 ok" in done.stdout
    assert "headers and tables 625.0 B" in done.stdout
    assert (tmp_path / "good" / "jpeg-420@50" / "p0.png").is_file()
    assert (tmp_path / "good" / "explain.csv").is_file()
    bad = rdbench(f"{ADAPTERS}:Dies", "-d", pictures, "--no-figures", "--out", tmp_path / "bad")
    assert bad.returncode == 3
    assert "2 of 2 accounted for: 2 crash" in bad.stdout
    absent = rdbench("vae:weights=none.safetensors@3", pictures / "p0.png", "--out", tmp_path / "absent")
    assert absent.returncode == 3, "nothing was explained"


@pytest.mark.parametrize("done", [0, 1])
def test_interruption_tells_what_there_is(
    done: int,
    outcomes: list[ExplainedPicture],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A summary is promised only where one is written."""

    def interrupted(
        suite: Suite, means: EngineOptions, events: ExplainEvents, engine: str
    ) -> Iterator[ExplainedPicture]:
        events.started(2)
        yield from outcomes[:done]
        raise KeyboardInterrupt

    monkeypatch.setattr(explaining, "explain_all", interrupted)
    request = explaining.ExplainRequest(
        ["jpeg", str(outcomes[0].path)], None, None, None, None, tmp_path, figures=False, device="auto"
    )
    with pytest.raises(KeyboardInterrupt):
        explaining.explain(request, EngineOptions())
    told = capsys.readouterr().err
    assert (tmp_path / "explain.csv").exists() == bool(done)
    assert ("interrupted after 1 of 2; the summary in" in told) == bool(done)
    assert ("there is no summary" in told) != bool(done)


def test_another_engine_explains_the_same(pictures: Path) -> None:
    """Where codecs run is the user's choice; one that isolates nothing is told."""
    suite = Suite(datasets=(str(pictures),), codecs=("jpeg@50",))
    notes: list[str] = []
    events = ExplainEvents(note=notes.append)
    there = [it.row for it in explain_all(suite, EngineOptions(), events, "inprocess")]
    assert there == [it.row for it in explain_all(suite, EngineOptions(jobs=1))]
    assert any("inprocess does not isolate" in it for it in notes)
    with pytest.raises(ConfigError, match="nowhere"):
        next(explain_all(suite, EngineOptions(), events, "nowhere"))


def test_many_rows_are_told_by_codec(
    outcomes: list[ExplainedPicture], capsys: pytest.CaptureFixture[str]
) -> None:
    """Reasons stand below a narrow table, each with the codecs that it is of."""
    explaining._print([it.row for it in outcomes] * 3)
    lines = capsys.readouterr().out.splitlines()
    table = lines[2 : lines.index("", 3)]
    assert max(map(len, table)) < 110
    assert "why" not in table[0]
    assert any(it.startswith("Declines@4: the tables are secret") for it in lines)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((), "name a codec"), (("vae",), "no such image"), (("jpeg", "/no/such.png"), "no such image")],
)
def test_bad_usage(arguments: tuple[str, ...], message: str) -> None:
    """Missing codecs or pictures are named, with exit code 2."""
    done = rdbench(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
