"""`rdbench baseline` and `rdbench check` as a CI job meets them: files, output, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.check import codecs
from tests.conftest import photo

SUITE = """\
datasets: [pictures]
metrics: [psnr_rgb]
codecs:
  - codec: tables.py:Tables
    quality: [1, 2, 4]
"""


def rdbench(*arguments: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "bench.cli", *map(str, arguments)]
    environment = {key: it for key, it in os.environ.items() if key != "GITHUB_STEP_SUMMARY"} | environment
    return subprocess.run(line, capture_output=True, text=True, cwd=cwd, check=False, env=environment)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images, a codec, a suite and the baseline of a run, as a developer has it."""
    root = tmp_path_factory.mktemp("gate")
    (root / "pictures").mkdir()
    Image.fromarray(photo(64, 72)).save(root / "pictures" / "p0.png")
    Image.fromarray(photo(60, 80, 1)).save(root / "pictures" / "p1.png")
    (root / "tables.py").write_text(codecs.SOURCE)
    (root / "suite.yaml").write_text(SUITE)
    (root / "jpeg.yaml").write_text("datasets: [pictures]\nmetrics: [psnr_rgb]\ncodecs: ['jpeg@10,50,90']\n")
    done = rdbench("run", "suite.yaml", "--no-report", "-o", "run", cwd=root)
    assert done.returncode == 0, done.stderr
    done = rdbench("baseline", "run", "--output", "baseline.json", cwd=root)
    assert done.returncode == 0, done.stderr
    assert "6 trials" in done.stderr
    return root


@pytest.fixture
def worse(project: Path):
    """The project while its codec has lost its optimisation."""
    (project / "tables.py").write_text(codecs.SOURCE.replace(*codecs.FLAG))
    yield project
    (project / "tables.py").write_text(codecs.SOURCE)


def test_a_run_passes_against_its_own_baseline(project: Path) -> None:
    """Exit code 0 and one line that says how much was compared."""
    done = rdbench("check", "run", "--baseline", "baseline.json", cwd=project)
    assert (done.returncode, done.stdout) == (0, "pass (6 of 6 trials identical)\n")


def test_a_suite_is_measured_afresh(worse: Path, tmp_path: Path) -> None:
    """A suite runs now, whatever a folder holds; a regression exits with 1 and tells codec and images."""
    kept = tmp_path / "kept"
    for _ in range(2):
        done = rdbench("check", "suite.yaml", "-b", "baseline.json", "--out", kept, cwd=worse)
        assert done.returncode == 1, done.stderr
        for word in (
            "regression",
            "tables",
            "bytes",
            ".png",
            "--update",
        ):  # how many names depends on the width
            assert word in done.stdout
    assert (kept / "run.json").is_file()


def test_forms_and_the_step_summary(worse: Path, tmp_path: Path) -> None:
    """JSON goes to a file, and GitHub's summary gets the Markdown besides."""
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    arguments = (
        "suite.yaml",
        "-b",
        "baseline.json",
        "--format",
        "json",
        "--output",
        tmp_path / "verdict.json",
    )
    done = rdbench("check", *arguments, cwd=worse, GITHUB_STEP_SUMMARY=str(summary))
    assert (done.returncode, done.stdout) == (1, "")
    assert json.loads((tmp_path / "verdict.json").read_text())["outcome"] == "regression"
    assert summary.read_text().startswith("before\n### ❌ Codec regression check: regression")


def test_limits_come_from_a_suite_file(worse: Path, tmp_path: Path) -> None:
    """What the suite file's `gate` allows passes, for a suite and for a run."""
    lenient = SUITE.replace("pictures", str(worse / "pictures")).replace(
        "tables.py", str(worse / "tables.py")
    )
    (tmp_path / "lenient.yaml").write_text(lenient + "gate: {max_bytes: 200%, max_bd_rate: off}\n")
    out = tmp_path / "run"
    done = rdbench("check", tmp_path / "lenient.yaml", "-b", "baseline.json", "-o", out, cwd=worse)
    assert done.returncode == 0, done.stdout
    assert rdbench("check", out, "-b", "baseline.json", cwd=worse).returncode == 1
    limited = rdbench("check", out, "-b", "baseline.json", "--limits", tmp_path / "lenient.yaml", cwd=worse)
    assert limited.returncode == 0


def test_update_accepts_the_new_state(worse: Path, tmp_path: Path) -> None:
    """--update tells what changed and writes it, so that the next check passes; it makes a first file too."""
    path = tmp_path / "baseline.json"
    path.write_bytes((worse / "baseline.json").read_bytes())
    accepted = rdbench("check", "suite.yaml", "-b", path, "--update", cwd=worse)
    assert accepted.returncode == 0
    assert "REGRESSION" in accepted.stdout
    assert rdbench("check", "suite.yaml", "-b", path, cwd=worse).returncode == 0
    first = rdbench("check", "suite.yaml", "-b", tmp_path / "new" / "b.json", "--update", cwd=worse)
    assert first.returncode == 0
    assert (tmp_path / "new" / "b.json").read_bytes() == path.read_bytes()


def test_failed_trials_exit_3(project: Path, tmp_path: Path) -> None:
    """A trial that fails now is reported with image and cause, and the exit code is 3."""
    crash = codecs.SOURCE.replace(
        "        table = [", "        assert image.shape[1] != 80\n        table = ["
    )
    (tmp_path / "tables.py").write_text(crash)
    (tmp_path / "suite.yaml").write_text(SUITE.replace("pictures", str(project / "pictures")))
    done = rdbench("check", "suite.yaml", "-b", project / "baseline.json", cwd=tmp_path)
    assert done.returncode == 3
    assert "p1.png" in done.stdout
    assert "AssertionError" in done.stdout
    assert "p0.png" not in done.stdout


