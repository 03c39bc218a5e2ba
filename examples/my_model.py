"""A PyTorch model of your own as a codec, with one checkpoint for each λ.

``rdbench run -c 'examples/my_model.py:MyModel:checkpoint=runs/{quality}.pth'``; my_network.py stands for your
own network, and needs pip install "rdbench[zoo]" for its entropy coder.
"""

import struct
from typing import Literal

import numpy as np

from bench.checkpoints import checkpoints_of, sha256_of
from bench.complexity import kmac_per_pixel

PATCH = 64  # what the sides of a picture are padded to a multiple of
HYPER = 32  # pixels of a hyper-latent


class MyModel:
    name, version, lossless = "my-model", "1", False

    def __init__(self, *, checkpoint: str = "", device: Literal["cpu", "cuda"] = "cpu") -> None:
        import torch

        self.torch, self.device, self.networks = torch, device, {}
        self.files = checkpoints_of(checkpoint) if checkpoint else {}
        self.qualities = tuple(self.files) or (1.0,)
        self.quality_range = self.qualities[0], self.qualities[-1]
        # each in the keys of its own trials: a checkpoint that changes is measured anew, the others stay
        self.weights_sha256 = {quality: sha256_of(file) for quality, file in self.files.items()}

    def network(self, quality):
        if quality not in self.networks:
            from my_network import MyNetwork

            self.torch.manual_seed(0)
            network = MyNetwork()
            if self.files:
                saved = self.torch.load(self.files[quality], map_location="cpu", weights_only=True)
                state = saved.get("state_dict", saved)
                network.load_state_dict({name.removeprefix("module."): it for name, it in state.items()})
            network.eval().update(force=True)
            self.networks[quality] = network.to(self.device)
        return self.networks[quality]

    def tensor(self, image):
        padded = np.pad(image, ((0, -image.shape[0] % PATCH), (0, -image.shape[1] % PATCH), (0, 0)), "edge")
        return self.torch.from_numpy(padded).to(self.device).permute(2, 0, 1)[None] / 255

    def encode(self, image, quality):
        with self.torch.no_grad():
            (y,), (z,) = self.network(quality).compress(self.tensor(image))["strings"]
        return struct.pack("<dHHI", quality, *image.shape[:2], len(y)) + y + z

    def decode(self, bitstream):
        quality, height, width, size = struct.unpack_from("<dHHI", bitstream)
        payload = bitstream[struct.calcsize("<dHHI") :]
        shape = [-(-side // PATCH) * PATCH // HYPER for side in (height, width)]
        with self.torch.no_grad():
            x = self.network(quality).decompress([[payload[:size]], [payload[size:]]], shape)["x_hat"]
        x = (255 * x[0]).round().byte().permute(1, 2, 0)[:height, :width]
        return np.ascontiguousarray(x.cpu().numpy())

    def estimated_bits(self, image, quality):  # shown beside the bits that were written
        with self.torch.no_grad():
            likelihoods = self.network(quality)(self.tensor(image))["likelihoods"]
        return sum(-float(it.double().log2().sum()) for it in likelihoods.values())

    def complexity(self):
        middle = self.qualities[len(self.qualities) // 2]
        parameters = sum(it.numel() for it in self.network(middle).parameters())
        cost = {"parameters": parameters, "weight_bytes": 4 * parameters}
        return cost | kmac_per_pixel(self, np.zeros((512, 768, 3), np.uint8), middle)
