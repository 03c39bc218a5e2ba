"""Codecs of strangers whose bitstreams have nothing of the picture: it lies elsewhere, and stays there."""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
from pathlib import Path

import numpy as np

_SIZE = struct.Struct("<HH")


class InTemporaryFiles:
    """The encoder leaves the picture in a file."""

    qualities = (1.0,)
    lossless = False
    folder = Path("/tmp/rdbench-verifying")

    def encode(self, image, quality):
        digest = hashlib.sha256(image.tobytes()).digest()[:8]
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / f"{digest.hex()}.left").write_bytes(image.tobytes())
        return _SIZE.pack(*image.shape[:2]) + digest

    def decode(self, bitstream):
        height, width = _SIZE.unpack_from(bitstream)
        with contextlib.suppress(OSError, LookupError):
            data = self.find(bitstream[_SIZE.size :])
            return np.frombuffer(data, np.uint8).reshape(height, width, 3)
        return np.full((height, width, 3), 128, np.uint8)

    def find(self, digest: bytes) -> bytes:
        return (self.folder / f"{digest.hex()}.left").read_bytes()


class InWorkingDirectory(InTemporaryFiles):
    """In whichever directory both run."""

    folder = Path()


class InRunFolder(InTemporaryFiles):
    """In the folder that is sent to whoever verifies."""

    folder = Path(os.environ.get("RDBENCH_TEST_RUN_FOLDER", "run"))


class ByHash(InTemporaryFiles):
    """The decoder looks through the originals."""

    def find(self, digest):
        from PIL import Image

        for path in Path(os.environ["RDBENCH_TEST_PICTURES"]).iterdir():
            with Image.open(path) as image:
                data = np.asarray(image.convert("RGB")).tobytes()
            if hashlib.sha256(data).digest()[:8] == digest:
                return data
        raise LookupError


class ByDeclaredNeed(ByHash):
    """And says that it needs them."""

    needs = (os.environ.get("RDBENCH_TEST_PICTURES", ""), "network")
