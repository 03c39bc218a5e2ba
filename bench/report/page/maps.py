"""Error maps for the viewer: small grey pictures inside the scripts that describe the images.

A page that was opened from disk may not read the pixels of pictures beside it, but it may read those of data
URLs: in these maps it finds where two reconstructions differ most. They have a cell for 4×4 pixels and come
to some 3% of the pictures' bytes. SSIM has a map always, others where the run measured a metric of theirs.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.codec import Image
from bench.errors import CodecUnavailable, MetricUndefined
from bench.metrics.maps import MAPS, ErrorMap, error_map

STEP = 4
"""Pixels of a cell's side."""


def map_facts(names: Sequence[str]) -> dict[str, Any]:
    """What the page needs to read maps."""
    return {"step": STEP, "kinds": {name: scale_of(name) for name in names}}


def map_names(metrics: Collection[str]) -> list[str]:
    """The maps that a report has, by the metrics of its runs."""
    return [name for name, kind in MAPS.items() if name == "ssim" or {*kind.metrics} & {*metrics}]


def scale_of(name: str) -> list[str | float]:
    """What a map is called, and the error that is white; the scale is that of its square root."""
    kind = MAPS[name]
    return [kind.title, kind.full]


def cut_map(url: str, left: int, top: int, width: int, height: int) -> str:
    """The part of a map; places and sizes are in pixels of the picture, the first two multiples of a cell."""
    from PIL import Image as pillow

    with pillow.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as picture:
        cells = np.asarray(picture.convert("L"))
    right, bottom = -(-(left + width) // STEP), -(-(top + height) // STEP)
    return _data_url(cells[top // STEP : bottom, left // STEP : right])


def maps_of(original: Image, decoded: Image, names: Sequence[str]) -> dict[str, str]:
    """The maps of a reconstruction by name, as data URLs; without those that can't be computed here."""
    made = {}
    for name in names:
        with suppress(MetricUndefined, CodecUnavailable):
            made[name] = _data_url(_cells(error_map(name, original, decoded), MAPS[name].full))
    return made


def _cells(errors: ErrorMap, full: float) -> NDArray[np.uint8]:
    """The mean of each cell, on the scale of a byte."""
    height, width = errors.shape
    padded = np.pad(errors, ((0, -height % STEP), (0, -width % STEP)), mode="edge")
    means = padded.reshape(padded.shape[0] // STEP, STEP, -1, STEP).mean(axis=(1, 3))
    scaled: NDArray[np.uint8] = np.rint(255 * np.sqrt(np.clip(means / full, 0, 1))).astype(np.uint8)
    return scaled


def _data_url(cells: NDArray[np.uint8]) -> str:
    from PIL import Image as pillow

    buffer = io.BytesIO()
    pillow.fromarray(np.ascontiguousarray(cells)).convert("RGB").save(buffer, "WEBP", quality=60, method=4)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
