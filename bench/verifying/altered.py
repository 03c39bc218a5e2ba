"""Pictures altered so little that no codec codes them much better or worse, unless it knows them by heart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from bench.codec import Samples

_CROPPED = 8
"""Rows and columns: blocks of 8 stay where they were."""


def _crop(picture: Samples, random: np.random.Generator) -> Samples:
    return picture[_CROPPED:, _CROPPED:]


def _flip(picture: Samples, random: np.random.Generator) -> Samples:
    return picture[:, ::-1]


def _noise(picture: Samples, random: np.random.Generator) -> Samples:
    changed = picture.astype(np.int16) + random.integers(-1, 2, picture.shape, dtype=np.int16)
    return changed.clip(0, 255).astype(np.uint8)


ALTERATIONS: dict[str, Callable[[Samples, np.random.Generator], Samples]] = {
    "crop": _crop,
    "flip": _flip,
    "noise": _noise,
}
"""Eight rows and columns less, left and right exchanged, at most one level more or less in each sample."""


def write_altered(picture: Samples, how: str, seed: int, path: Path) -> None:
    """Alter a picture and write it as PNG.

    Parameters
    ----------
    picture : uint8, shape (height, width, 3), with more than 8 rows and columns
    how : of :data:`ALTERATIONS`
    seed : of the noise
    """
    altered = ALTERATIONS[how](picture, np.random.default_rng(seed))
    Image.fromarray(np.ascontiguousarray(altered)).save(path, "PNG", compress_level=1)
