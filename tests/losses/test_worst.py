"""Which images lose most between two versions of a codec, and where in the picture."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import bench
from bench.errors import ConfigError
from bench.losses.figure import draw_losses
from bench.losses.pictures import SIDE, LossCrops, PictureOptions, loss_crops
from bench.losses.place import densest
from bench.losses.ranking import Losses, Side, _order, find_losses, sides_of
from bench.plotting.style import styled
from bench.rd import image_curves, per_image_bd_rate
from bench.runs.frame import load
from bench.trials.trust import EVERYBODY
from tests.losses.runs import SPOILED, versions


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """The pictures, and the runs of both versions."""
    from tests.conftest import photo

    folder = tmp_path_factory.mktemp("worst")
    (folder / "pictures").mkdir()
    for index, side in enumerate((176, 240, 320)):
        Image.fromarray(photo(side, side + 8, index)).save(folder / "pictures" / f"p{index}.png")
    return folder / "pictures", *versions(folder, folder / "pictures")


def losses_of(old: Path, new: Path, **options: object) -> Losses:
    return find_losses(*sides_of(old, new, None, None), trust=EVERYBODY, **options)  # type: ignore[arg-type]


def test_images_stand_in_the_order_of_their_loss(runs: tuple[Path, Path, Path]) -> None:
    """The order is that of BD-rates by image, and shown is the setting at which the image loses most."""
    _, old, new = runs
    losses = losses_of(old, new)
    first, second = (image_curves(load(it), "psnr_rgb")["blot"] for it in (old, new))
    expected = {
        name: it.value for name, it in zip(first.images, per_image_bd_rate(first, second), strict=True)
    }
    assert {it.image: it.bd_rate for it in losses.images} == pytest.approx(expected)
    assert [it.bd_rate for it in losses.images] == sorted(expected.values(), reverse=True)
    assert losses.images[0].image == "p0.png", "of the smallest picture the largest part is spoiled"
    assert {(it.old.quality, it.new.quality) for it in losses.images} == {(90.0, 90.0)}
    assert losses.names == ("blot (run1)", "blot (run2)")


def test_an_image_without_loss_is_not_the_worst(runs: tuple[Path, Path, Path]) -> None:
    """A picture that every setting keeps has no BD-rate and no loss: it is not taken for one far apart."""
    (lost, *_) = losses_of(*runs[1:]).images
    kept = replace(lost, new=lost.old, bd_rate=None)
    apart = replace(lost, bd_rate=None)
    assert sorted((kept, lost, apart), key=_order, reverse=True) == [apart, lost, kept]


def test_crops_lie_where_the_new_picture_is_worse(runs: tuple[Path, Path, Path]) -> None:
    """The window covers what the new version spoils, and the pixels in it are those that were measured."""
    pictures, old, new = runs
    (crops, *_) = loss_crops(losses_of(old, new), 3, PictureOptions((str(pictures),)))
    left, top = crops.place
    assert left <= SPOILED[0]
    assert top <= SPOILED[1]
    assert left + SIDE >= SPOILED[2]
    assert top + SIDE >= SPOILED[3]
    assert not crops.problems
    assert isinstance(crops.new, np.ndarray)
    assert isinstance(crops.old, np.ndarray)
    spot = np.s_[100 - top : 140 - top, 12 - left : 52 - left]
    contrast = [float(it[spot].std((0, 1)).mean()) for it in (crops.old, crops.new)]
    assert contrast[1] < 0.9 * contrast[0]


def test_bitstreams_that_were_not_kept_are_made_again(runs: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """Without kept bitstreams the codec encodes again; one that has changed since gives no picture."""
    pictures, old, new = runs
    for run in (old, new):
        shutil.copytree(run, tmp_path / run.name, ignore=shutil.ignore_patterns("bitstreams"))
    found = losses_of(tmp_path / "run1", tmp_path / "run2")
    (crops,) = loss_crops(found, 1, PictureOptions((str(pictures),)))
    assert not crops.problems
    code = Path(found.images[0].new.codec.target.partition(":")[0])
    text = code.read_text()
    try:
        code.write_text(text.replace("quality=int(quality)", "quality=20"))
        (crops,) = loss_crops(found, 1, PictureOptions((str(pictures),)))
    finally:
        code.write_text(text)
    assert "encoding again gives another bitstream" in " ".join(crops.problems)
    assert isinstance(crops.old, np.ndarray)


def test_a_crop_of_one_codec_alone_shows_no_loss(runs: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """Where one of the two pictures is missing, no row of crops is drawn, and the note claims no map."""
    pictures, old, new = runs
    losses = losses_of(old, new)
    crops = loss_crops(losses, 2, PictureOptions((str(pictures),)))
    assert all(it.has_both for it in crops)
    assert not replace(crops[0], new="refused").has_both
    without = [replace(crops[0], original="not at hand")]
    assert "error map" in figure_note(losses, crops)
    assert "error map" not in figure_note(losses, without)


def figure_note(losses: Losses, crops: list[LossCrops]) -> str:
    """What stands below the crops."""
    with styled():
        return draw_losses(losses, crops, "ssim").get_supxlabel()


def test_a_decoder_that_gives_no_pixels_is_told(
    runs: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that announces samples and writes none leaves an image without its picture, and stops nothing."""
    pictures, old, new = runs

    def none(*_: object) -> np.ndarray:
        raise EOFError("fewer samples than announced")

    monkeypatch.setattr("bench.engines.worker_handle.WorkerHandle.samples", none)
    (crops,) = loss_crops(losses_of(old, new), 1, PictureOptions((str(pictures),)))
    assert crops.problems == 2 * ["decoding failed: fewer samples than announced"]
    assert isinstance(crops.original, np.ndarray)


