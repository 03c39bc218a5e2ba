"""The adapter of the ``vae-gan`` codec."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from bench.codec import Image
from bench.errors import CodecUnavailable, ConfigError
from bench.explanation import Explanation
from bench_codecs.vae.codec import Vae
from bench_codecs.vae.levels import CODING_STRENGTH

ADAPTER_VERSION = 2


class VaeGan:
    """The bitstreams of ``vae``, decoded for perception up to quality 3; from 4 on it is ``vae``.

    The bitstreams are byte for byte those of ``vae``. Up to quality 3 they are decoded by the generator;
    above that its share decreases, and from quality 4 on nothing is left of it. The default operating points
    are 1 to 3.

    Parameters
    ----------
    weights : file of the VAE, written by ``rdbench train vae --export``; empty for the shipped one
    generator : file written by ``rdbench train vae-gan --export`` for that VAE; empty for the shipped one
    device : where the networks run
    strength : 0 decodes like ``vae``, 1 as trained. In between the weights of the networks are interpolated,
        which trades distortion for perception without another bitstream. It has no effect from quality 4 on
    rdoq : strength of the encoder's rate–distortion optimised quantisation, 0 to 1
    threads : of the networks on the CPU, as for ``vae``
    """

    name = "vae-gan"
    trusted_options = ("weights", "generator")
    added_options = ("threads",)
    lossless = False
    qualities: tuple[float, ...] = (1.0, 2.0, 3.0)
    quality_range: tuple[float, float] | None = Vae.quality_range

    def __init__(
        self,
        *,
        weights: str = "",
        generator: str = "",
        device: Literal["auto", "cpu", "cuda"] = "cpu",
        strength: float = 1.0,
        rdoq: float = CODING_STRENGTH,
        threads: int = 0,
    ) -> None:
        if not 0.0 <= strength <= 1.0:
            raise ConfigError(f"vae-gan: strength={strength} is not in 0 to 1")
        self.vae = Vae(weights=weights, device=device, rdoq=rdoq, threads=threads)
        import torch

        from bench_codecs.vae_gan.generator import Generator
        from bench_codecs.vae_gan.weights import load_generator, shipped_generator

        path = Path(generator) if generator else shipped_generator()
        file = load_generator(path, self.vae.weights_sha256, self.vae.device)
        model = self.vae.model
        plain = model.synthesis_branch
        try:
            branch = Generator(model.spec.branches, plain, file.tensors, strength)
        except RuntimeError as error:
            raise CodecUnavailable(f"vae-gan: {path} holds another network than this generator") from error
        branch.requires_grad_(False).eval().to(self.vae.device)
        model.synthesis_branch = branch.to(memory_format=torch.channels_last)
        self._weight_bytes = file.bytes
        self._hours = float(file.meta.get("training", {}).get("seconds", 0.0)) / 3600
        self._spared = sum(value.numel() for value in plain.state_dict().values())
        self.quality_range = self.vae.quality_range
        self.weights_sha256 = file.sha256
        self.version = f"{ADAPTER_VERSION}+vae {self.vae.version}"

    def encode(self, image: Image, quality: float | None) -> bytes:
        """The bitstream of ``vae``; see :meth:`bench_codecs.vae.Vae.encode`."""
        return self.vae.encode(image, quality)

    def decode(self, bitstream: bytes) -> Image:
        """Reconstruct the image; see :meth:`bench_codecs.vae.Vae.decode`."""
        return self.vae.decode(bitstream)

    def explain(self, image: Image, quality: float | None, bitstream: bytes) -> Explanation:
        """Explain like :meth:`bench_codecs.vae.Vae.explain`, with images drawn by the generator."""
        return self.vae.explain(image, quality, bitstream)

    def complexity(self) -> dict[str, float]:
        """The complexity of ``vae`` with the generator for its synthesis, which counts only as parameters."""
        found = self.vae.complexity()
        found["parameters"] += self._spared
        found["weight_bytes"] += self._weight_bytes
        found["training_hours"] += self._hours
        return found
