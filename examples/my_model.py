"""A PyTorch model of your own as a codec: ``rdbench run --codec examples/my_model.py:MyModel``.

The model that stands in for yours is CompressAI's: pip install "rdbench[zoo]".
"""

import hashlib
import struct
from pathlib import Path

import numpy as np


class MyModel:
    name, version, lossless = "my-model", "1", False
    qualities, quality_range = (1.0,), (1.0, 1.0)

    def __init__(self, *, weights: str = "") -> None:
        import torch
        from compressai.models import FactorizedPrior  # put your own module here

        torch.manual_seed(0)
        self.net = FactorizedPrior(64, 96).eval()
        if weights:
            self.net.load_state_dict(torch.load(weights, weights_only=True))
            # part of every trial's key: other weights are measured anew
            self.weights_sha256 = hashlib.sha256(Path(weights).read_bytes()).hexdigest()
        self.net.update(force=True)
        self.tensor, self.no_grad = torch.tensor, torch.no_grad

    def encode(self, image, quality):
        height, width = image.shape[:2]
        padded = np.pad(image, ((0, -height % 64), (0, -width % 64), (0, 0)), "edge")
        with self.no_grad():
            out = self.net.compress(self.tensor(padded).permute(2, 0, 1)[None] / 255)
        return struct.pack("<HH", height, width) + out["strings"][0][0]

    def decode(self, bitstream):
        height, width = struct.unpack_from("<HH", bitstream)
        with self.no_grad():
            x = self.net.decompress([[bitstream[4:]]], (-(-height // 64) * 4, -(-width // 64) * 4))["x_hat"]
        return (255 * x[0].clamp(0, 1)).round().byte().permute(1, 2, 0).numpy()[:height, :width].copy()
