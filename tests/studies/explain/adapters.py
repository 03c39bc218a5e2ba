"""Adapters for tests of `rdbench explain`: what may become of an explanation."""

from __future__ import annotations

import os
import signal

import numpy as np

from bench.errors import CodecUnavailable, Unsupported
from bench.explanation import BitGrid, Explanation
from tests.adapters import Honest

_HEADER_BITS = 40


class Plain(Honest):
    """Says nothing of its bits."""


class Explains(Honest):
    """Every bit at its place, so to say: evenly over four cells."""

    share = 1.0

    def explain(self, image, quality, bitstream):
        payload = 8 * len(bitstream) - _HEADER_BITS
        bits = np.full((2, 2), self.share * payload / 4)
        cell = (-(-image.shape[0] // 2), -(-image.shape[1] // 2))
        return Explanation("exact", (BitGrid("quarters", bits, cell),), {"header": _HEADER_BITS})


class Exaggerates(Explains):
    """A map with 5% more bits than there are."""

    share = 1.05


class Negative(Explains):
    share = -1.0


class Declines(Honest):
    """Can't explain this bitstream, and says why."""

    def explain(self, image, quality, bitstream):
        raise Unsupported("the tables are secret")


class RateTarget(Honest):
    """As many bytes as quality asks for, whatever the picture."""

    def encode(self, image, quality):
        return super().encode(image, quality).ljust(1000 * int(quality), b"\0")[: 1000 * int(quality)]


class Dies(Honest):
    def explain(self, image, quality, bitstream):
        os.kill(os.getpid(), signal.SIGSEGV)


class Raises(Honest):
    def explain(self, image, quality, bitstream):
        raise ValueError("no such luck")


class Absent(Honest):
    def __init__(self):
        raise CodecUnavailable("absent needs libmissing: pip install libmissing")
