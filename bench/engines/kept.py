"""Kept bitstreams -> the pixels that were measured."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path

from bench.codec import Samples
from bench.engines.engine import Slot, Task
from bench.engines.messages import Decode, Failed
from bench.files.access import MAX_BITSTREAM, read_regular
from bench.trials.plan import CodecPlan


@dataclass(frozen=True)
class KeptBitstream:
    """A bitstream that a run kept, and what it must decode to."""

    path: Path
    """Named by the SHA-256 of its bytes."""
    codec: CodecPlan
    pixels_sha256: str
    depth: int = 8
    """Bits of a sample of these."""
    image: Hashable = None
    """What is the same for neighbours that are decoded by one process, one after the other."""


class Undecodable(Exception):
    """A kept bitstream that does not give the pixels that were measured."""


class DecoderAbsent(Undecodable):
    """The codec, or the GPU that it ran on, is not here; its one argument says what is missing."""

    def __str__(self) -> str:
        return f"decoding failed: {self.args[0]}"


@dataclass(frozen=True)
class DecodeKept(Task[KeptBitstream, tuple[KeptBitstream, Samples | Undecodable]]):
    """Each bitstream with its picture, or why there is none."""

    def __call__(self, work: KeptBitstream, slot: Slot) -> tuple[KeptBitstream, Samples | Undecodable]:
        """Decode one bitstream in a worker of ``slot``."""
        try:
            return work, decoded(work, slot)
        except Undecodable as error:
            return work, error


def read_kept(path: Path) -> bytes:
    """A bitstream that a run kept.

    Parameters
    ----------
    path : named by the SHA-256 of the bytes

    Raises
    ------
    Undecodable
        The file is missing or damaged.
    """
    try:
        bitstream = read_regular(path, MAX_BITSTREAM)
    except OSError as error:
        raise Undecodable(f"the bitstream can't be read ({error.strerror})") from error
    if hashlib.sha256(bitstream).hexdigest() != path.name:
        raise Undecodable("the kept bitstream is damaged (its SHA-256 differs)")
    return bitstream


def decoded(kept: KeptBitstream, slot: Slot) -> Samples:
    """The pixels of a kept bitstream, in the form that was measured.

    Raises
    ------
    Undecodable
        The file is missing or damaged, does not decode, or gives other pixels.
    DecoderAbsent
        The codec, or the GPU that it ran on, is not here.
    """
    bitstream = read_kept(slot.file(kept.path, kept.path.name))
    return decoded_again(bitstream, kept.codec, kept.pixels_sha256, slot)


def decoded_again(bitstream: bytes, codec: CodecPlan, pixels_sha256: str, slot: Slot) -> Samples:
    """The pixels of a bitstream, which have to be the measured ones; errors are those of :func:`decoded`."""
    answer = slot.decoder.ask(Decode(codec.decoder_ref, bitstream, digest=False))
    if isinstance(answer, Failed):
        if answer.status == "unsupported":
            raise DecoderAbsent(answer.message)
        raise Undecodable(f"decoding failed: {answer.message}")
    try:
        pixels = slot.decoder.samples(answer.shape, answer.dtype)
    except EOFError as error:
        raise Undecodable(f"decoding failed: {error}") from error
    if hashlib.sha256(pixels.tobytes()).hexdigest() != pixels_sha256:
        raise Undecodable("the decoded pixels differ from the measured ones (SHA-256)")
    return pixels
