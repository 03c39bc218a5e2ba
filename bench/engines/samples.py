"""Decoded samples on their way from the process that decodes to the one that scores.

They go through a file in memory, not through the connection: a picture is copied twice instead of six
times, and the parent never touches it. The encoder's worker can only read it, so that nothing but the
bitstream reaches the decoder.
"""

from __future__ import annotations

import os
import tempfile

import numpy as np

from bench.codec import Image


class SampleFile:
    """The parent's handle; ``writable`` and ``readable`` are descriptors to hand to workers."""

    def __init__(self) -> None:
        if hasattr(os, "memfd_create"):
            self.writable = os.memfd_create("rdbench-samples")
            self.readable = os.open(f"/proc/self/fd/{self.writable}", os.O_RDONLY | os.O_CLOEXEC)
        else:
            with tempfile.NamedTemporaryFile() as file:
                self.writable = os.dup(file.fileno())
                self.readable = os.open(file.name, os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """Give the memory back."""
        os.close(self.writable)
        os.close(self.readable)


def write_samples(descriptor: int, pixels: Image) -> None:
    """Replace the file's contents by the samples of a C-contiguous picture."""
    left = pixels.reshape(-1).data
    os.ftruncate(descriptor, left.nbytes)
    offset = 0
    while left.nbytes:
        written = os.pwrite(descriptor, left, offset)
        left, offset = left[written:], offset + written


def read_samples(descriptor: int, shape: tuple[int, ...]) -> Image:
    """The file's contents as a picture; ``EOFError`` where they are fewer samples than the shape's."""
    pixels = np.empty(shape, np.uint8)
    left = pixels.reshape(-1).data
    offset = 0
    while left.nbytes:
        read = os.preadv(descriptor, [left], offset)
        if not read:
            raise EOFError("fewer samples than announced")
        left, offset = left[read:], offset + read
    return pixels
