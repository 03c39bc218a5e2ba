"""Standard output that is closed, full, or in an encoding without the characters of a table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli import streams
from tests.report.page.runs import Made, write_run

CODECS = [Made("jpeg", "jpeg", 1.0), Made("webp – é", "webp", 0.7)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    return write_run(tmp_path_factory.mktemp("streams") / "run", CODECS, images=5, points=4)


def shell(line: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a shell makes of a line in which ``rdbench`` is this one."""
    line = line.replace("rdbench", f"{sys.executable} -m bench.cli")
    return subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | environment,
        check=False,
    )


def test_an_ascii_terminal_gets_the_whole_table(run: Path) -> None:
    """Signs are spelt in ASCII, other characters as escapes; nothing ends in a traceback."""
    done = shell("rdbench compare run#jpeg run", run.parent, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0, done.stderr
    assert "---" in done.stdout
    assert "webp - \\u00e9" in done.stdout


def test_json_stays_json_in_ascii() -> None:
    """What an encoding lacks becomes an escape that JSON knows."""
    streams.prepare()
    for text in ("webp é", "\U0001f600"):
        assert json.loads(f'"{text}"'.encode("ascii", "rdbench")) == text


def test_closed_streams(pictures: Path, tmp_path: Path) -> None:
    """A run without standard streams measures as any other."""
    line = f"rdbench run -d {pictures} -c png -m psnr_rgb --no-report -o run <&- >&- 2>&-"
    assert shell(line, tmp_path).returncode == 0
    assert len((tmp_path / "run" / "measurements.jsonl").read_text().splitlines()) == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["list codecs", "--help", "export run", "compare run#jpeg run"])
def test_a_full_standard_output(run: Path, command: str) -> None:
    """One line and exit code 2: code 1 would say that a codec has got worse."""
    done = shell(f"rdbench {command} > /dev/full", run.parent)
    assert (done.returncode, done.stderr) == (2, "rdbench: No space left on device\n")


def test_a_reader_that_has_seen_enough(run: Path) -> None:
    """A closed pipe is no error, and gives no message."""
    done = shell("rdbench export run | true; exit ${PIPESTATUS[0]}", run.parent)
    assert (done.returncode, done.stderr) == (0, "")
