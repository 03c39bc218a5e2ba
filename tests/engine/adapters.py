"""Adapters for tests of memory and of what a learned codec says of itself."""

from __future__ import annotations

import os

import numpy as np

from tests.adapters import Honest


class TorchEatsMemory(Honest):
    def encode(self, image, quality):
        import torch

        return bytes(torch.empty(1 << 46, dtype=torch.uint8)[:4].numpy())


class AbortsForMemory(Honest):
    """Dies as a C++ library does whose allocation fails."""

    def encode(self, image, quality):
        os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n")
        os.abort()


class NoComplexity(Honest):
    def complexity(self):
        raise RuntimeError("not counted")


class Learned(Honest):
    """Says that it has weights; decodes quality 6 with half a gibibyte, and others with none."""

    weights_sha256 = "0" * 64

    def decode(self, bitstream):
        if bitstream[4] == 6:
            np.ones(1 << 29, np.uint8)
        return super().decode(bitstream)
