"""``rdbench diff``: the metrics of two files, and the map of one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.metrics.maps import MAPS, error_map
from tests.conftest import photo
from tests.inputs.strangers import rdbench


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[np.ndarray, np.ndarray]:
    """``a.png`` and ``b.png`` in the working directory, and their pixels."""
    monkeypatch.chdir(tmp_path)
    original = photo(48, 64)
    decoded = original.copy()
    decoded[10:20, 30:50] //= 2
    for name, picture in (("a", original), ("b", decoded)):
        Image.fromarray(picture).save(f"{name}.png")
    return original, decoded


def test_it_prints_the_usual_metrics(files: object) -> None:
    """One line each; of one that has no value the reason."""
    said = rdbench("diff", "a.png", "b.png")
    assert said.code == 0
    for name in ("psnr_rgb", "psnr_y", "psnr_yuv", "ssim_rgb"):
        assert name in said.text
    assert "MS-SSIM needs 161 pixels" in said.text


def test_values_are_those_of_a_run(files: tuple[np.ndarray, np.ndarray]) -> None:
    """As JSON, with unit; equal pictures have no error."""
    (row,) = json.loads(rdbench("diff", "a.png", "b.png", "-m", "psnr_rgb", "-f", "json").text)["rows"]
    squared = np.square(files[0].astype(float) - files[1]).mean()
    assert row == {
        "metric": "psnr_rgb",
        "value": pytest.approx(10 * np.log10(255**2 / squared)),
        "unit": "dB",
    }
    (row,) = json.loads(rdbench("diff", "a.png", "a.png", "-m", "psnr_rgb", "-f", "json").text)["rows"]
    assert (row["value"], row["reason"]) == (None, "no error")


def test_the_map_is_written_pixel_by_pixel(files: tuple[np.ndarray, np.ndarray]) -> None:
    """Black where nothing differs, brightest from the error on that ``--full`` names."""
    said = rdbench("diff", "a.png", "b.png", "-m", "psnr_rgb", "-o", "map.png", "--full", "1")
    assert "map.png: Squared error" in said.text
    assert "brightest from 1 on" in said.text
    shown = np.asarray(Image.open("map.png"))
    assert shown.shape == files[0].shape
    same = (files[0] == files[1]).all(axis=2)
    assert shown[same].max() <= 4
    assert shown[~same].min(axis=0).tolist() >= [200, 200, 100]


def test_brightness_follows_the_root_or_the_error(files: object) -> None:
    """Linear, what is small is darker."""
    words = ("diff", "a.png", "b.png", "-m", "flip", "-o")
    assert rdbench(*words, "root.png").code == rdbench(*words, "linear.png", "--linear").code == 0
    root, linear = (np.asarray(Image.open(f"{it}.png")).astype(int) for it in ("root", "linear"))
    assert linear.sum() < root.sum()


def test_errors_are_written_as_numbers(files: tuple[np.ndarray, np.ndarray]) -> None:
    """As float32, by the name of the metric or of the map."""
    for name in ("ssim_rgb", "ssim"):
        assert rdbench("diff", "a.png", "b.png", "-m", name, "-o", "map.npy").code == 0
        np.testing.assert_array_equal(np.load("map.npy"), error_map("ssim", *files))


def test_a_metric_may_be_a_class_of_a_file(files: object) -> None:
    """As in a run."""
    Path("mine.py").write_text(
        "class Mine:\n    higher_is_better = True\n    def __call__(self, pair):\n        return 42.0\n"
    )
    said = rdbench("diff", "a.png", "b.png", "-m", "mine.py:Mine")
    assert "Mine" in said.text
    assert "42.0000" in said.text


def test_sixteen_bits_are_compared_as_they_are(files: tuple[np.ndarray, np.ndarray]) -> None:
    """And shown at eight."""
    import imagecodecs

    for name, picture in zip("ab", files, strict=True):
        Path(f"{name}16.png").write_bytes(imagecodecs.png_encode(picture.astype(np.uint16) * 257 + 1))
    said = rdbench("diff", "a16.png", "b16.png", "-m", "psnr_rgb", "-o", "map.npy")
    assert said.code == 0
    assert np.load("map.npy").max() > 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("a.png", "b.png", "-o", "map.png"), "name it with -m, such as ssim"),
        (("a.png", "b.png", "-m", "nlpd", "-o", "map.png"), "nlpd has no map"),
        (("a.png", "b.png", "-m", "flip", "-o", "map.gif"), "end the name in .png or .npy"),
        (("a.png", "b.png", "-m", "flop"), "unknown metric 'flop'; did you mean 'flip'?"),
        (("a.png", "small.png"), r"a.png is 64×48, rgb, 8 bits, small.png is 8×8, rgb, 8 bits"),
        (("a.png", "none.png"), "none.png"),
    ],
)
def test_mistakes_are_told(files: object, words: tuple[str, ...], told: str) -> None:
    """In one line, and nothing is written."""
    Image.fromarray(photo(8, 8)).save("small.png")
    said = rdbench("diff", *words)
    assert said.code == 2
    assert told in said.text
    assert not Path("map.png").exists()


def test_help_names_every_map() -> None:
    """So that nobody has to guess."""
    help_text = " ".join(rdbench("diff", "--help").text.split())
    for kind in MAPS.values():
        assert any(it in help_text for it in kind.metrics)
