"""Adapters for tests of the harness: one honest, the others sabotaged in one way each.

Used as file targets (``tests/adapters.py:Honest``), as a user would try a codec of his own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zlib

import numpy as np

HEADER = 4


class Honest:
    """A lossy codec: fewer bits a sample, deflated."""

    name = "Honest"
    version = "1"
    lossless = False
    qualities = (2.0, 4.0, 6.0)
    quality_range = (1.0, 8.0)

    def __init_subclass__(cls):
        cls.name = cls.__name__

    def encode(self, image, quality):
        height, width = image.shape[:2]
        kept = image >> (8 - int(quality))
        header = width.to_bytes(2, "big") + height.to_bytes(2, "big") + bytes([int(quality)])
        return header + zlib.compress(kept.tobytes())

    def decode(self, bitstream):
        width, height = int.from_bytes(bitstream[:2], "big"), int.from_bytes(bitstream[2:4], "big")
        shift = 8 - bitstream[4]
        kept = np.frombuffer(zlib.decompress(bitstream[5:]), np.uint8).reshape(height, width, 3)
        return (kept << shift) + ((1 << shift) >> 1)


class HonestLossless(Honest):
    """Every bit kept."""

    lossless = True
    qualities = ()
    quality_range = None

    def encode(self, image, quality):
        return super().encode(image, 8)


class Segfault(Honest):
    """Dies of a signal while decoding, after a word on standard error."""

    def decode(self, bitstream):
        os.write(2, b"about to fall over\n")
        os.kill(os.getpid(), signal.SIGSEGV)


class Hang(Honest):
    """Never returns, and leaves a child behind that hangs as well."""

    def encode(self, image, quality):
        subprocess.Popen(["sleep", "3600"])
        while True:
            time.sleep(0.01)


class Raises(Honest):
    def encode(self, image, quality):
        print("printed by the codec", file=sys.stderr)
        raise ValueError("no such luck")


class Exits(Honest):
    def decode(self, bitstream):
        os._exit(7)


class SystemExits(Honest):
    def decode(self, bitstream):
        sys.exit("leaving")


class EatsMemory(Honest):
    def encode(self, image, quality):
        hoard = []
        while True:
            hoard.append(np.ones(1 << 27, np.uint8))


class WrongShape(Honest):
    def decode(self, bitstream):
        return super().decode(bitstream)[:-1]


class WrongType(Honest):
    def decode(self, bitstream):
        return super().decode(bitstream).astype(np.float32)


class ChannelSwap(Honest):
    def decode(self, bitstream):
        return super().decode(bitstream)[..., ::-1]


class FalseLossless(HonestLossless):
    def decode(self, bitstream):
        decoded = super().decode(bitstream).copy()
        decoded[0, 0, 0] ^= 1
        return decoded


class CachedOriginal(Honest):
    """Writes nothing and returns what the encoder left in memory."""

    cache = None

    def encode(self, image, quality):
        type(self).cache = image
        return b"tiny"

    def decode(self, bitstream):
        return type(self).cache


class NotBytes(Honest):
    def encode(self, image, quality):
        return bytearray(super().encode(image, quality))


class WritesIntoImage(Honest):
    def encode(self, image, quality):
        image[:] = 0
        return super().encode(image, quality)


class Slow(Honest):
    """Slow enough to be interrupted."""

    def encode(self, image, quality):
        time.sleep(0.03)
        return super().encode(image, quality)


class Unavailable(Honest):
    def __init__(self):
        from bench.errors import CodecUnavailable

        raise CodecUnavailable("unavailable needs libmissing: pip install libmissing")
