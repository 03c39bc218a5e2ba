"""A data set in a run folder: two of one name never share a mean, and a name says whose pictures they are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

import bench
from bench.errors import ConfigError
from bench.inputs.catalogue import shipped
from bench.inputs.datasets import CATALOGUE, open_dataset
from bench.runs.options import Events
from bench.runs.store import read_info
from tests.conftest import photo

ONE_CODEC = {"codecs": ["png"], "metrics": ["psnr_rgb"]}


def folder(path: Path, *seeds: int) -> Path:
    """A folder of pictures, each told apart by its seed."""
    path.mkdir(parents=True)
    for seed in seeds:
        Image.fromarray(photo(24, 32, seed)).save(path / f"p{seed}.png")
    return path


def measure(*folders: Path, out: Path, events: Events = Events()) -> None:
    bench.run(**ONE_CODEC, datasets=[str(it) for it in folders], out=out, events=events)


def test_another_data_set_of_the_same_name_is_refused(tmp_path: Path) -> None:
    """Other pictures from elsewhere do not join a run folder; the error offers one of their own."""
    out = tmp_path / "val"
    measure(folder(tmp_path / "clic" / "val", 0, 1), out=out)
    before = (out / "run.json").read_bytes()
    with pytest.raises(ConfigError, match=r"another data set called 'val'.*--out \S+/div2k-val"):
        measure(folder(tmp_path / "div2k" / "val", 2, 3), out=out)
    with pytest.raises(ConfigError, match="another data set called 'val'"):
        measure(folder(tmp_path / "mixed" / "val", 1, 2), out=out)
    assert (out / "run.json").read_bytes() == before
    measure(tmp_path / "div2k" / "val", out=tmp_path / "div2k-val")


def test_two_data_sets_of_one_name_are_refused(tmp_path: Path) -> None:
    """Side by side in one command they are told apart by their places."""
    clic, div2k = folder(tmp_path / "clic" / "val", 0), folder(tmp_path / "div2k" / "val", 1)
    with pytest.raises(ConfigError, match=f"{clic}, {div2k}.*--out"):
        measure(clic, div2k, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_folder_that_moved_or_grew_is_the_same_data_set(tmp_path: Path) -> None:
    """Its pictures are reused, and its new place is what counts from then on."""
    old, out = folder(tmp_path / "old" / "set", 0, 1), tmp_path / "run"
    measure(old, out=out)
    new = tmp_path / "new" / "set"
    shutil.copytree(old, new)
    Image.fromarray(photo(24, 32, 2)).save(new / "p2.png")
    counts = []
    measure(new, out=out, events=Events(started=lambda pending, planned: counts.append((pending, planned))))
    assert counts == [(1, 3)]
    assert read_info(out).sources == {"set": str(new)}


def test_a_run_that_does_not_say_where_its_pictures_were(tmp_path: Path) -> None:
    """A run folder of an older version takes the same pictures, and refuses others."""
    out = tmp_path / "run"
    measure(folder(tmp_path / "one" / "set", 0, 1), out=out)
    text = (out / "run.json").read_text()
    text = text.replace(f'"set": "{tmp_path / "one" / "set"}"', "")
    (out / "run.json").write_text(text)
    assert read_info(out).sources == {}
    with pytest.raises(ConfigError, match="another data set called 'set'"):
        measure(folder(tmp_path / "two" / "set", 2), out=out)
    measure(tmp_path / "one" / "set", out=out)


def test_an_own_folder_with_a_known_name(tmp_path: Path) -> None:
    """It has neither the name nor the licence of the catalogue's data set, and not its run folder."""
    measure(folder(tmp_path / "kodak", 0), out=tmp_path / "run")
    info = read_info(tmp_path / "run")
    assert {it.dataset for it in info.images} == {"kodak-folder"}
    assert info.datasets == {}
    assert info.sources == {"kodak-folder": str(tmp_path / "kodak")}
    suite = bench.api.resolve_suite(datasets=[str(tmp_path / "kodak")])
    assert bench.api.default_folder(suite) == Path("results/runs/kodak-folder")


def test_verified_copies_keep_the_name_and_the_licence(tmp_path: Path) -> None:
    """Some of the catalogue's files, by hash, are what they are wherever they lie."""
    sample = open_dataset("sample")
    copies = tmp_path / "sample"
    copies.mkdir()
    for it in sample.images[:2]:
        shutil.copy(it.path, copies / it.name)
    assert sample.source == CATALOGUE
    copied = open_dataset(str(copies))
    assert (copied.name, copied.source) == ("sample", str(copies))
    bench.run(codecs=["png"], metrics=["psnr_rgb"], datasets=[str(copies)], limit=1, out=tmp_path / "run")
    assert read_info(tmp_path / "run").datasets == {"sample": shipped()["sample"].licence}


def test_the_catalogue_comes_first_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside a folder of a known name the name is the catalogue's, ``./NAME`` the folder's; both told."""
    folder(tmp_path / "suites" / "sample", 0)
    told: list[str] = []
    for name, expected in (("sample", CATALOGUE), ("./sample", str(tmp_path / "suites" / "sample"))):
        text = f"datasets: [{name}]\nlimit: 1\nmetrics: [psnr_rgb]\ncodecs: [png]\n"
        suite = tmp_path / "suites" / "suite.yaml"
        suite.write_text(text)
        for number, place in enumerate((tmp_path, tmp_path / "suites")):
            monkeypatch.chdir(place)
            out = tmp_path / f"{Path(name).name}{expected == CATALOGUE}{number}"
            bench.run(suite, out=out, events=Events(note=told.append))
            assert list(read_info(out).sources.values()) == [expected]
    assert [it.partition(": ")[0] for it in told] == ["data set sample"] * 2 + ["data set sample-folder"] * 2
    assert "the catalogue's" in told[0]
    assert str(tmp_path / "suites" / "sample") in told[2]
