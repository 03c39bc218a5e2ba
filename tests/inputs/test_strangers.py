"""Run folders of strangers: nothing in them runs, nothing outside them is touched, and no command breaks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

import bench
from tests.conftest import photo
from tests.inputs.strangers import Ended, Stranger, rdbench


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures and a run of them that kept its bitstreams."""
    folder = tmp_path_factory.mktemp("sound")
    (folder / "pictures").mkdir()
    for index in range(2):
        Image.fromarray(photo(48, 40, index)).save(folder / "pictures" / f"p{index}.png")
    bench.run(
        codecs=["jpeg@20,50,80,95", "webp@20,50,80,95"],
        datasets=[str(folder / "pictures")],
        metrics=["psnr_rgb"],
        out=folder / "run",
        options=bench.Options(keep_bitstreams=True),
    )
    assert rdbench("baseline", folder / "run", "-o", folder / "baseline.json").code == 0
    return folder


@pytest.fixture
def stranger(sound: Path, tmp_path: Path) -> Stranger:
    """A copy of the sound run to tamper with."""
    made = Stranger(tmp_path / "run", tmp_path / "outside")
    shutil.copytree(sound / "run", made.run)
    made.prepare()
    return made


def every_verb(it: Stranger, sound: Path) -> dict[str, Ended]:
    """Every command that reads a run folder, over a stranger's."""
    baseline = sound / "baseline.json"
    pictures = sound / "pictures"
    made = it.run.parent / "made"
    made.mkdir(exist_ok=True)
    return {
        "export": rdbench("export", it.run, "-o", made / "export.csv"),
        "export compressai": rdbench("export", it.run, "-f", "compressai", "-o", made / "compressai"),
        "export codec-compare": rdbench("export", it.run, "-f", "codec-compare", "-o", made / "viewer"),
        "baseline": rdbench("baseline", it.run, "-o", made / "baseline.json"),
        "check": rdbench("check", it.run, "-b", baseline, "-f", "junit", "--output", made / "junit.xml"),
        "check markdown": rdbench("check", it.run, "-b", baseline, "-f", "markdown"),
        "compare": rdbench("compare", f"{sound / 'run'}#jpeg-420", it.run),
        "distribution": rdbench(
            "distribution", it.run, "-d", pictures, "-m", "brightness", "--device", "cpu"
        ),
        "robustness": rdbench("robustness", it.run, "-d", pictures, "--draws", "1", "-j", "1"),
        "report": rdbench("report", it.run),
        "run": rdbench("run", "-d", pictures, "-c", "jpeg@20", "-m", "psnr_rgb", "-j", "1", "-o", it.run),
    }
