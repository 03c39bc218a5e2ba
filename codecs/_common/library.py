"""Reaching imagecodecs and Pillow, and translating what they raise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

from bench.codec import Image
from bench.errors import BadBitstream, BenchError, CodecUnavailable


def load_imagecodecs(codec: str, part: str) -> tuple[ModuleType, str]:
    """imagecodecs and the version of the library behind its ``part`` (``"jpeg8"``, ``"webp"``, ...).

    Raises
    ------
    CodecUnavailable
        imagecodecs is not installed or was built without that part.
    """
    try:
        import imagecodecs
    except ImportError as error:
        raise CodecUnavailable(
            f"{codec} needs imagecodecs ({error}): pip install 'imagecodecs>=2024.9.22'"
        ) from error
    if not getattr(imagecodecs, part.upper()).available:
        raise CodecUnavailable(
            f"{codec}: this build of imagecodecs has no {part}: pip install --upgrade imagecodecs"
        )
    library = getattr(imagecodecs, f"{part}_version")().replace("_", "-")
    # the wheel decides what lies beneath (libavif's AV1 encoder, say) without the library's version telling
    return imagecodecs, f"{library} (imagecodecs {imagecodecs.__version__})"


def load_pillow(codec: str, feature: str) -> tuple[ModuleType, str]:
    """``PIL.Image`` and the version of the library behind ``feature`` (``"jpg_2000"``, ...).

    Raises
    ------
    CodecUnavailable
        Pillow is not installed or was built without that feature.
    """
    try:
        import PIL.Image
        from PIL import features
    except ImportError as error:
        raise CodecUnavailable(f"{codec} needs Pillow ({error}): pip install 'pillow>=11.3'") from error
    version = features.version(feature)
    if version is None:
        raise CodecUnavailable(
            f"{codec}: this build of Pillow has no {feature}: pip install --upgrade pillow"
        )
    return PIL.Image, version


@contextmanager
def damage(codec: str) -> Iterator[None]:
    """Turn what a library raises on a bitstream into :class:`BadBitstream`.

    Running out of memory stays a ``MemoryError``: it says nothing about the bitstream.
    """
    try:
        yield
    except (BenchError, MemoryError):
        raise
    except Exception as error:
        raise BadBitstream(f"{codec}: {type(error).__name__}: {error}") from error


def as_image(codec: str, decoded: Any) -> Image:
    """The decoded image as a C-contiguous ``uint8`` array of shape (height, width, 3).

    Raises
    ------
    BadBitstream
        The bitstream held something else: grey, alpha, 16 bits, several frames.
    """
    image = np.ascontiguousarray(decoded)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise BadBitstream(f"{codec}: the bitstream holds {image.dtype} {image.shape}, not 8-bit RGB")
    return image
