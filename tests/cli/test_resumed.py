"""What a resumed run says of results that it does not use."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.check import codecs
from tests.cli.test_cli import rdbench
from tests.conftest import photo

SUITE = """\
datasets: [pictures]
metrics: [psnr_rgb]
codecs:
  - codec: tables.py:Tables
    quality: [1, 2]
  - huffman
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with two pictures, a codec file and a suite that was run once."""
    (tmp_path / "pictures").mkdir()
    for k in range(2):
        Image.fromarray(photo(40, 48, k)).save(tmp_path / "pictures" / f"p{k}.png")
    (tmp_path / "tables.py").write_text(codecs.SOURCE)
    (tmp_path / "suite.yaml").write_text(SUITE)
    assert run(tmp_path).count("rdbench:") == 4
    return tmp_path


def run(project: Path) -> str:
    done = rdbench("run", "suite.yaml", "--no-report", "-o", "run", cwd=project)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_results_of_a_former_version_are_counted(project: Path) -> None:
    """A codec that changed is named with both versions and the results that no longer count."""
    (project / "tables.py").write_text(codecs.SOURCE + "\n# edited\n")
    told = run(project)
    assert "tables changed (" in told
    assert " -> " in told
    assert "its 4 former results are ignored" in told
    assert "are ignored" not in run(project)


def test_what_the_suite_names_no_more_is_told(project: Path) -> None:
    """A codec that was taken out of the suite stays in reports, a picture does not; the run says both."""
    (project / "suite.yaml").write_text(SUITE.replace("  - huffman\n", ""))
    (project / "pictures" / "p1.png").unlink()
    told = run(project)
    assert "not in this suite: codec huffman; reports show them too (--prune removes them)" in told
    assert "no longer in reports, since this command does not ask for them: 1 image (p1.png)" in told
