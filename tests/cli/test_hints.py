"""What the command line answers to a name in the wrong place."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bench.cli.comparing import TableLayout
from bench.errors import ConfigError
from bench.runs.runner import Summary
from tests.cli.test_cli import rdbench


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("jpeg", "-c jpeg"),
        ("jpeg@10,50", "-c jpeg@10,50"),
        ("mine.py:Mine@1", "-c mine.py:Mine@1"),
        ("kodak", "-d kodak"),
        ("pictures", "-d pictures"),
        ("nowhere.yaml", "no such suite file\n"),
    ],
)
def test_what_is_no_suite_file_is_told_its_option(tmp_path: Path, given: str, meant: str) -> None:
    """`rdbench run jpeg` is answered with the option that takes a codec, and so for images."""
    (tmp_path / "pictures").mkdir()
    done = rdbench("run", given, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"rdbench: {given}: no such suite file")
    assert meant in done.stderr


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ("", "--columns names no metric"),
        (" , ", "names no metric"),
        ("psnr_rgb, psnr_rgb", "names psnr_rgb twice"),
    ],
)
def test_columns_that_mean_nothing_are_refused(columns: str, problem: str) -> None:
    """`rdbench compare --columns ""` is not taken for all metrics."""
    with pytest.raises(ConfigError, match=problem):
        TableLayout("markdown", columns, False, False, ()).verify()


def test_a_run_prints_as_one_line() -> None:
    """What :func:`bench.run` returns is short in a console."""
    summary = Summary(Path("results/nb"), 42, 42, 0, Counter(ok=41, timeout=1))
    assert repr(summary) == "results/nb: 41 of 42 trials ok; 0 codecs"
