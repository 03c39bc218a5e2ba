"""Corruptions of pictures and damages to bitstreams."""

from __future__ import annotations

import numpy as np
import pytest

from bench.studies.robustness.changes import CORRUPTIONS, DAMAGES, corrupted, generator
from tests.conftest import photo

GREY = np.full((256, 240, 3), 100, np.uint8)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_corruption_is_the_same_for_the_same_picture(name: str) -> None:
    """A seed makes one picture, another seed another; the original is left alone, size and type are kept."""
    image = photo(50, 61)
    before = image.copy()
    once, again, other = (corrupted(image, name, seed) for seed in ("a", "a", "b"))
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(once, again)
    assert np.array_equal(once, other) == name.startswith("blur")
    assert (once.shape, once.dtype) == (image.shape, image.dtype)
    assert not np.array_equal(once, image)


@pytest.mark.parametrize("sigma", [5, 10, 25])
def test_noise_has_its_deviation(sigma: int) -> None:
    """The noise has mean 0 and the promised standard deviation, independently in each channel."""
    noise = corrupted(GREY, f"noise{sigma}", "x").astype(float) - GREY
    assert noise.std() == pytest.approx(sigma, rel=0.02)
    assert abs(noise.mean()) < 0.15
    assert abs(np.corrcoef(noise.reshape(-1, 3).T)[0, 1]) < 0.02


def test_salt_and_pepper_hits_two_percent() -> None:
    """Two percent of the pixels, half of them black and half white in all channels, and no others."""
    result = corrupted(GREY, "salt-pepper2", "x")
    black, white = ((result == level).all(axis=2).mean() for level in (0, 255))
    assert (black, white) == pytest.approx((0.01, 0.01), abs=0.002)
    assert (result == 100).all(axis=2).mean() == pytest.approx(1 - black - white)


@pytest.mark.parametrize(("name", "share"), [("blocks10", 0.10), ("blocks25", 0.25)])
def test_missing_blocks_lie_on_the_grid(name: str, share: float) -> None:
    """The promised share of the 16×16 blocks is grey, whole blocks only; of a small picture at least one."""
    grey = (corrupted(GREY, name, "x") == 128).all(axis=2)
    blocks = grey.reshape(16, 16, 15, 16).mean(axis=(1, 3))
    assert set(np.unique(blocks)) == {0, 1}
    assert blocks.mean() == pytest.approx(share, abs=0.5 / blocks.size)
    assert (corrupted(GREY[:5, :7], name, "x") == 128).all()


def test_blur_keeps_the_mean_and_loses_detail() -> None:
    """Blur moves no light and takes contrast away."""
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    result = corrupted(image, "blur2", "x")
    assert result.mean() == pytest.approx(image.mean(), abs=1)
    assert result.std() < image.std() / 4


@pytest.mark.parametrize("count", [1, 4, 16])
def test_flips_change_exactly_that_many_bits(count: int) -> None:
    """k different bits are inverted, even where several are in one byte, and all of them in a tiny stream."""
    for size in (2, 1000):
        original = generator("stream", size).bytes(size)
        damaged = DAMAGES[f"flip{count}"](original, generator("seed"))
        difference = np.bitwise_xor(*(np.frombuffer(it, np.uint8) for it in (original, damaged)))
        assert np.unpackbits(difference).sum() == min(count, 8 * size)


@pytest.mark.parametrize(("percent", "left"), [(99, 198), (90, 180), (50, 100)])
def test_truncation_keeps_the_first_bytes(percent: int, left: int) -> None:
    """The first part of the bytes is left; of a very short stream at least one byte is lost."""
    original = bytes(range(200))
    damage = DAMAGES[f"keep{percent}"]
    assert damage(original, generator("seed")) == original[:left]
    assert damage(b"x", generator("seed")) == b""
