"""Temporary files of workers, which nobody is left to remove but rdbench."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import bench
from bench.engines.scratch import Scratch
from bench.inputs.suite import CodecEntry
from bench.runs.options import Options
from tests.conftest import sealed_only, until

HANGING = {
    "encode": "cp {input} {output}",
    "decode": "tail -f /dev/null {input} {output}",
    "lossless": True,
}


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of this test alone for temporary files."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def files(folder: Path) -> list[Path]:
    return [it for it in folder.rglob("*") if it.is_file()]


@sealed_only
@pytest.mark.parametrize("sealed", [False, True])
def test_a_timeout_leaves_no_rasters(tmp_path: Path, pictures: Path, temporary: Path, sealed: bool) -> None:
    """What a program's picture files took is given back when its worker is killed."""
    entry = CodecEntry(codec="command", config=HANGING)
    options = Options(timeout=0.5, sealed=sealed)
    bench.run(
        datasets=[str(pictures)], codecs=[entry], metrics=["psnr_rgb"], out=tmp_path / "run", options=options
    )
    assert set(bench.load(tmp_path / "run")["status"]) == {"timeout"}
    assert list(temporary.iterdir()) == []


def test_a_killed_run_leaves_no_rasters(tmp_path: Path, pictures: Path, temporary: Path) -> None:
    """After SIGKILL of the run its workers' files go with them."""
    suite = tmp_path / "suite.yaml"
    suite.write_text(f"datasets: [{pictures}]\ncodecs: [{{codec: command, config: {HANGING}}}]\n")
    line = [
        sys.executable,
        "-m",
        "bench.cli",
        "run",
        str(suite),
        "--out",
        str(tmp_path / "run"),
        "--no-sealed",
    ]
    with subprocess.Popen(line, stderr=subprocess.DEVNULL) as process:
        until(lambda: list(temporary.glob("rdbench-scratch-*/*/rdbench-*/bitstream.bin")))
        process.send_signal(signal.SIGKILL)
    until(lambda: not list(temporary.iterdir()))


def test_what_the_dead_left_is_removed_and_the_living_keep_theirs(temporary: Path) -> None:
    """A zygote that was killed had no time to tidy up; the next one does it, for the dead alone."""
    code = "import os; from bench.engines.scratch import Scratch; Scratch().enter(); os._exit(9)"
    subprocess.run([sys.executable, "-c", code], check=False)
    (dead,) = temporary.iterdir()
    with Scratch() as first:
        assert not dead.exists()
        (first.folder / "0").mkdir()
        with Scratch() as second:
            assert first.folder != second.folder
            assert (first.folder / "0").is_dir()
        assert list(temporary.iterdir()) == [first.folder]
    assert list(temporary.iterdir()) == []
