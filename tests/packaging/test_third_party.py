"""Codecs and metrics of somebody else's package join by their entry points alone."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.packaging.installing import pip_install

PYPROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "third-party-codec"
version = "4.2"
[project.entry-points."bench.codecs"]
third = "third_party:Third"
broken = "third_party:Broken"
[project.entry-points."bench.metrics"]
max_error = "third_party:MaxError"
[tool.setuptools]
py-modules = ["third_party"]
"""

MODULE = """\
import zlib
import numpy as np


class Third:
    name, version, lossless, qualities, quality_range = "third", "4.2", True, (), None

    def __init__(self, *, level: int = 6):
        self._level = level

    def encode(self, image, quality):
        return image.shape[1].to_bytes(4, "big") + zlib.compress(image.tobytes(), self._level)

    def decode(self, bitstream):
        width = int.from_bytes(bitstream[:4], "big")
        return np.frombuffer(zlib.decompress(bitstream[4:]), np.uint8).reshape(-1, width, 3)


class Broken(Third):
    def __init__(self):
        raise RuntimeError("broken on purpose")


class MaxError:
    name, version, unit, higher_is_better = "max_error", "1", "", False

    def __call__(self, pair):
        return float(np.abs(pair.reference.image.astype(int) - pair.decoded).max())
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which the package is installed, by pip, beside rdbench."""
    source = tmp_path_factory.mktemp("source")
    (source / "pyproject.toml").write_text(PYPROJECT)
    (source / "third_party.py").write_text(MODULE)
    site = tmp_path_factory.mktemp("site")
    pip_install(source, site)
    return os.environ | {"PYTHONPATH": str(site)}


def rdbench(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "bench.cli", *arguments]
    return subprocess.run(line, capture_output=True, text=True, env=environment, check=False)


def test_installed_codec_and_metric_are_measured(
    environment: dict[str, str], pictures: Path, tmp_path: Path
) -> None:
    """A codec and a metric of another package run by name, with options, beside the built-in ones."""
    codecs = ("-c", "third:level=9", "-c", "jpeg@20,50,80")
    metrics = ("-m", "psnr_rgb", "-m", "max_error")
    done = rdbench(environment, "run", "-d", str(pictures), *codecs, *metrics, "-o", str(tmp_path / "run"))
    assert done.returncode == 0, done.stderr
    frame = pd.read_csv(io.StringIO(rdbench(environment, "export", str(tmp_path / "run")).stdout))
    third = frame[frame["codec"] == "third"]
    assert set(third["label"]) == {"third-level9"}
    assert (third["max_error"] == 0).all()
    assert (frame.loc[frame["codec"] == "jpeg", "max_error"] > 0).all()


def test_broken_plugin_harms_nobody(environment: dict[str, str]) -> None:
    """A plug-in that can't be constructed is told of, and the others are listed."""
    done = rdbench(environment, "doctor")
    assert done.returncode == 0
    assert "broken on purpose" in done.stdout
    assert "huffman" in done.stdout
