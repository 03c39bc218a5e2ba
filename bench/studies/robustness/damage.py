"""Damage to a bitstream before it is decoded: flipped bits and lost ends."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np


def flip_bits(bitstream: bytes, random: np.random.Generator, count: int) -> bytes:
    """``count`` different bits, anywhere in the bitstream, are inverted."""
    data = np.frombuffer(bitstream, np.uint8).copy()
    places = random.choice(8 * data.size, min(count, 8 * data.size), replace=False)
    # Not `data[places // 8] ^= …`, which would lose one of two flips in the same byte.
    np.bitwise_xor.at(data, places // 8, (1 << (places % 8)).astype(np.uint8))
    return data.tobytes()


def truncate(bitstream: bytes, random: np.random.Generator, percent: int) -> bytes:
    """The first ``percent`` of the bytes; at least one byte is lost."""
    del random  # nothing here is by chance
    return bitstream[: min(len(bitstream) - 1, len(bitstream) * percent // 100)]


FLIPS: dict[str, Callable[[bytes, np.random.Generator], bytes]] = {
    f"flip{count}": partial(flip_bits, count=count) for count in (1, 4, 16)
}
TRUNCATIONS: dict[str, Callable[[bytes, np.random.Generator], bytes]] = {
    f"keep{percent}": partial(truncate, percent=percent) for percent in (99, 90, 50)
}
DAMAGES = FLIPS | TRUNCATIONS
"""By name: the number of bits flipped, or the percentage of bytes kept."""
