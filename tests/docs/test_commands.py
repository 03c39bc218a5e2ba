"""Whoever types what README and the docs say gets what they say."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from PIL import Image

from tests.conftest import photo
from tests.docs.pages import NOT_RUN, ROOT, Block, blocks, pages, reason_not_to_run, unfenced_commands
from tests.metrics.trunks import random_trunks

NEEDS = {
    "rdbench run programs.yaml": ("cjpeg and djpeg", lambda: shutil.which("cjpeg")),
    "rdbench run pictures.yaml": ("cjpeg and djpeg", lambda: shutil.which("cjpeg")),
    "rdbench run cross.yaml": ("cjpeg and djpeg", lambda: shutil.which("cjpeg")),
    "pdflatex paper.tex": ("LaTeX", lambda: shutil.which("pdflatex")),
    "rdbench run -d pictures -c examples/my_model.py": (
        "CompressAI",
        lambda: importlib.util.find_spec("compressai"),
    ),
}
"""What some commands need besides the tests' own requirements."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights for what would download trained ones."""
    folder = tmp_path_factory.mktemp("weights")
    random_trunks(folder, ["alexnet"])
    return folder


@pytest.fixture
def desk(page: str, tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A reader's working folder: some photographs, a codec of their own, and the project's examples."""
    monkeypatch.setenv("RDBENCH_WEIGHTS", str(weights))
    folder = tmp_path / "pictures"
    folder.mkdir()
    # the least that KID's patches fit into, else MS-SSIM's window
    side = 256 if "rdbench distribution" in (ROOT / page).read_text() else 176
    for index in range(2):
        Image.fromarray(photo(side, side + 4 * index, index)).save(folder / f"p{index}.png")
    shutil.copy(folder / "p0.png", tmp_path / "photo.png")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    codec = (ROOT / "examples" / "my_pair.py").read_text().replace("MyPair", "MyCodec")
    (tmp_path / "my_codec.py").write_text(codec)
    return tmp_path


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", pages())
def test_what_a_page_says_works(page: str, desk: Path) -> None:
    """Every file and command of a page, in its order; what can't be tried here is named with its reason."""
    missing = []
    for block in blocks(ROOT / page):
        if block.title:
            (desk / block.title).parent.mkdir(parents=True, exist_ok=True)
            (desk / block.title).write_text(block.text)
            continue
        for line in lines(block):
            need = next((it for start, it in NEEDS.items() if " ".join(line).startswith(start)), None)
            if need is not None and not need[1]():
                missing.append(f"{' '.join(line)}: needs {need[0]}")
                continue
            run(line, desk)
    if missing:
        pytest.skip("; ".join(missing))


def lines(block: Block) -> list[list[str]]:
    """What a block asks to start."""
    if block.language == "shell":
        return [[it] for it in block.commands() if reason_not_to_run(it) is None]
    if block.language == "python":
        return [[sys.executable, "-c", block.text]]
    if block.language == "toml":
        tomllib.loads(block.text)
    elif block.language == "yaml":
        yaml.safe_load(block.text)
    else:
        assert block.language == "text", f"nobody tries out {block.language!r}"
    return []


def run(line: list[str], desk: Path) -> None:
    """Start one command as a reader would, and expect success."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    started = line if len(line) > 1 else ["bash", "-c", *line]
    done = subprocess.run(
        started, cwd=desk, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{line[-1]}\n{done.stdout}\n{done.stderr}"


def test_no_command_stands_where_nobody_tries_it() -> None:
    """Commands are in fenced blocks, and every reason not to run one belongs to one that is there."""
    if not pages():
        pytest.skip("needs a checkout")
    loose = [f"{page}: {it}" for page in pages() for it in unfenced_commands(ROOT / page)]
    assert not loose
    shown = [
        command
        for page in pages()
        for block in blocks(ROOT / page)
        if block.language == "shell"
        for command in block.commands()
    ]
    for start in [*NOT_RUN, *NEEDS]:
        assert any(it.startswith(start) for it in shown), f"no page says {start!r} any more"