def test_the_original_is_the_picture_that_was_coded(tmp_path: Path) -> None:
    """Transparent pixels that the run had laid over black lie over black in its crop too."""
    (tmp_path / "pictures").mkdir()
    Image.fromarray(np.zeros((40, 48, 4), np.uint8)).save(tmp_path / "pictures" / "p.png")
    bench.run(
        codecs=[{"codec": "jpeg", "label": "mine", "quality": [50, 90]}],
        datasets=[str(tmp_path / "pictures")],
        metrics=["ssim_rgb"],
        convert={"alpha": "over black"},
        out=tmp_path / "run",
    )
    side = Side(tmp_path / "run", "mine")
    (crops,) = loss_crops(find_losses(side, side), 1, PictureOptions((str(tmp_path / "pictures"),)))
    assert np.array_equal(crops.original, crops.new)


def test_the_densest_window_is_found() -> None:
    """It covers the one spot of a plane, and lies inside a plane that is smaller than a window."""
    plane = np.zeros((300, 400))
    plane[200:210, 330:350] = 1
    left, top = densest(plane, 64)
    assert left <= 330
    assert left + 64 >= 350
    assert top <= 200
    assert top + 64 >= 210
    assert densest(plane[:20, :20], 64) == (0, 0)


def test_what_is_meant_has_to_be_clear(runs: tuple[Path, Path, Path]) -> None:
    """Within one run both are named, and a wrong name or metric is told with what there is."""
    _, old, new = runs
    with pytest.raises(ConfigError, match="give --anchor and --codec: lossy codecs here are blot"):
        sides_of(old, old, None, None)
    with pytest.raises(ConfigError, match="no label 'blob'; did you mean 'blot'"):
        sides_of(old, new, "blob", None)
    with pytest.raises(ConfigError, match="no metric 'psnr'"):
        losses_of(old, new, metric="psnr")
    with pytest.raises(ConfigError, match="no quality 31; it has 30, 60, 90"):
        losses_of(old, new, quality=31)


def test_the_command_prints_a_table_and_writes_crops(runs: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """``rdbench worst OLD NEW`` names the images, and its picture has a row of crops for each."""
    pictures, old, new = runs
    output = tmp_path / "worst.png"
    command = [sys.executable, "-m", "bench.cli", "worst", str(old), str(new), "-d", str(pictures), "--trust"]
    options = ["-n", "2", "-f", "json", "-o", str(output)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
    rows = json.loads(done.stdout)["rows"]
    assert [it["image"] for it in rows] == [it.image for it in losses_of(old, new).images[:2]]
    with Image.open(output) as picture:
        assert picture.width > 3 * 2 * SIDE
        assert picture.height > 2 * 2 * SIDE


def test_a_picture_of_originals_alone_is_not_written(runs: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """Without ``--trust`` there is a table, and the reason once a file; nothing pretends to compare."""
    pictures, old, new = runs
    output = tmp_path / "worst.png"
    command = [sys.executable, "-m", "bench.cli", "worst", str(old), str(new), "-d", str(pictures)]
    done = subprocess.run([*command, "-o", str(output)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("say --trust") == 2
    assert not output.exists()
