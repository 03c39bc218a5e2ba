"""The states of a codec over time: what changed, and which version changed it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from bench.check.attribution import code_change
from bench.check.baseline import (
    CodecResults,
    ImageIdentity,
    MetricDefinition,
    Snapshot,
    TrialResult,
    write_baseline,
)
from bench.check.history import State, histories, read_states
from bench.check.history_views import history_table, write_history
from bench.errors import ConfigError
from bench.host.environment import Environment
from bench.report.study_results import find_studies

QUALITIES = (10.0, 50.0, 90.0)


def state(
    version: str = "1", *, rate: float = 1.0, gain: float = 0.0, images: int = 3, sha: str = "a"
) -> Snapshot:
    """A codec's state: its bytes as a multiple of the usual ones, and its PSNR with a gain."""
    trials = [
        TrialResult(
            image=f"set/{image}.png",
            quality=quality,
            bytes=round(rate * 1000 * (place + 1) * (image + 1)),
            bitstream_sha256="b" * 64,
            pixels_sha256="c" * 64,
            metrics={"psnr_rgb": 30.0 + 4 * place + gain},
            encode_s=(0.01, 0.02, 0.03),
        )
        for image in range(images)
        for place, quality in enumerate(QUALITIES)
    ]
    return Snapshot(
        environment=Environment({}, {}),
        metrics={"psnr_rgb": MetricDefinition("1", "dB", True)},
        images={f"set/{it}.png": ImageIdentity(sha * 64, 100, 100) for it in range(images)},
        codecs=(CodecResults(label="mine", codec="mine", version=version, trials=tuple(trials)),),
    )


def test_a_changed_command_is_told_by_the_words_that_changed() -> None:
    """Of command lines what stands in another's place; of other options both values."""

    def change(old: str, new: str) -> str:
        states = [state(rate=it) for it in (1.0, 0.9)]
        one, other = (
            msgspec.structs.replace(it.codecs[0], config={"encode": text})
            for it, text in zip(states, (old, new), strict=True)
        )
        return code_change(one, other)

    line = "enc -q {quality} -fast {input}"
    assert change(line, line.replace("-fast", "-slow -m 2")) == "option encode … -fast … -> … -slow -m 2 …"
    assert change(line, line.replace(" -fast", "")) == "option encode … {quality} -fast … -> … {quality} …"
    assert change("444", "420") == "option encode 444 -> 420"


def test_a_step_has_the_version_that_made_it() -> None:
    """States with other results are steps, named by what changed; a version with the same results is none."""
    states = [
        state("1+lib 2"),
        state("2+lib 2"),
        state("3+lib 2", rate=0.9),
        state("3+lib 5", rate=0.9, gain=0.5),
    ]
    (found,) = histories([State(str(place), it) for place, it in enumerate(states)])
    assert [it.step for it in found.points] == ["", "", "adapter 2 -> 3", "lib 2 -> lib 5"]
    assert [it.bytes for it in found.points] == [36000, 36000, 32400, 32400]
    assert found.points[2].bd_rate["psnr_rgb"] == pytest.approx(-10.0)
    assert found.points[0].bd_rate["psnr_rgb"] == 0
    assert found.points[3].metrics["psnr_rgb"] == pytest.approx(34.5)
    assert found.points[0].encode_mps == pytest.approx(0.5)


def test_only_trials_of_all_states_count() -> None:
    """An image that came later, or is another picture under the same name, is behind no point."""
    (found,) = histories([State("a", state()), State("b", state(images=5))])
    assert found.trials == 9
    assert found.points[0].bytes == found.points[1].bytes
    with pytest.raises(ConfigError, match="two states or more"):
        histories([State("a", state()), State("b", state(sha="d"))])
    with pytest.raises(ConfigError, match="no label 'mime' in any state; did you mean 'mine'"):
        histories([State("a", state())], ["mime"])


def test_a_folder_is_read_by_date_or_by_commit(tmp_path: Path) -> None:
    """Baselines named by dates are in their order, those named by commits in that of the repository."""
    dates = tmp_path / "dates"
    for name in ("2026-02-01", "2025-12-24"):
        write_baseline(dates / f"{name}.json", state())
    assert [it.name for it in read_states([dates])] == ["2025-12-24", "2026-02-01"]
    git = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e@x"]
    subprocess.run([*git, "init", "-q"], check=True)
    commits = []
    for message in "abcd":
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", message], check=True)
        done = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
        commits.append(done.stdout.strip()[:10])
    for name in sorted(commits):
        write_baseline(tmp_path / "commits" / f"{name}.json", state())
    assert [it.name for it in read_states([tmp_path / "commits"])] == commits
    with pytest.raises(ConfigError, match="no run, no baseline file"):
        read_states([tmp_path / "nothing"])


def test_states_of_one_file_name_are_told_apart(tmp_path: Path) -> None:
    """Folders of versions with a baseline each of the same name are as many states, not one place."""
    files = [tmp_path / version / "kodak.json" for version in ("v1", "v2")]
    for file in files:
        write_baseline(file, state())
    assert [it.name for it in read_states(files)] == ["v1/kodak", "v2/kodak"]
    assert [it.name for it in read_states([*files, files[0]])] == ["v1/kodak (1)", "v2/kodak", "v1/kodak (3)"]


def test_a_run_that_holds_a_history_shows_it(tmp_path: Path) -> None:
    """What is written is a table of all states, a figure, and a section of the report of the folder."""
    found = histories([State("a", state()), State("b", state("2", rate=1.2))])
    files = write_history(found, tmp_path)
    assert {it.suffix for it in files} >= {".png", ".csv", ".jsonl", ".md"}
    (section,) = find_studies("set", [tmp_path], tmp_path / "report")
    assert (section.title, len(section.figures)) == ("History", 1)
    table = history_table(found[0])
    assert [row[1] for row in table.rows] == ["", "adapter 1 -> 2"]
    assert table.text()[1][4] == "+20.00"


def test_the_command_prints_states(tmp_path: Path) -> None:
    """``rdbench history`` takes baselines in the order given, and fits a terminal."""
    for name, snapshot in (("old", state()), ("new", state("2", rate=0.5))):
        write_baseline(tmp_path / f"{name}.json", msgspec.structs.replace(snapshot))
    line = [sys.executable, "-m", "bench.cli", "history", "old.json", "new.json"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.index("old") < done.stdout.index("new ")
    assert "−50.00" in done.stdout
