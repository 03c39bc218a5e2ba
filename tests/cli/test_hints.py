"""What the command line answers to a name in the wrong place."""

from __future__ import annotations

from pathlib import Path

import pytest

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
