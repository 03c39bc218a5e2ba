"""Loading imagecodecs and Pillow, and translating their exceptions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

from bench.codec import Channels, Samples
from bench.errors import BadBitstream, BenchError, CodecUnavailable

_FORMS: dict[tuple[int, ...], Channels] = {(): "grey", (3,): "rgb", (4,): "rgba"}


def load_imagecodecs(codec: str, part: str) -> tuple[ModuleType, str]:
    """Import imagecodecs.

    Parameters
    ----------
    codec : name in the message of an error
    part : the module of imagecodecs that is needed, ``"jpeg8"`` or ``"webp"`` for example

    Returns
    -------
    imagecodecs, and the name and version of the library behind ``part``.

    Raises
    ------
    CodecUnavailable
        imagecodecs is not installed or was built without that part.
    """
    try:
        import imagecodecs
    except ImportError as error:
        raise CodecUnavailable(
            f"{codec} needs imagecodecs ({error}): pip install 'imagecodecs>=2026.1.14'"
        ) from error
    if not getattr(getattr(imagecodecs, part.upper(), None), "available", False):
        raise CodecUnavailable(
            f"{codec}: this build of imagecodecs has no {part}: pip install --upgrade imagecodecs"
        )
    library = getattr(imagecodecs, f"{part}_version")().replace("_", "-")
    # The version of imagecodecs matters too: its wheel determines what the library uses, like libavif's
    # encoder.
    return imagecodecs, f"{library} (imagecodecs {imagecodecs.__version__})"


def load_pillow(codec: str, feature: str) -> tuple[ModuleType, str]:
    """Import ``PIL.Image``.

    Parameters
    ----------
    codec : name in the message of an error
    feature : the feature of Pillow that is needed, ``"jpg_2000"`` for example

    Returns
    -------
    ``PIL.Image``, and the version of the library behind ``feature``.

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
    """Turn any exception of a library about a bitstream into :class:`BadBitstream`.

    A ``MemoryError`` is passed on, because it says nothing about the bitstream.
    """
    try:
        yield
    except (BenchError, MemoryError):
        raise
    except Exception as error:
        raise BadBitstream(f"{codec}: {type(error).__name__}: {error}") from error


def as_image(
    codec: str, decoded: Any, channels: Sequence[Channels] = ("rgb",), *, deep: bool = False
) -> Samples:
    """The decoded image as a C-contiguous array; ``uint8``, (height, width, 3), if nothing else is said.

    Parameters
    ----------
    codec : name in the message of an error
    decoded : what a library returned
    channels : those that the codec declares
    deep : whether it declares more than 8 bits, so that samples may be ``uint16``

    Raises
    ------
    BadBitstream
        It is something else: of a form that the codec does not declare, or of several frames.
    """
    image = np.ascontiguousarray(decoded)
    found = _FORMS.get(image.shape[2:]) if image.ndim > 1 else None
    if found not in channels or not (image.dtype == np.uint8 or (deep and image.dtype == np.uint16)):
        expected = "8-bit RGB" if not deep and tuple(channels) == ("rgb",) else "a picture that it codes"
        raise BadBitstream(f"{codec}: the bitstream holds {image.dtype} {image.shape}, not {expected}")
    return image
