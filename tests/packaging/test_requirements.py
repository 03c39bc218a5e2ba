"""What pyproject.toml asks for, and what messages tell people to install."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bench.cli import reporting
from bench.errors import ConfigError
from tests.packaging.lowest import lowest

ROOT = Path(__file__).parents[2]
INSTALL_LINE = re.compile(r"""pip install (?:--upgrade )?(["'])([^"'{}\\]+)\1""")
"""A quoted requirement that is whole in the file: one with a name in braces is put together as it runs."""


def install_lines() -> Iterator[tuple[str, Requirement]]:
    """File and requirement of every install line of the project's own code, tests, README and docs."""
    if not (ROOT / "codecs").is_dir():
        pytest.skip("needs a checkout")
    folders = ("bench", "codecs", "examples", "tests")
    code = (it for folder in folders for it in (ROOT / folder).rglob("*.py"))
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *code]:
        for match in INSTALL_LINE.finditer(path.read_text()):
            yield path.relative_to(ROOT).as_posix(), Requirement(re.sub(r"^\.(?=\[)", "rdbench", match[2]))


def test_install_lines_name_what_pyproject_names() -> None:
    """An extra in a message exists, and a library's bound is the one that pyproject.toml has."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    bounds = {it.name: it.specifier for it in map(Requirement, project["dependencies"])}
    lines = list(install_lines())
    assert len(lines) > 10
    for file, line in lines:
        if line.name == "rdbench":
            assert line.extras <= set(extras), f"{file}: {line}"
        else:
            assert line.specifier == bounds.get(line.name, line.specifier), f"{file}: {line}"


def test_compressai_is_asked_for_by_its_own_extra_alone() -> None:
    """No extra but zoo, and the tests where a wheel exists, brings CompressAI and its numpy 1."""
    if not (ROOT / "codecs").is_dir():
        pytest.skip("needs a checkout")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    asking = {
        extra: requirement
        for extra, requirements in extras.items()
        for requirement in map(Requirement, requirements)
        if canonicalize_name(requirement.name) == "compressai"
    }
    assert asking.keys() == {"zoo", "test"}
    assert asking["test"].marker is not None
    assert not asking["test"].marker.evaluate({"python_version": "3.13"})


def test_learned_codecs_work_without_compressai() -> None:
    """vae and vae-gan work where CompressAI can't be imported; its own codec says what to install."""
    pytest.importorskip("torch", reason='needs pip install "rdbench[learned]"')
    script = """
import sys
sys.modules["compressai"] = None
import numpy as np
from bench.errors import CodecUnavailable
from bench_codecs.compressai_zoo import CompressAi
from bench_codecs.vae import Vae
from bench_codecs.vae.plugin import VaeTrainer
from bench_codecs.vae_gan import VaeGan
from bench_codecs.vae_gan.plugin import VaeGanTrainer

for codec in (Vae(), VaeGan()):
    picture = np.full((9, 7, 3), 90, np.uint8)
    assert codec.decode(codec.encode(picture, 3.0)).shape == picture.shape
VaeTrainer(), VaeGanTrainer()
try:
    CompressAi()
except CodecUnavailable as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert 'pip install "rdbench[zoo]"' in done.stdout


def test_parquet_without_pyarrow_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parquet says why pyarrow can't be imported, and the remedy beside numpy 1 too."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigError, match=r"parquet needs pyarrow \(.*'rdbench\[parquet\]'.*'pyarrow<24'"):
        reporting._parquet(pd.DataFrame())


def test_lowest_takes_the_highest_lower_bound() -> None:
    """Markers of other Pythons and the project itself are left out; no bound at all is an error."""
    asked = ["B_b>=1.2,<3", "a==1.0", "b-b[x]>=1.10", "rdbench[zoo]", "c>=1; python_version < '3'"]
    assert lowest(asked) == ["a==1.0", "b-b==1.10"]
    with pytest.raises(ValueError, match="numpy has no lower bound"):
        lowest(["numpy"])
