"""Training crops. The pixels and qualities of a step depend only on the seed and the step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.errors import DatasetError
from bench.image import read_image

_MEMORY_BUDGET = 1 << 30
_RESIZE_CHANCE = 0.15
_SMALLEST_SCALE = 0.6


def require_images(paths: Sequence[Path]) -> None:
    """Read all image files once, so that a bad one does not end a training halfway.

    Raises
    ------
    bench.errors.BenchError
        One is damaged, or cannot be converted; the message names it.
    """
    for path in paths:
        read_image(path)


class Crops:
    """Random crops of images, with flips and occasional downscaling.

    Parameters
    ----------
    paths : image files
    crop : side of a crop in pixels
    seed : of the random choices
    max_code : highest quality code

    Raises
    ------
    bench.errors.DatasetError
        ``paths`` is empty.
    """

    def __init__(self, paths: Sequence[Path], crop: int, seed: int, max_code: int) -> None:
        if not paths:
            raise DatasetError("no training images: give a data set or a folder that holds pictures")
        self._paths = list(paths)
        self._crop = crop
        self._seed = seed
        self._max_code = max_code
        self._cache: dict[int, NDArray[np.uint8]] = {}
        self._cached = 0

    def batch(self, step: int, size: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """The crops, uint8 (size, 3, crop, crop), and the quality codes, (size,), of a step."""
        random = np.random.default_rng([self._seed, step])
        crops = np.stack([self._one(random) for _ in range(size)])
        # One code from each part of the range, so that a step never has only low or only high qualities.
        codes = (np.arange(size) + random.random(size)) / size * (self._max_code + 1)
        return crops, np.floor(codes).astype(np.int64)

    def _one(self, random: np.random.Generator) -> NDArray[np.uint8]:
        image = self._image(int(random.integers(len(self._paths))))
        scale = random.uniform(_SMALLEST_SCALE, 1.0) if random.random() < _RESIZE_CHANCE else 1.0
        height, width = image.shape[:2]
        scale = max(scale, self._crop / min(height, width))
        if scale != 1.0:
            shape = (max(self._crop, round(width * scale)), max(self._crop, round(height * scale)))
            image = np.asarray(Image.fromarray(image).resize(shape, Image.Resampling.BICUBIC))
            height, width = image.shape[:2]
        top = int(random.integers(height - self._crop + 1))
        left = int(random.integers(width - self._crop + 1))
        crop = image[top : top + self._crop, left : left + self._crop]
        if random.random() < 0.5:
            crop = crop[:, ::-1]
        return np.ascontiguousarray(crop.transpose(2, 0, 1))

    def _image(self, index: int) -> NDArray[np.uint8]:
        if index not in self._cache:
            image = read_image(self._paths[index]).pixels
            if self._cached + image.nbytes > _MEMORY_BUDGET:
                return image
            self._cache[index] = image
            self._cached += image.nbytes
        return self._cache[index]
