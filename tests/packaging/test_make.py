"""What `make bench` does, in which order; installer and benchmark only write down their calls."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[2] / "Makefile"

PIP = """#!/bin/sh
case "$*" in
    *"[learned]"*) echo learned >>calls; test ! -e no-torch ;;
    *) echo core >>calls ;;
esac
"""
RDBENCH = """#!/bin/sh
echo run >>calls
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the Makefile, and an environment whose pip fails for PyTorch while `no-torch` exists."""
    if shutil.which("make") is None or not MAKEFILE.is_file():
        pytest.skip("needs make and a checkout")
    shutil.copy(MAKEFILE, tmp_path)
    (tmp_path / "pyproject.toml").touch()
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, script in (("python", PIP), ("rdbench", RDBENCH)):
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)
    return tmp_path


def make_bench(project: Path) -> tuple[list[str], str]:
    """The calls of `make bench`, in their order, and what it prints."""
    calls = project / "calls"
    calls.write_text("")
    done = subprocess.run(["make", "bench"], cwd=project, capture_output=True, text=True, check=True)
    return calls.read_text().split(), done.stdout


def test_classical_codecs_are_measured_before_pytorch_is_installed(project: Path) -> None:
    """First numbers come first; once all is installed, one run does."""
    assert make_bench(project)[0] == ["core", "run", "learned", "run"]
    assert make_bench(project)[0] == ["run"]


def test_without_pytorch_the_rest_is_measured_and_the_gap_is_named(project: Path) -> None:
    """A PyTorch that can't be had is no failure: what is left out is said, and tried again the next time."""
    (project / "no-torch").touch()
    calls, printed = make_bench(project)
    assert calls == ["core", "run", "learned"]
    assert "Left out: vae" in printed
    (project / "no-torch").unlink()
    assert make_bench(project)[0] == ["run", "learned", "run"]


GPU = """#!/bin/sh
case "$*" in
    *--probe*) echo probe >>calls; test -e there-is-a-gpu ;;
    *"pytest -m gpu"*) echo tests >>calls ;;
    *--out*) echo measure >>calls ;;
    *readme_tables*) echo readme >>calls ;;
esac
"""


def test_the_gpus_command_ends_without_one(project: Path) -> None:
    """No GPU is no failure, and nothing else is tried; with one its tests come before what is measured."""
    (project / ".venv" / "bin" / "python").write_text(GPU)
    (project / ".venv" / "test.done").touch()

    def calls() -> list[str]:
        (project / "calls").write_text("")
        subprocess.run(["make", "gpu"], cwd=project, capture_output=True, text=True, check=True)
        return (project / "calls").read_text().split()

    assert calls() == ["probe"]
    (project / "there-is-a-gpu").touch()
    assert calls() == ["probe", "tests", "measure", "readme"]
