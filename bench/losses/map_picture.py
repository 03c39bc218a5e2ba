"""A map of errors as a picture, pixel by pixel, or as the numbers themselves."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from bench.codec import Image
from bench.errors import ConfigError
from bench.files.access import write_atomically
from bench.inputs.image import png_of
from bench.metrics.maps import ErrorMap

FORMATS = (".png", ".npy")


def coloured(errors: ErrorMap, full: float, *, linear: bool = False) -> Image:
    """Black for no error to light yellow for ``full`` and more, matplotlib's "magma".

    Parameters
    ----------
    linear : with the error rather than, as in a report's viewer, its square root
    """
    from matplotlib import colormaps

    share = np.clip(errors / full, 0, 1)
    colours: Image = colormaps["magma"](share if linear else np.sqrt(share), bytes=True)[..., :3]
    return np.ascontiguousarray(colours)


def write_map(path: Path, errors: ErrorMap, full: float, *, linear: bool = False) -> None:
    """Write a map in the form that the name ends in: colours, or float32 of shape (height, width).

    Raises
    ------
    ConfigError
        The name ends in none of :data:`FORMATS`.
    """
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"{path}: maps are written as {' or '.join(FORMATS)}; end the name in one of them")
    if path.suffix.lower() == ".npy":
        buffer = io.BytesIO()
        np.save(buffer, errors, allow_pickle=False)
        write_atomically(path, buffer.getvalue())
        return
    write_atomically(path, png_of(coloured(errors, full, linear=linear)))
