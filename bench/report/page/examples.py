"""Crops of a few images, embedded in the page: what the viewer has when the page is passed on alone."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.inputs.image import read_image
from bench.report.page.maps import STEP, cut_map
from bench.report.reconstructions.decoded import Stored, lossless_bytes

MAX_EXAMPLE_IMAGES = 3
MAX_EXAMPLE_BYTES = 4_000_000
"""Of all embedded examples together, as they stand in the page (base64)."""
EXAMPLE_SIDE = 320
EXAMPLE_RATES = (0.5, 0.25, 1.0)
"""Bits per pixel whose nearest operating points become examples, until the budget is spent."""


@dataclass(frozen=True)
class Reconstruction:
    """Which operating point it is, and its picture."""

    entry: int
    quality: float | None
    """None for a codec that takes none."""
    bpp: float
    values: tuple[float | None, ...]
    stored: Stored
    maps: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Its error maps by name, as data URLs: see :mod:`bench.report.page.maps`."""


@dataclass(frozen=True)
class ViewerImage:
    """One image of the viewer."""

    name: str
    width: int
    height: int
    original: Stored
    reconstructions: tuple[Reconstruction, ...]
    note: str = ""
    """How it is shown otherwise than it was measured."""


class Examples:
    """The embedded crops of a page, within one budget for all its data sets, of which some may be taken."""

    def __init__(self, taken: int = 0, budget: int = MAX_EXAMPLE_BYTES) -> None:
        self._left = budget - taken

    def of(self, images: Sequence[ViewerImage]) -> list[dict[str, Any]]:
        """Examples of the first images, as JSON values: the original, and each codec near customary rates."""
        made = [it for it in map(_Example, images[:MAX_EXAMPLE_IMAGES]) if self._add(it, it.image.original)]
        for rate in EXAMPLE_RATES:
            for example in made:
                for reconstruction in _nearest(example.image.reconstructions, rate):
                    if reconstruction.stored.file is not None:
                        self._add(example, reconstruction.stored, reconstruction)
        return [it.data() for it in made if it.reconstructions]

    def _add(self, example: _Example, stored: Stored, reconstruction: Reconstruction | None = None) -> bool:
        if stored.file is None or reconstruction in example.reconstructions:
            return False
        url = example.cut(stored.file)
        if url is None or len(url) > self._left:
            return False
        self._left -= len(url)
        if reconstruction is None:
            example.original = url
        else:
            example.reconstructions[reconstruction] = url
        return True


class _Example:
    """A crop from the middle of one image."""

    def __init__(self, image: ViewerImage) -> None:
        self.image = image
        self.original = ""
        self.reconstructions: dict[Reconstruction, str] = {}
        self._width, self._height = min(image.width, EXAMPLE_SIDE), min(image.height, EXAMPLE_SIDE)
        # where a cell of the error maps begins
        self._left = (image.width - self._width) // 2 // STEP * STEP
        self._top = (image.height - self._height) // 2 // STEP * STEP

    def cut(self, file: Path) -> str | None:
        """The crop of a stored picture as a data URL; None where its record says another size."""
        pixels = read_image(file).pixels
        if pixels.shape[:2] != (self.image.height, self.image.width):
            return None
        part = pixels[self._top : self._top + self._height, self._left : self._left + self._width]
        data, suffix = lossless_bytes(part.copy(), effort=2)
        return f"data:image/{suffix[1:]};base64,{base64.b64encode(data).decode()}"

    def data(self) -> dict[str, Any]:
        """Its form in the page."""
        return {
            "name": self.image.name,
            "width": self._width,
            "height": self._height,
            "crop": [self._left, self._top, self.image.width, self.image.height],
            "note": self.image.note,
            "original": {"url": self.original},
            "reconstructions": [
                [it.entry, it.quality, it.bpp, list(it.values), {"url": url}, self._cut_maps(it)]
                for it, url in self.reconstructions.items()
            ],
        }

    def _cut_maps(self, its: Reconstruction) -> dict[str, str]:
        window = (self._left, self._top, self._width, self._height)
        return {name: cut_map(url, *window) for name, url in its.maps.items()}


def _nearest(reconstructions: Sequence[Reconstruction], rate: float) -> list[Reconstruction]:
    """Of every codec the operating point nearest to a rate, on a logarithmic scale."""
    by_entry: dict[int, list[Reconstruction]] = {}
    for reconstruction in reconstructions:
        by_entry.setdefault(reconstruction.entry, []).append(reconstruction)
    return [
        min(of_codec, key=lambda it: max(it.bpp / rate, rate / max(it.bpp, 1e-9)))
        for of_codec in by_entry.values()
    ]
