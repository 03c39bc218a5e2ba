"""Adapters for tests of memory and of what a learned codec says of itself."""

from __future__ import annotations

import os

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
