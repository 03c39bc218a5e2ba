"""Codecs that break the contract in one way each, for the tests of the conformance kit."""

from __future__ import annotations

import os
import signal
import time
from typing import ClassVar

import numpy as np

from bench.errors import BadBitstream


class Raw:
    """An honest codec: the samples themselves, or a multiple of the step nearest to them."""

    name = "raw"
    version = "1"
    lossless = True
    qualities: tuple[float, ...] = ()
    quality_range: tuple[float, float] | None = None

    def encode(self, image, quality):
        if self.quality_range is not None:
            if quality is None or not self.quality_range[0] <= quality <= self.quality_range[1]:
                raise ValueError(f"quality {quality}")
            step = int(33 - quality)
            image = np.clip(np.rint(image / step) * step, 0, 255).astype(np.uint8)
        height, width, _ = image.shape
        return width.to_bytes(2, "big") + height.to_bytes(2, "big") + image.tobytes()

    def decode(self, bitstream):
        width, height = int.from_bytes(bitstream[:2], "big"), int.from_bytes(bitstream[2:4], "big")
        if not width * height or len(bitstream) != 4 + 3 * width * height:
            raise BadBitstream("raw: not the size it claims")
        return np.frombuffer(bitstream, np.uint8, offset=4).reshape(height, width, 3)


class RawLossy(Raw):
    """Honest and lossy."""

    lossless = False
    qualities = (1.0, 16.0, 31.0)
    quality_range = (1.0, 32.0)


class SwapsChannels(RawLossy):
    def decode(self, bitstream):
        return super().decode(bitstream)[..., ::-1]


class WrapsAround(RawLossy):
    """What leaves the range comes out at its other end."""

    def encode(self, image, quality):
        return super().encode(np.where(image == 255, 0, image).astype(np.uint8), quality)


class WrongShape(RawLossy):
    def decode(self, bitstream):
        return super().decode(bitstream).transpose(1, 0, 2)


class FalseLossless(Raw):
    def encode(self, image, quality):
        return super().encode(image & 0xFE, quality)


class ReturnsCachedOriginal(Raw):
    def encode(self, image, quality):
        self._cached = image.copy()
        return b"nothing"

    def decode(self, bitstream):
        return self._cached


class ReturnsOriginalCachedInClass(Raw):
    kept: ClassVar[dict[bytes, np.ndarray]] = {}

    def encode(self, image, quality):
        key = len(self.kept).to_bytes(4, "big")
        for known, kept in self.kept.items():
            if np.array_equal(kept, image):
                key = known
        self.kept[key] = image.copy()
        return key

    def decode(self, bitstream):
        return self.kept[bitstream]


class MutatesInput(Raw):
    def encode(self, image, quality):
        bitstream = super().encode(image, quality)
        if image.flags.writeable:
            image ^= 1
        return bitstream


class ClipsQuality(RawLossy):
    def encode(self, image, quality):
        return super().encode(image, float(np.clip(np.nan_to_num(quality), *self.quality_range)))


class QualityUpsideDown(RawLossy):
    def encode(self, image, quality):
        if quality is not None and 1 <= quality <= 32:
            quality = 33 - quality
        return super().encode(image, quality)


class Random(Raw):
    def encode(self, image, quality):
        return super().encode(image, quality) + os.urandom(4)

    def decode(self, bitstream):
        return super().decode(bitstream[:-4])


class Crashes(Raw):
    def decode(self, bitstream):
        try:
            return super().decode(bitstream)
        except BadBitstream:
            os.kill(os.getpid(), signal.SIGSEGV)


class Hangs(Raw):
    def decode(self, bitstream):
        try:
            return super().decode(bitstream)
        except BadBitstream:
            time.sleep(3600)


class AllocatesWhatItIsTold(Raw):
    def decode(self, bitstream):
        try:
            return super().decode(bitstream)
        except BadBitstream:
            return np.zeros(1 << 36, np.uint8)


class SpeaksInBytearrays(Raw):
    def encode(self, image, quality):
        return bytearray(super().encode(image, quality))


class UntypedOption(Raw):
    def __init__(self, *, effort=4):
        self.effort = effort
