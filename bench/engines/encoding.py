"""Encoding a picture that lies in a file: the scorer reads it, the encoder gets the samples alone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.engines.engine import Slot
from bench.engines.messages import Encode, Encoded, Explain, Explained, Failed
from bench.engines.shared_pixels import Original, SharedPixels, read_samples, type_of, write_samples
from bench.trials.codec_ref import CodecRef
from bench.trials.plan import CodecPlan

_GRID = 16
"""Pixels by multiples of which a picture is moved: the blocks of a codec stay where they were."""


def encoded(
    slot: Slot, image: Path, codec: CodecPlan, quality: float | None, sha256: str | None = None
) -> Encoded | Failed:
    """The bitstream of a picture, in the form in which the codec takes it.

    Parameters
    ----------
    sha256 : of the file's bytes; another file is refused
    """
    original = slot.original(image, sha256, codec.accepted)
    if isinstance(original, Failed):
        return original
    request = Encode(codec.ref, quality, original.shape, original.number, depth=original.depth)
    return slot.encoder.ask(request, original.pixels)


def explained(
    slot: Slot, image: Path, codec: CodecRef, quality: float | None, sha256: str | None = None
) -> Explained | Failed:
    """Where the bits of a picture's bitstream went, of 8-bit RGB; parameters as for :func:`encoded`."""
    original = slot.original(image, sha256)
    if isinstance(original, Failed):
        return original
    return slot.encoder.ask(Explain(codec, quality, original.shape), original.pixels)


def moves(original: Original, count: int) -> list[tuple[int, int]]:
    """Rows and columns to move a picture by, drawn so that nobody can know them, no two alike.

    They are whole blocks where the picture has enough of those.
    """
    sides = original.shape[:2]
    grid = _GRID if (sides[0] // _GRID) * (sides[1] // _GRID) > count else 1
    height, width = (it // grid for it in sides)
    others = range(1, height * width)
    places = random.SystemRandom().sample(others, min(count, len(others)))
    return [(grid * (it // width), grid * (it % width)) for it in places]


@contextmanager
def moved(original: Original, place: tuple[int, int]) -> Iterator[Original]:
    """A picture, moved by rows and columns: what leaves it on one side comes in on the other."""
    import numpy as np

    samples = read_samples(original.pixels.readable, original.shape, type_of(original.depth))
    pixels = SharedPixels()
    try:
        write_samples(pixels.writable, np.ascontiguousarray(np.roll(samples, place, axis=(0, 1))))
        pixels.seal()
        yield Original(original.image, None, original.shape, original.treatment, pixels, original.depth)
    finally:
        pixels.close()
