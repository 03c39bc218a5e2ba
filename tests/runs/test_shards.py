"""Shards divide the images of a suite among machines that know nothing of each other."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import bench
from bench.api import default_folder, resolve_suite
from bench.errors import ConfigError
from bench.inputs.datasets import Dataset, ImageFile
from bench.inputs.shard import Shard
from bench.runs.store import read_info
from tests.cli.test_cli import rdbench


def sets(*sizes: int) -> list[Dataset]:
    return [
        Dataset(f"set{at}", tuple(ImageFile(f"{at}{index}", Path(), "0" * 64) for index in range(size)))
        for at, size in enumerate(sizes)
    ]


def names(parts: tuple[Dataset, ...]) -> list[str]:
    return [image.name for part in parts for image in part.images]


def measured(out: Path, *folders: Path, shard: str | None = None, **replaced):
    options = {"codecs": ["jpeg@50"], "metrics": ["psnr_rgb"], "out": out}
    return bench.run(datasets=[str(it) for it in folders], shard=shard, **(options | replaced))


def test_shards_count_over_all_data_sets() -> None:
    """Each image is in one shard, every third one, whichever data set it is in."""
    parts = [names(Shard(number, 3).of_datasets(sets(4, 1, 3))) for number in (1, 2, 3)]
    assert parts == [["00", "03", "21"], ["01", "10", "22"], ["02", "20"]]
    assert names(Shard(1, 3).of_datasets(sets(4, 1, 3), limit=2)) == ["00", "20"]
    assert [it.name for it in Shard(3, 3).of_datasets(sets(4, 1, 3))] == ["set0", "set2"]


@pytest.mark.parametrize("text", ["0/8", "9/8", "1/0", "2", "2/8/9", "-1/8", "a/b", ""])
def test_what_is_no_shard_is_refused(text: str) -> None:
    """The message shows the form, and quotes what was written."""
    with pytest.raises(ConfigError, match=f"shard '?{text}'?: .*2/8"):
        Shard.parse(text)


def test_an_empty_shard_leaves_no_folder(pictures: Path, tmp_path: Path) -> None:
    """More shards than images: told with the number of images, before anything is made."""
    with pytest.raises(ConfigError, match="shard 4/8 is empty: there are 3 images"):
        measured(tmp_path / "run", pictures, shard="4/8")
    assert not (tmp_path / "run").exists()


def test_a_resumed_shard_is_of_the_same_images(pictures: Path, tmp_path: Path) -> None:
    """It is recorded; the same command measures nothing again; another part is refused by name."""
    run, other = tmp_path / "run", tmp_path / "other"
    shutil.copytree(pictures, other)
    assert measured(run, pictures, other, shard="2/4").measured == 2
    info = read_info(run)
    assert info.shard == "2/4"
    assert [(it.dataset, it.name) for it in info.images] == [("pictures", "p1.png"), ("other", "p2.png")]
    assert measured(run, pictures, other, shard="2/4").measured == 0
    with pytest.raises(ConfigError, match=r"is of shard 2/4, and this command of shard 3/4; .* --shard 2/4"):
        measured(run, pictures, other, shard="3/4")
    with pytest.raises(ConfigError, match="is of shard 2/4, and this command of all images"):
        measured(run, pictures, other)
    assert measured(run, pictures, other, options=bench.Options(fresh=True)).measured == 6
    assert read_info(run).shard is None


def test_each_shard_has_a_folder_of_its_own() -> None:
    """On a shared disk the same command with another shard is no second writer."""
    suite = resolve_suite(None, datasets=["kodak"])
    assert default_folder(suite, Shard(2, 8)) == Path("results/runs/kodak-2-of-8")


def test_the_command_line_takes_a_shard(pictures: Path, tmp_path: Path) -> None:
    """``--shard`` measures its part, and a wrong one is bad usage."""
    line = ("run", "-d", pictures, "-c", "png", "-m", "psnr_rgb", "--no-report", "-o", tmp_path / "run")
    done = rdbench(*line, "--shard", "2/2")
    assert done.returncode == 0, done.stderr
    assert "shard 2/2: 1 of these images" in done.stderr
    assert rdbench(*line, "--shard", "3/2").returncode == 2
