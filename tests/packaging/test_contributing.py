"""The steps of README, docs and CONTRIBUTING, followed to the letter in a copy of the project."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import bench.inputs.datasets
from tests.docs.pages import block
from tests.packaging.installing import pip_install

ROOT = Path(__file__).parents[2]

METRIC = '''\
"""Largest difference of a sample."""

import numpy as np


class MaxError:
    """The maximum norm of the error, 0 to 255."""

    name, version, unit, higher_is_better = "max_error", "1", "", False

    def __call__(self, pair):
        return float(np.abs(pair.reference.image.astype(int) - pair.decoded).max())
'''


def rdbench(environment: dict[str, str], *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "bench.cli", *arguments]
    return subprocess.run(line, capture_output=True, text=True, env=environment, cwd=cwd, check=False)


def docs_codec() -> str:
    """The class that the page on a codec of one's own shows."""
    return block("docs/howto/own-codec.md", "flate.py")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A copy of the project with a codec, a metric and a data set added, installed beside the original."""
    if not (ROOT / "codecs").is_dir():
        pytest.skip("needs a checkout")
    copy = tmp_path_factory.mktemp("copy") / "project"
    for name in ("bench", "codecs"):
        shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "datasets.yaml", "references.yaml"):
        shutil.copy(ROOT / name, copy / name)

    (copy / "codecs" / "flate.py").write_text(docs_codec())
    (copy / "bench" / "metrics" / "max_error.py").write_text(METRIC)
    project = (copy / "pyproject.toml").read_text()
    for group, line in (
        ("bench.codecs", 'flate = "bench_codecs.flate:Flate"'),
        ("bench.metrics", 'max_error = "bench.metrics.max_error:MaxError"'),
    ):
        head = f'[project.entry-points."{group}"]\n'
        assert head in project
        project = project.replace(head, f"{head}{line}\n")
    (copy / "pyproject.toml").write_text(project)

    picture = ROOT / "tests" / "packaging" / "dot.png"
    with (copy / "datasets.yaml").open("a") as file:
        digest = hashlib.sha256(picture.read_bytes()).hexdigest()
        file.write(
            "\nmine:\n  description: Mine\n  licence: CC0\n  source: me\n  url: https://example.org/{file}\n"
            f"  files:\n    dot.png: {digest}\n"
        )
    data = tmp_path_factory.mktemp("data")
    (data / "mine").mkdir()
    shutil.copy(picture, data / "mine" / "dot.png")

    site = tmp_path_factory.mktemp("site")
    pip_install(copy, site)
    return copy, os.environ | {"PYTHONPATH": str(site), bench.inputs.datasets.DATA_VARIABLE: str(data)}


@pytest.mark.slow
def test_added_codec_metric_and_data_set_work(copy: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    """One file and one line each, and the codec is measured by the metric on the data set."""
    _, environment = copy
    arguments = ("-d", "mine", "-c", "flate:level=9", "-c", "flate", "-m", "max_error", "-o", "run")
    done = rdbench(environment, "run", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    exported = rdbench(environment, "export", "run", "-o", "t.csv", cwd=tmp_path)
    assert exported.returncode == 0
    table = pd.read_csv(tmp_path / "t.csv")
    assert list(table["label"]) == ["flate-level9", "flate"]
    assert (table["max_error"] == 0).all()
    assert set(table["dataset"]) == {"mine"}


def test_the_codec_of_the_docs_keeps_the_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The class that the docs show passes the conformance kit."""
    (tmp_path / "docs_flate.py").write_text(docs_codec())
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    import docs_flate

    from bench.testing import check_codec

    check_codec(docs_flate.Flate)


def test_the_suite_file_of_the_docs_is_valid(tmp_path: Path) -> None:
    """The suite file that the page on measuring shows loads."""
    from bench.inputs.suite import load_suite

    (tmp_path / "kodak.yaml").write_text(block("docs/howto/measure.md", "kodak.yaml"))
    assert len(load_suite(tmp_path / "kodak.yaml").codecs) == 5
