"""The adapter of the ``vae`` codec."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.codec import Image
from bench.errors import CodecUnavailable, ConfigError, Unsupported
from bench.explanation import Explanation
from bench_codecs._common.torch_device import torch_device, use_threads
from bench_codecs.vae import container
from bench_codecs.vae.levels import CODING_STRENGTH, LEVELS, quality_to_code

ADAPTER_VERSION = 2

Images: TypeAlias = NDArray[np.uint8]
"""(batch, height, width, 3)."""


class Vae:
    """A variational autoencoder with a hyperprior; one set of weights covers qualities 1 to 8.

    Parameters
    ----------
    weights : file written by ``rdbench train … --export``; empty for the shipped one
    device : where the networks run. The bitstreams are byte for byte the same on all devices. Decoded samples
        may differ by one level, since the synthesis is not in fixed point
    rdoq : strength of the rate–distortion optimised quantisation, 0 (plain rounding) to 1; the default was
        chosen on CID22-validation
    threads : of the networks on the CPU, in the whole process; 0 leaves torch's own number, 1 in a run
    """

    name = "vae"
    trusted_options = ("weights",)
    added_options = ("threads",)
    lossless = False
    qualities: tuple[float, ...] = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0)
    quality_range: tuple[float, float] | None = (1.0, float(LEVELS))

    def __init__(
        self,
        *,
        weights: str = "",
        device: Literal["auto", "cpu", "cuda"] = "cpu",
        rdoq: float = CODING_STRENGTH,
        threads: int = 0,
    ) -> None:
        if not 0.0 <= rdoq <= 1.0:
            raise ConfigError(f"vae: rdoq={rdoq} is not in 0 to 1")
        try:
            import torch
            from safetensors import safe_open  # noqa: F401  # both belong to the same extra
        except ImportError as error:
            raise CodecUnavailable(
                f'vae needs torch and safetensors ({error}): pip install "rdbench[learned]"'
            ) from error
        from bench_codecs.vae.entropy import TileCoder
        from bench_codecs.vae.weights import load_weights, shipped_weights

        use_threads(self.name, threads)
        self.device = torch_device(self.name, device)
        package = load_weights(Path(weights) if weights else shipped_weights(), self.device)
        self.model = package.model
        self.tables = package.tables
        self._coder = TileCoder(package.model, package.tables)
        self._identity = bytes.fromhex(package.sha256[:8])
        self._rdoq = rdoq
        levels = package.model.spec.levels
        self._max_code = quality_to_code(levels)
        self.qualities = tuple(it for it in self.qualities if it <= levels)
        self.quality_range = (1.0, float(levels))
        self._weight_bytes = package.bytes
        self._hours = float(package.meta.get("seconds", 0.0)) / 3600
        self.weights_sha256 = package.sha256
        self.version = f"{ADAPTER_VERSION}+format {container.FORMAT_VERSION}, torch {torch.__version__}"

    def encode(self, image: Image, quality: float | None) -> bytes:
        """Compress; ``quality`` from 1 to 8, taken to the nearest 1/32.

        Raises
        ------
        bench.errors.Unsupported
            The quality is out of range, or the image is larger than the format allows.
        """
        return self.encode_batch([image], quality)[0]

    def encode_batch(self, images: Sequence[Image], quality: float | None) -> list[bytes]:
        """Compress images of one size together; the bitstreams are those of :meth:`encode`, byte for byte.

        Raises
        ------
        bench.errors.Unsupported
            As :meth:`encode`, or the images differ in size.
        """
        import torch

        from bench_codecs.vae.tiling import Window, analyse_batch, side_by_side, windows

        levels = self.model.spec.levels
        if quality is None or not 1.0 <= quality <= levels:
            raise Unsupported(f"vae: quality {quality} is not in 1 to {levels}")
        if len({image.shape for image in images}) > 1:
            raise Unsupported("vae: the pictures of a batch have one size")
        if not images:
            return []
        height, width = images[0].shape[:2]
        container.check_size(width, height)
        code = quality_to_code(quality)
        codes = torch.tensor([code], device=self.device)
        together = np.stack(images) if len(images) > 1 else images[0][None]
        grid = list(windows(height, width))

        def encode(window: Window) -> list[tuple[bytes, int]]:
            latents = analyse_batch(self.model, together, window, codes)
            return self._coder.encode_batch(latents, code, self._rdoq)

        with torch.no_grad(), side_by_side(len(grid), codes.device) as (submit, _):
            tiles = [it.result() for it in [submit(encode, window) for window in grid]]
        return [
            container.write(
                container.Header(self._identity, code, width, height, bool((image == image[..., :1]).all())),
                list(of_image),
            )
            for image, of_image in zip(images, zip(*tiles, strict=True), strict=True)
        ]

    def decode(self, bitstream: bytes) -> Image:
        """Reconstruct the image.

        Raises
        ------
        bench.errors.BadBitstream
            The bitstream is damaged, truncated, or made with other weights.
        """
        return self.decode_batch([bitstream])[0]

    def decode_batch(self, bitstreams: Sequence[bytes]) -> list[Image]:
        """Reconstruct images, those of equal size and quality together.

        The symbols are those of :meth:`decode`. Samples may differ by one level, because the synthesis
        networks round in another order.

        Raises
        ------
        bench.errors.BadBitstream
            As :meth:`decode`, of any of them.
        """
        parsed = [container.read(bytes(it), self._identity, self._max_code) for it in bitstreams]
        groups: dict[tuple[int, int, int], list[int]] = {}
        for index, (header, _) in enumerate(parsed):
            groups.setdefault((header.height, header.width, header.code), []).append(index)
        images: dict[int, Image] = {}
        for (height, width, code), members in groups.items():
            decoded = self._decoded([parsed[it][1] for it in members], (height, width), code)
            for index, image in zip(members, decoded, strict=True):
                if parsed[index][0].grey:
                    for top in range(0, height, container.TILE):  # in float32 the whole image would be large
                        rows = image[top : top + container.TILE]
                        rows[:] = rows.mean(2, keepdims=True, dtype=np.float32).round()
                images[index] = np.ascontiguousarray(image)
        return [images[it] for it in range(len(parsed))]

    def _decoded(
        self, payloads: Sequence[Sequence[tuple[bytes, int]]], size: tuple[int, int], code: int
    ) -> Images:
        """Images of equal size, from the payload and checksum of each tile of each of them."""
        import torch

        from bench_codecs.vae.entropy import Tile
        from bench_codecs.vae.model import PATCH
        from bench_codecs.vae.tiling import synthesise_batch, windows

        grid = list(windows(*size))

        def decode(index: int) -> Tile:
            shape = (grid[index].height // PATCH, grid[index].width // PATCH)
            return self._coder.decode_batch([of_one[index] for of_one in payloads], shape, code)

        with torch.no_grad():
            code_ = torch.tensor([code], device=self.device)
            return synthesise_batch(self.model, decode, len(payloads), size, code_)

    def complexity(self) -> dict[str, float]:
        """Parameters, bytes of the weights file, kMAC per pixel of encoder and decoder, hours of training."""
        from bench_codecs.vae.complexity import count

        return count(self.model) | {"weight_bytes": float(self._weight_bytes), "training_hours": self._hours}

    def explain(self, image: Image, quality: float | None, bitstream: bytes) -> Explanation:
        """The bits of every latent by the tables that coded it, and what single latents draw."""
        from bench_codecs.vae.explain.explain import CodecParts, explain

        del image, quality  # the bitstream has all of it
        return explain(CodecParts(self.model, self.tables, self._coder, self._identity), bitstream)
