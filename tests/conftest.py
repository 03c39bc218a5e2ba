"""Fixtures that several test folders share: tiny pictures, and the real data sets where they are."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.host.device import cuda_problem

ADAPTERS = Path(__file__).with_name("adapters.py")


def photo(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A small picture with smooth areas, edges, texture and three channels that differ."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    phase = random.uniform(0, 6, 3)
    waves = [110 + 70 * np.sin(x / (7 + 3 * c) + phase[c]) + 40 * np.cos(y / (5 + 2 * c)) for c in range(3)]
    picture = np.stack(waves, axis=2) + random.normal(0, 3, (height, width, 3))
    picture[height // 3 : height // 2, width // 4 : width // 2] = (220, 40, 60)
    return picture.clip(0, 255).astype(np.uint8)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of three PNG files, large enough for MS-SSIM."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index, (height, width) in enumerate(((176, 168), (170, 190), (165, 165))):
        Image.fromarray(photo(height, width, index)).save(folder / f"p{index}.png")
    return folder


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a GPU where there is none."""
    if item.get_closest_marker("gpu") is not None and (problem := cuda_problem()) is not None:
        pytest.skip(problem)


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait until something holds; fail where it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"still not so after {seconds:g} s"
        time.sleep(0.02)


def processes_marked(mark: str) -> list[str]:
    """Command lines of the running processes that inherited ``RDBENCH_TEST_MARK=mark``."""
    return list(marked(mark).values())


def marked(mark: str) -> dict[int, str]:
    """The same by the processes' ids."""
    if not Path("/proc/self/environ").exists():
        pytest.skip("needs /proc to see whose a process is")
    found = {}
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and f"RDBENCH_TEST_MARK={mark}\0" in (folder / "environ").read_text():
                found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue  # it has ended, or belongs to somebody else
    return found


@pytest.fixture
def sealing() -> None:
    """What a test of sealed codecs asks for."""
    from bench.sealing.seal import obstacle

    if obstacle():
        pytest.skip(f"codecs can't be sealed here: {obstacle()}")


sealed_only = pytest.mark.usefixtures("sealing")


@pytest.fixture
def unsealed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Codecs see the machine: what a test finds untouched was not only out of their reach."""
    monkeypatch.setattr("bench.sealing.seal.can_seal", lambda: False)
    monkeypatch.setattr("bench.engines.zygote.Zygote.can_seal", lambda zygote: False)


@pytest.fixture(scope="session")
def kodak() -> Path:
    """The folder of the 24 Kodak images, from RDBENCH_DATA or the user's cache."""
    from bench.errors import DatasetError
    from bench.inputs.datasets import open_dataset

    try:
        return open_dataset("kodak", download=False).images[0].path.parent
    except DatasetError:
        pytest.skip(f"Kodak images not at hand (RDBENCH_DATA={os.environ.get('RDBENCH_DATA')})")


@pytest.fixture(scope="session")
def published_curves() -> Path:
    """The folder of published CompressAI curves that lies beside the data sets."""
    folder = Path(os.environ.get("RDBENCH_DATA", "")).parent / "reference" / "compressai-kodak"
    if not (folder / "jpeg.json").is_file():
        pytest.skip("published curves not at hand (reference/compressai-kodak beside RDBENCH_DATA)")
    return folder
