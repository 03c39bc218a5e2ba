"""Swapped channels are told from honest loss."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bench.trials.output_checks import permuted_channels
from tests.conftest import photo

ORIGINAL = photo(96, 120)


@pytest.mark.parametrize("order", [it for it in itertools.permutations(range(3)) if it != (0, 1, 2)])
def test_every_permutation_is_named(order: tuple[int, ...]) -> None:
    """The order of the decoded channels is told, also through heavy loss."""
    noise = np.random.default_rng(0).normal(0, 12, ORIGINAL.shape)
    lossy = (ORIGINAL + noise).clip(0, 255).astype(np.uint8)
    assert permuted_channels(ORIGINAL, lossy[..., list(order)]) == "".join("RGB"[it] for it in order)


@pytest.mark.parametrize(
    "distort",
    [
        lambda image: image // 64 * 64,
        lambda image: np.full_like(image, 128),
        lambda image: np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8),
        lambda image: np.random.default_rng(1).integers(0, 256, image.shape, dtype=np.uint8),
        lambda image: 255 - image,
        lambda image: np.roll(image, 8, axis=1),
    ],
    ids=["posterised", "flat", "without colour", "noise", "negative", "shifted"],
)
def test_honest_loss_is_not_flagged(distort) -> None:
    """However bad a reconstruction is, it is not called a permutation when none fits far better."""
    assert permuted_channels(ORIGINAL, distort(ORIGINAL)) is None


def test_grey_and_tiny_pictures_are_not_flagged() -> None:
    """Where a swap can't be seen, nothing is claimed."""
    grey = np.repeat(ORIGINAL[..., :1], 3, axis=2)
    assert permuted_channels(grey, grey[..., ::-1]) is None
    assert permuted_channels(ORIGINAL[:9, :9], ORIGINAL[:9, :9, ::-1]) is None
