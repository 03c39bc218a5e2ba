"""Encoding a picture that lies in a file: the scorer reads it, the encoder gets the samples alone."""

from __future__ import annotations

from pathlib import Path

from bench.engines.engine import Slot
from bench.engines.messages import Encode, Encoded, Explain, Explained, Failed
from bench.trials.codec_ref import CodecRef
from bench.trials.plan import CodecPlan


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
