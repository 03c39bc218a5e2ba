"""The pytest plug-in, in test suites of its users."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.check import codecs

TESTS = """\
import numpy as np
import pytest
from mine import Tables

IMAGES = {"grad.png": (np.mgrid[0:40, 0:48].sum(0)[..., None] * (1, 2, 3) % 256).astype(np.uint8)}


def test_codec(rd_regression):
    rd_regression(Tables, images=IMAGES)


@pytest.mark.parametrize("quality", [1, 4])
def test_encoder(rd_regression, quality):
    rd_regression(Tables().encode, images=IMAGES, qualities=(quality,), limits={"max_bytes": "200%"})
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Somebody's test suite, with baselines accepted."""
    (tmp_path / "mine.py").write_text(codecs.SOURCE)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_mine.py").write_text(TESTS)
    return tmp_path


def run(project: Path, *arguments: str, columns: str = "200") -> subprocess.CompletedProcess[str]:
    # Where the entry point is not installed, the plug-in is named.
    installed = any(it.value == "bench.pytest_plugin" for it in entry_points(group="pytest11"))
    named = [] if installed else ["-p", "bench.pytest_plugin"]
    line = [sys.executable, "-m", "pytest", *named, "-p", "no:cacheprovider", "tests", *arguments]
    # On a CI server pytest does not cut its own summary to the width; the plug-in's lines are tested.
    environment = {name: it for name, it in os.environ.items() if name not in ("CI", "BUILD_NUMBER")} | {
        "PYTHONPATH": str(project),
        "PYTHONDONTWRITEBYTECODE": "1",
        "COLUMNS": columns,
    }
    return subprocess.run(line, cwd=project, capture_output=True, text=True, env=environment, check=False)


def edit(project: Path, old: str, new: str) -> None:
    source = (project / "mine.py").read_text()
    assert old in source
    (project / "mine.py").write_text(source.replace(old, new))


def test_without_a_baseline_the_test_fails_and_says_what_to_do(project: Path) -> None:
    """A missing baseline never passes in silence."""
    done = run(project)
    assert "3 failed" in done.stdout
    assert "pytest --rd-update" in done.stdout


def test_accept_then_pass_then_catch(project: Path) -> None:
    """--rd-update writes a file for each test; the same code passes; a regression fails readably."""
    accepted = run(project, "--rd-update")
    assert "3 passed" in accepted.stdout
    files = sorted(it.name for it in (project / "tests" / "rd_baselines").iterdir())
    assert files == [
        "test_mine-test_codec.json",
        "test_mine-test_encoder_1.json",
        "test_mine-test_encoder_4.json",
    ]
    assert files[0] in accepted.stdout
    assert "3 passed" in run(project, "-W", "error").stdout

    edit(project, *codecs.FLAG)
    done = run(project)
    assert "1 failed, 2 passed" in done.stdout, "200% of room is enough for the encoder tests"
    for word in ("REGRESSION", "tables", "bytes", "grad.png", "--rd-update"):
        assert word in done.stdout
    assert "pytest_plugin.py" not in done.stdout, "no traceback into the plug-in"
    assert "RdChanged" in done.stdout, "what the limits allow is told as a warning"


def test_exceptions_and_swaps_are_named(project: Path) -> None:
    """A codec that raises, or swaps channels, fails with quality, image and cause, in lines that fit."""
    run(project, "--rd-update")
    edit(project, *codecs.SWAP)
    done = run(project, "-k", "codec")
    assert "mismatch, decode: decoded channels are in the order BGR" in done.stdout
    told = run(project, "-k", "codec", columns="80").stdout.partition("test_codec.json")[2]
    assert "BGR" in told
    assert max(map(len, told.splitlines())) <= 80
    edit(project, "return buffer.getvalue()", "raise RuntimeError('no such luck')")
    done = run(project, "-k", "codec")
    assert "codec_error, encode: RuntimeError: no such luck" in done.stdout
    assert "grad.png" in done.stdout


def test_conformance_is_one_test_for_each_check(project: Path) -> None:
    """`conformance(Codec)` adds the kit's checks as separate cases, but those left out."""
    (project / "tests" / "test_kit.py").write_text(
        "from bench.pytest_plugin import conformance\nfrom mine import Tables\n"
        "test_conformance = conformance(Tables, skip=('damage', 'quality_range'))\n"
    )
    done = run(project, "-k", "conformance", "-v")
    assert "test_kit.py::test_conformance[channels] PASSED" in done.stdout
    assert "damage" not in done.stdout


def test_mistakes_are_told_without_a_traceback(project: Path) -> None:
    """A limit that does not exist and a damaged baseline fail the test with their names."""
    run(project, "--rd-update")
    test = project / "tests" / "test_mine.py"
    test.write_text(TESTS.replace("max_bytes", "max_byte"))
    (project / "tests" / "rd_baselines" / "test_mine-test_codec.json").write_text('{"schema": 0}')
    done = run(project)
    assert "3 failed" in done.stdout
    assert "max_byte" in done.stdout
    assert "not a baseline" in done.stdout


def test_the_plugin_is_light() -> None:
    """A test suite that does not use the fixture does not pay for numpy or pydantic."""
    code = (
        "import sys, bench.pytest_plugin; print(sorted({'numpy', 'pydantic', 'msgspec'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_tests_of_one_name_have_baselines_of_their_own(project: Path) -> None:
    """In two classes each has its file; what reads to the same file name is refused."""
    test = project / "tests" / "test_mine.py"
    method = "    def test_codec(self, rd_regression):\n        rd_regression(Tables, images=IMAGES)\n"
    test.write_text(TESTS.split("def test_codec")[0] + f"class TestA:\n{method}\n\nclass TestB:\n{method}")
    assert "2 passed" in run(project, "--rd-update").stdout
    files = sorted(it.name for it in (project / "tests" / "rd_baselines").iterdir())
    assert files == ["test_mine-TestA_test_codec.json", "test_mine-TestB_test_codec.json"]
    test.write_text(
        TESTS.split("def test_codec")[0] + '@pytest.mark.parametrize("it", ["a/b", "a b"])\n'
        "def test_codec(rd_regression, it):\n    rd_regression(Tables, images=IMAGES)\n"
    )
    done = run(project, "--rd-update")
    assert "1 failed, 1 passed" in done.stdout
    assert "would share the baseline" in done.stdout
