"""Where the command line writes: folders are made, and what cannot be written is told without a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_cli import rdbench


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of one codec on one picture."""
    folder = tmp_path_factory.mktemp("outputs") / "run"
    done = rdbench("run", "--limit", "1", "-c", "jpeg@20,50,80", "--no-report", "-o", folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_folders_of_an_output_are_made(run_folder: Path, tmp_path: Path, form: str) -> None:
    """An export goes into a folder that does not exist yet."""
    done = rdbench("export", run_folder, "-f", form, "-o", tmp_path / "new" / "deep" / "x")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "new" / "deep" / "x").stat().st_size


IMPOSSIBLE = {
    "export": ("export", "RUN", "-o", "file/x.csv"),
    "export of several files": ("export", "RUN", "-f", "compressai", "-o", "file/x"),
    "report": ("report", "RUN", "-o", "file/x"),
    "report in place of a file": ("report", "RUN", "-o", "file"),
    "run": ("run", "--limit", "1", "-c", "jpeg@20", "-o", "file/x"),
    "run in place of a file": ("run", "--limit", "1", "-c", "jpeg@20", "-o", "file"),
    "baseline": ("baseline", "RUN", "-o", "file/b.json"),
    "verdict": ("check", "RUN", "-b", "b.json", "--output", "file/x.txt"),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_an_output_that_cannot_be_written_exits_2(case: str, run_folder: Path, tmp_path: Path) -> None:
    """The path and the reason in one line; 1 would say that a codec has got worse."""
    (tmp_path / "file").write_text("")
    assert rdbench("baseline", run_folder, "-o", tmp_path / "b.json").returncode == 0
    arguments = [str(run_folder) if it == "RUN" else it for it in IMPOSSIBLE[case]]
    done = rdbench(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("rdbench: file")
    assert any(it in last.lower() for it in ("not a directory", "file of this name exists", "file exists"))
