"""Samples of pictures on their way between processes: through files in memory, not through a connection.

The scorer writes an original into one that is then sealed: from there on nobody can change it, whatever
descriptor or path he opens it by. A decoder has a file of its own to write to; the scorer takes a copy and
scores that.
"""

from __future__ import annotations

import fcntl
import itertools
import math
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from bench.codec import Samples
from bench.inputs.pixels import RGB8, Accepted

SampleType = Literal["uint8", "uint16"]
"""Of 8-bit samples, and of deeper ones."""
_SEALS = ("F_SEAL_WRITE", "F_SEAL_SHRINK", "F_SEAL_GROW", "F_SEAL_SEAL")


class SharedPixels:
    """The parent's handle of a file; ``writable`` and ``readable`` are descriptors to hand to workers."""

    def __init__(self) -> None:
        if hasattr(os, "memfd_create"):
            self.writable = os.memfd_create("rdbench-samples", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            self.readable = os.open(f"/proc/self/fd/{self.writable}", os.O_RDONLY | os.O_CLOEXEC)
        else:
            with tempfile.NamedTemporaryFile() as file:
                self.writable = os.dup(file.fileno())
                self.readable = os.open(file.name, os.O_RDONLY | os.O_CLOEXEC)

    def seal(self) -> None:
        """Make the contents final, where the system can: no process can write to them any more."""
        if hasattr(os, "memfd_create"):
            fcntl.fcntl(self.writable, fcntl.F_ADD_SEALS, sum(getattr(fcntl, it) for it in _SEALS))

    def close(self) -> None:
        """Give the memory back."""
        os.close(self.writable)
        os.close(self.readable)


_numbers = itertools.count()


@dataclass(frozen=True)
class Original:
    """A picture that was read and cannot change any more."""

    image: Path
    sha256: str | None
    """Of the file's bytes, where it was to be a certain file."""
    shape: tuple[int, ...]
    treatment: str
    """What reading it changed or left unused; empty for 8-bit RGB."""
    pixels: SharedPixels
    depth: int = 8
    accepted: Accepted = RGB8
    """The forms in which the codec takes it that it was read for."""
    number: int = field(default_factory=lambda: next(_numbers))
    """Of the pictures that this process has read."""


def write_samples(descriptor: int, pixels: Samples) -> None:
    """Replace the contents of a file by the samples of a picture.

    Parameters
    ----------
    pixels : uint8 or uint16 of any shape, C-contiguous
    """
    left = _bytes(pixels)
    os.ftruncate(descriptor, left.nbytes)
    offset = 0
    while left.nbytes:
        written = os.pwrite(descriptor, left, offset)
        left, offset = left[written:], offset + written


def read_samples(descriptor: int, shape: tuple[int, ...], dtype: SampleType = "uint8") -> Samples:
    """A copy of a file's contents as samples of this shape and type.

    Raises
    ------
    EOFError
        The file does not hold as many samples.
    """
    if os.fstat(descriptor).st_size != math.prod(shape) * np.dtype(dtype).itemsize:
        raise EOFError(f"samples of shape {shape} are announced, and not as many written")
    pixels = np.empty(shape, dtype)
    left = _bytes(pixels)
    offset = 0
    while left.nbytes:
        read = os.preadv(descriptor, [left], offset)
        if not read:
            raise EOFError("fewer samples than announced")
        left, offset = left[read:], offset + read
    return pixels


def type_of(depth: int) -> SampleType:
    """The type of samples of ``depth`` bits."""
    return "uint8" if depth == 8 else "uint16"


def _bytes(pixels: Samples) -> memoryview:
    return pixels.reshape(-1).view(np.uint8).data
