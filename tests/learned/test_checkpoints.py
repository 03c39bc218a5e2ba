"""Folders of training that somebody else made: damaged metadata is one line of error, links are refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.errors import ConfigError
from bench.trainer import Observer, TrainRequest
from bench_codecs.vae.plugin import VaeTrainer
from bench_codecs.vae.training.checkpoint import latest_checkpoint


def _set(*path: str, to: object) -> Callable[[Any], object]:
    def change(meta: Any) -> None:
        for part in path[:-1]:
            meta = meta[part]
        meta[path[-1]] = to

    return change


DAMAGED: dict[str, Callable[[Any], object]] = {
    "a step that is a word": _set("step", to="many"),
    "a negative step": _set("step", to=-1),
    "files that are a number": _set("files", to=3),
    "a file elsewhere": _set("files", to=["../../secret"]),
    "settings that are a list": _set("config", to=[]),
    "no settings": lambda meta: meta.pop("config"),
    "a batch that is a word": _set("config", "batch", to="many"),
    "a batch of nothing": _set("config", "batch", to=0),
    "a crop that no memory holds": _set("config", "crop", to=10**9),
    "a preset of its own": _set("config", "preset", to="other"),
    "a setting of its own": _set("config", "other", to=1),
    "pictures that are a number": _set("pictures", to=3),
    "a log that is a word": _set("recent", to="x"),
    "seconds that are a word": _set("seconds", to="x"),
}


def going_on(folder: Path, images: list[Path]) -> None:
    """Resume the training in a folder."""
    VaeTrainer().train(TrainRequest(folder, resume=True, device="cpu"), images, (), Observer())


@pytest.fixture
def copied(tiny_run: Path, tmp_path: Path) -> Path:
    """A folder of training to tamper with."""
    return shutil.copytree(tiny_run, tmp_path / "run")


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_metadata_is_an_error_with_its_file(
    name: str, copied: Path, training_images: list[Path]
) -> None:
    """Whatever stands in meta.json, going on with it names the checkpoint and what to do."""
    path = latest_checkpoint(copied)
    assert path is not None
    meta = json.loads((path / "meta.json").read_text())
    DAMAGED[name](meta)
    (path / "meta.json").write_text(json.dumps(meta))
    with pytest.raises(ConfigError, match=path.name):
        going_on(copied, training_images)


@pytest.mark.parametrize("data", [b"\xff", b"[" * 100_000, b"[]", b"{}"])
def test_metadata_that_is_none_is_an_error(data: bytes, copied: Path, training_images: list[Path]) -> None:
    """What is no JSON object at all as well."""
    path = latest_checkpoint(copied)
    assert path is not None
    (path / "meta.json").write_bytes(data)
    with pytest.raises(ConfigError, match=r"meta\.json"):
        going_on(copied, training_images)


def test_a_log_that_is_a_link_is_not_written(
    copied: Path, tmp_path: Path, training_images: list[Path]
) -> None:
    """Training writes nothing through links in its folder."""
    (tmp_path / "mine.csv").write_text("mine\n")
    (copied / "log.csv").unlink()
    (copied / "log.csv").symlink_to(tmp_path / "mine.csv")
    with pytest.raises(ConfigError, match=r"log\.csv: a link"):
        going_on(copied, training_images)
    assert (tmp_path / "mine.csv").read_text() == "mine\n"
