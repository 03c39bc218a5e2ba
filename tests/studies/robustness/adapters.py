"""Codecs that take damage in different ways; used as file targets."""

from __future__ import annotations

import os
import signal
import time
import zlib
from pathlib import Path

import numpy as np


class Careless:
    """Raw samples behind a size of two bytes each: wrong samples are passed on without a word."""

    name = "Careless"
    version = "1"
    lossless = False
    qualities = (4.0, 8.0)
    quality_range = (1.0, 8.0)

    def __init_subclass__(cls):
        cls.name = cls.__name__

    def encode(self, image, quality):
        height, width = image.shape[:2]
        kept = (image >> (8 - int(quality))) << (8 - int(quality))
        data = width.to_bytes(2, "big") + height.to_bytes(2, "big") + kept.tobytes()
        return data + zlib.crc32(data).to_bytes(4, "big")

    def decode(self, bitstream):
        width, height = int.from_bytes(bitstream[:2], "big"), int.from_bytes(bitstream[2:4], "big")
        size = height * width * 3
        samples = bitstream[4 : 4 + size]
        if len(samples) < size:
            self.damaged()
        return np.frombuffer(samples, np.uint8).reshape(height, width, 3)

    def damaged(self):
        raise EOFError("too short")


class Careful(Careless):
    """Checks its sum."""

    def decode(self, bitstream):
        if zlib.crc32(bitstream[:-4]).to_bytes(4, "big") != bitstream[-4:]:
            self.damaged()
        return super().decode(bitstream)

    def damaged(self):
        from bench.errors import BadBitstream

        raise BadBitstream("the check sum differs")


class Fragile(Careful):
    """Dies of damage."""

    def damaged(self):
        os.kill(os.getpid(), signal.SIGSEGV)


class Stuck(Careful):
    """Never comes back from damage."""

    def damaged(self):
        time.sleep(3600)


class Padded(Careless):
    """Ends in 200 000 bytes that no one reads."""

    def encode(self, image, quality):
        return super().encode(image, quality) + bytes(200_000)


class Deepening(Careful):
    """Takes wrong samples for those of a picture of 16 bits."""

    depths = (8, 16)

    def decode(self, bitstream):
        whole = zlib.crc32(bitstream[:-4]).to_bytes(4, "big") == bitstream[-4:]
        pixels = Careless.decode(self, bitstream)
        return pixels if whole else pixels.astype(np.uint16)


class Fainthearted(Careless):
    """Refuses pictures that have a grey block."""

    def encode(self, image, quality):
        if (image == 128).all(axis=2).sum() > 200:
            raise ValueError("a grey block")
        return super().encode(image, quality)


class Drifting(Careless):
    """Encodes differently every time."""

    def encode(self, image, quality):
        return super().encode(image, quality) + os.urandom(4)


class Moody(Careless):
    """Decodes as a file beside it says, which is no part of its version."""

    def decode(self, bitstream):
        mood = Path(__file__).with_name("mood")
        if not mood.exists():
            return super().decode(bitstream)
        if mood.read_text() == "refuse":
            raise ValueError("not today")
        return 255 - super().decode(bitstream)
