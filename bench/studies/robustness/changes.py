"""Corruptions of a picture before it is encoded, and damage to a bitstream before it is decoded.

The same picture, and the same bitstream, is always changed in the same way. Pictures are (height, width, 3),
uint8, and stay what they are: each function returns a copy.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.codec import Image

_BLOCK = 16
_GREY = 128


def gaussian_noise(image: Image, random: np.random.Generator, sigma: float) -> Image:
    """Independent Gaussian noise of standard deviation ``sigma``, in levels of 0 to 255, on every sample."""
    return _levels(image + random.normal(0, sigma, image.shape))


def salt_and_pepper(image: Image, random: np.random.Generator, share: float) -> Image:
    """A ``share``, 0 to 1, of the pixels becomes black or white, each with the same chance."""
    chance = random.random(image.shape[:2])
    corrupted = image.copy()
    corrupted[chance < share] = 255
    corrupted[chance < share / 2] = 0
    return corrupted


def blur(image: Image, random: np.random.Generator, sigma: float) -> Image:
    """A Gaussian blur of ``sigma`` pixels; the border is continued."""
    from scipy.ndimage import gaussian_filter

    del random  # nothing here is by chance
    return _levels(gaussian_filter(image.astype(np.float32), (sigma, sigma, 0), mode="nearest"))


def missing_blocks(image: Image, random: np.random.Generator, share: float) -> Image:
    """A ``share``, 0 to 1, of the blocks of 16 × 16 pixels, at least one, becomes grey: lost packets."""
    rows, columns = (math.ceil(it / _BLOCK) for it in image.shape[:2])
    count = max(1, round(share * rows * columns))
    corrupted = image.copy()
    for place in random.choice(rows * columns, count, replace=False):
        top, left = _BLOCK * (place // columns), _BLOCK * (place % columns)
        corrupted[top : top + _BLOCK, left : left + _BLOCK] = _GREY
    return corrupted


CORRUPTIONS: dict[str, Callable[[Image, np.random.Generator], Image]] = {
    "noise5": partial(gaussian_noise, sigma=5),
    "noise10": partial(gaussian_noise, sigma=10),
    "noise25": partial(gaussian_noise, sigma=25),
    "salt-pepper2": partial(salt_and_pepper, share=0.02),
    "blur2": partial(blur, sigma=2),
    "blocks10": partial(missing_blocks, share=0.10),
    "blocks25": partial(missing_blocks, share=0.25),
}
"""By name; the number is σ in levels or pixels, or a percentage."""


def flip_bits(bitstream: bytes, random: np.random.Generator, count: int) -> bytes:
    """``count`` different bits, anywhere in the bitstream, are inverted."""
    data = np.frombuffer(bitstream, np.uint8).copy()
    places = random.choice(8 * data.size, min(count, 8 * data.size), replace=False)
    # Not `data[places // 8] ^= …`, which would lose one of two flips in the same byte.
    np.bitwise_xor.at(data, places // 8, (1 << (places % 8)).astype(np.uint8))
    return data.tobytes()


def truncate(bitstream: bytes, random: np.random.Generator, percent: int) -> bytes:
    """The first ``percent`` of the bytes; at least one byte is lost."""
    del random  # nothing here is by chance
    return bitstream[: min(len(bitstream) - 1, len(bitstream) * percent // 100)]


FLIPS: dict[str, Callable[[bytes, np.random.Generator], bytes]] = {
    f"flip{count}": partial(flip_bits, count=count) for count in (1, 4, 16)
}
TRUNCATIONS: dict[str, Callable[[bytes, np.random.Generator], bytes]] = {
    f"keep{percent}": partial(truncate, percent=percent) for percent in (99, 90, 50)
}
DAMAGES = FLIPS | TRUNCATIONS
"""By name: the number of bits flipped, or the percentage of bytes kept."""


def corrupted(image: Image, name: str, seed: str) -> Image:
    """A corrupted copy of a picture.

    Parameters
    ----------
    image : samples (height, width, 3), uint8
    name : one of :data:`CORRUPTIONS`
    seed : what the randomness follows from, with the name: the hash of the picture's file
    """
    return CORRUPTIONS[name](image, generator(name, seed))


def generator(*identity: str | int) -> np.random.Generator:
    """A random generator that follows from an identity, on every machine alike."""
    digest = hashlib.sha256("|".join(map(str, identity)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def _levels(samples: NDArray[Any]) -> Image:
    levels: Image = samples.round().clip(0, 255).astype(np.uint8)
    return levels