USAGE_ERRORS = {
    "no baseline given": (("check", "run"), ["--baseline"]),
    "baseline absent": (("check", "run", "-b", "nowhere.json"), ["nowhere.json", "rdbench baseline"]),
    "empty baseline": (("check", "run", "-b", "empty.json"), ["empty.json", "empty"]),
    "older schema": (("check", "run", "-b", "older.json"), ["older.json", "version 0"]),
    "newer schema": (("check", "run", "-b", "newer.json"), ["version 7", "update rdbench"]),
    "unknown form": (("check", "run", "-b", "baseline.json", "-f", "xml"), ["xml", "junit"]),
    "no run": (("check", "pictures", "-b", "baseline.json"), ["pictures", "run.json"]),
    "bad suite": (("check", "bad.yaml", "-b", "baseline.json"), ["bad.yaml:3", "max_byte"]),
    "times without another side": (("check", "suite.yaml", "--timing"), ["--against"]),
    "times of a run": (("check", "run", "--timing", "--against", "python3"), ["suite file"]),
    "another side that is none": (("check", "jpeg.yaml", "--timing", "--against", "no-such"), ["no-such"]),
    "one file on both sides": (
        ("check", "suite.yaml", "--timing", "--against", sys.prefix),
        ["tables.py", "with itself", "--against OLD.py", "package"],
    ),
    "a codec file against an installed codec": (
        ("check", "jpeg.yaml", "--timing", "--against", "tables.py"),
        ["tables.py", "one codec file"],
    ),
    "no former file": (
        ("check", "suite.yaml", "--timing", "--against", "absent.py"),
        ["absent.py", "no such"],
    ),
    "baseline of no run": (("baseline", "pictures", "-o", "x.json"), ["run.json"]),
}


@pytest.mark.parametrize("case", USAGE_ERRORS)
def test_bad_usage_exits_2(case: str, project: Path) -> None:
    """Each mistake ends in exit code 2 and a message that names it; nothing is measured."""
    state = json.loads((project / "baseline.json").read_text())
    (project / "empty.json").write_text(json.dumps(state | {"codecs": []}))
    (project / "older.json").write_text(json.dumps(state | {"schema": 0}))
    (project / "newer.json").write_text(json.dumps(state | {"schema": 7}))
    (project / "bad.yaml").write_text("datasets: [pictures]\ngate:\n  max_byte: 1%\n")
    arguments, words = USAGE_ERRORS[case]
    done = rdbench(*arguments, cwd=project)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_unfinished_runs_make_no_baseline(project: Path, tmp_path: Path) -> None:
    """A run that was interrupted would leave gaps that nobody sees."""
    for name in ("run.json", "measurements.jsonl"):
        (tmp_path / name).write_bytes((project / "run" / name).read_bytes())
    lines = (tmp_path / "measurements.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "measurements.jsonl").write_text("".join(lines[:-1]))
    done = rdbench("baseline", tmp_path, "-o", tmp_path / "b.json", cwd=tmp_path)
    assert done.returncode == 2
    assert "1 of 6 trials" in done.stderr
    accepted = project / "baseline.json"
    before = accepted.read_bytes()
    done = rdbench("check", tmp_path, "--baseline", accepted, "--update", cwd=tmp_path)
    assert done.returncode == 2
    assert "1 of 6 trials" in done.stderr
    assert accepted.read_bytes() == before


@pytest.mark.slow
def test_speed_against_an_environment(project: Path) -> None:
    """--timing compares this installation with another by the suite's codecs, and names every cell."""
    arguments = ("jpeg.yaml", "--timing", "--against", sys.prefix, "--rounds", "4", "--format", "json")
    done = rdbench("check", *arguments, cwd=project)
    assert done.returncode in (0, 1), done.stderr
    cells = json.loads(done.stdout)["speed"]
    assert {(it["label"], it["quality"], it["operation"]) for it in cells} == {
        ("jpeg-420", quality, operation)
        for quality in (10.0, 50.0, 90.0)
        for operation in ("encode", "decode")
    }
    assert all(it["samples"] == 32 for it in cells)


def test_speed_against_a_former_codec_file(project: Path, tmp_path: Path) -> None:
    """--against OLD.py holds a codec file against its former version; what has become slower fails."""
    (tmp_path / "old.py").write_text(codecs.SOURCE)
    slow = codecs.SOURCE.replace(
        "    def encode(",
        "    def encode(self, *it):\n        import time\n\n"
        "        time.sleep(0.03)\n        return self.quickly(*it)\n\n    def quickly(",
    )
    assert slow != codecs.SOURCE
    (tmp_path / "tables.py").write_text(slow)
    suite = SUITE.replace("pictures", str(project / "pictures")).replace("[1, 2, 4]", "[4]")
    (tmp_path / "suite.yaml").write_text(suite)
    arguments = ("suite.yaml", "--timing", "--against", "old.py", "--rounds", "4", "--format", "json")
    done = rdbench("check", *arguments, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    cells = {it["operation"]: it for it in json.loads(done.stdout)["speed"]}
    assert cells["encode"]["word"] == "slower"
    # Whatever a busy machine does to decoding, it is little beside the 30 ms.
    assert cells["encode"]["ratio"] > 3 * cells["decode"]["ratio"]
