"""Codecs whose generations can be told in advance: the bitstream is the picture, and decoders change it."""

from __future__ import annotations

import numpy as np


def _packed(image: np.ndarray) -> bytes:
    return image.shape[1].to_bytes(4, "big") + image.tobytes()


def _unpacked(bitstream: bytes) -> np.ndarray:
    width = int.from_bytes(bitstream[:4], "big")
    return np.frombuffer(bitstream[4:], np.uint8).reshape(-1, width, 3).copy()


class Exact:
    """Gives every picture back."""

    lossless, version = True, "1"

    def encode(self, image: np.ndarray) -> bytes:
        return _packed(image)

    def decode(self, bitstream: bytes) -> np.ndarray:
        return _unpacked(bitstream)


class Coarse(Exact):
    """Loses the low bits once: what came out is given back from then on."""

    lossless = False

    def decode(self, bitstream: bytes) -> np.ndarray:
        return _unpacked(bitstream) & 0xF0


class Darker(Exact):
    """Takes a level from every sample, in every generation."""

    lossless = False

    def decode(self, bitstream: bytes) -> np.ndarray:
        return _unpacked(bitstream) - 1


class Inverted(Exact):
    """Gives the negative, so that the third bitstream is the first."""

    lossless = False

    def decode(self, bitstream: bytes) -> np.ndarray:
        return 255 - _unpacked(bitstream)


class Weary(Darker):
    """Refuses the third generation of a picture that is at 100."""

    def encode(self, image: np.ndarray) -> bytes:
        if image.max() < 99:
            raise ValueError("too dark")
        return super().encode(image)
