"""The adapter: a learned codec behind the contract of a codec."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from bench.codec import Image
from bench.errors import CodecUnavailable, Unsupported

from . import container
from .levels import LEVELS, quality_to_code

ADAPTER_VERSION = 1


class Vae:
    """A variational autoencoder with a hyperprior; one set of weights covers qualities 1 to 6.

    Parameters
    ----------
    weights
        A file written by ``rdbench train … --export``; empty for the shipped one.
    device
        Where the networks run. The entropy parameters are the same to the bit on all of them.
    rdoq
        Strength of the rate–distortion optimised quantisation; chosen on CID22-validation.
    """

    name = "vae"
    lossless = False
    qualities: tuple[float, ...] = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
    quality_range: tuple[float, float] | None = (1.0, float(LEVELS))

    def __init__(
        self, *, weights: str = "", device: Literal["auto", "cpu", "cuda"] = "cpu", rdoq: float = 0.16
    ) -> None:
        try:
            import torch
            from safetensors import safe_open  # noqa: F401  # both belong to the same extra
        except ImportError as error:
            raise CodecUnavailable(
                'vae needs torch and safetensors: pip install "rdbench[learned]"'
            ) from error
        from .entropy import TileCoder
        from .weights import load_weights, shipped_weights

        if device == "cuda" and not torch.cuda.is_available():
            raise CodecUnavailable("vae: device=cuda but torch sees no CUDA device: use device=cpu")
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        package = load_weights(Path(weights) if weights else shipped_weights(), device)
        self._model = package.model
        self._coder = TileCoder(package.model, package.tables)
        self._identity = bytes.fromhex(package.sha256[:8])
        self._device = device
        self._rdoq = rdoq
        self.weights_sha256 = package.sha256
        self.version = f"{ADAPTER_VERSION}+format {container.FORMAT_VERSION}, torch {torch.__version__}"

    def encode(self, image: Image, quality: float | None) -> bytes:
        """Compress; ``quality`` from 1 to 6, taken to the nearest 1/32.

        Raises
        ------
        bench.errors.Unsupported
            The quality is out of range, or the picture is larger than the format allows.
        """
        import torch

        from .tiling import analyse_window, windows

        if quality is None or not 1.0 <= quality <= LEVELS:
            raise Unsupported(f"vae: quality {quality} is not in 1 to {LEVELS}")
        height, width = image.shape[:2]
        container.check_size(width, height)
        code = quality_to_code(quality)
        codes = torch.tensor([code], device=self._device)
        tiles = []
        with torch.no_grad():
            for window in windows(height, width):
                latents = analyse_window(self._model, image, window, codes)
                tiles.append(self._coder.encode(latents, code, self._rdoq))
        grey = bool((image == image[..., :1]).all())
        return container.write(container.Header(self._identity, code, width, height, grey), tiles)

    def decode(self, bitstream: bytes) -> Image:
        """Reconstruct, uint8 (height, width, 3).

        Raises
        ------
        bench.errors.BadBitstream
            The bitstream is damaged, truncated, or made with other weights.
        """
        import torch

        from .model import PATCH
        from .tiling import synthesise_windows, windows

        header, payloads = container.read(bytes(bitstream), self._identity)
        size = (header.height, header.width)
        tiles = [
            self._coder.decode(
                payload, checksum, (window.height // PATCH, window.width // PATCH), header.code
            )
            for (payload, checksum), window in zip(payloads, windows(*size), strict=True)
        ]
        with torch.no_grad():
            codes = torch.tensor([header.code], device=self._device)
            picture: Image = np.ascontiguousarray(synthesise_windows(self._model, tiles, size, codes))
        if header.grey:
            mean = picture.mean(2, keepdims=True, dtype=np.float32).round()
            picture = np.repeat(mean.astype(np.uint8), 3, axis=2)
        return picture

    def complexity(self) -> dict[str, float]:
        """Parameters, bytes of weights, and thousands of multiply–accumulates per pixel of both sides."""
        from .complexity import count

        return count(self._model)
