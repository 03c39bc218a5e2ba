"""The page of a verdict: what differs, and crops of the images that got worse."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from bench.check.page import as_page
from tests.check.test_formats import VERDICT
from tests.conftest import photo
from tests.losses.runs import CODEC

SUITE = "datasets: [pictures]\nmetrics: [psnr_rgb]\ncodecs:\n  - {codec: 'blot.py:Blot', quality: [60, 90]}\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A suite with its baseline and the run behind it, after the codec has got worse."""
    root = tmp_path_factory.mktemp("page")
    (root / "pictures").mkdir()
    Image.fromarray(photo(200, 240)).save(root / "pictures" / "p0.png")
    (root / "gate.yaml").write_text(SUITE)
    (root / "blot.py").write_text(CODEC.format(version="1", spoils=False))
    for line in ("run gate.yaml -o old --no-report --keep-bitstreams", "baseline old -o base.json"):
        assert rdbench(root, *line.split()).returncode == 0
    (root / "blot.py").write_text(CODEC.format(version="2", spoils=True))
    return root


def rdbench(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "bench.cli", *arguments]
    return subprocess.run(line, capture_output=True, text=True, cwd=root, check=False)


def test_a_page_shows_original_old_and_new(project: Path) -> None:
    """With the run behind the baseline all three are pictures inside the page."""
    line = "check gate.yaml -b base.json --out new --html --before old"
    assert rdbench(project, *line.split()).returncode == 1
    page = (project / "new" / "verdict.html").read_text()
    assert page.count("data:image/webp") == 2 * 3
    assert page.count("<section>") == 2
    assert "REGRESSION" in page
    assert "No picture" not in page


def test_without_the_old_run_the_page_says_what_to_name(project: Path) -> None:
    """A baseline holds no pictures: the page has original and new, and names the option."""
    line = "check gate.yaml -b base.json --out alone --html"
    assert rdbench(project, *line.split()).returncode == 1
    page = (project / "alone" / "verdict.html").read_text()
    assert page.count("data:image/webp") == 2 * 2
    assert "--before" in page
    done = rdbench(project, *["check", "gate.yaml", "-b", "base.json", "--html"])
    assert (done.returncode, "--out DIR" in done.stderr) == (2, True)


def test_another_old_run_is_told_from_one_that_lacks_the_trial(project: Path) -> None:
    """A run of one setting, whose results are others, is no source of old pictures, and both are said."""
    (project / "one.yaml").write_text(SUITE.replace("[60, 90]", "[90]"))
    for line in ("run one.yaml -o other --no-report", "check gate.yaml -b base.json --out mixed --html"):
        rdbench(project, *line.split(), *(["--before", "other"] if "--html" in line else []))
    page = (project / "mixed" / "verdict.html").read_text()
    assert page.count("the run of --before holds another result than the baseline") == 1
    assert page.count("the run of --before lacks the trial") == 1


def test_nothing_foreign_becomes_markup() -> None:
    """Names and messages are text; the page has no script, and a policy that allows none."""
    page = as_page(VERDICT)
    assert "<b>" not in page
    assert "\x1b" not in page
    assert "<script" not in page
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    assert "script-src" not in policy[1]
