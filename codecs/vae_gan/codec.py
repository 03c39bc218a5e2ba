"""The adapter."""

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
    """A VAE's bitstream with a decoder trained for perception, up to quality 3; from 4 on it is ``vae``.

    Rates are those of ``vae`` to the byte. Up to quality 3 the generator decodes; from there its share falls,
    and from quality 4 on nothing of it is left. The operating points by default are its own, 1 to 3.

    Parameters
    ----------
    weights
        The VAE: a file written by ``rdbench train vae --export``; empty for the shipped one.
    generator
        A file written by ``rdbench train vae-gan --export`` for that VAE; empty for the shipped one.
    device
        Where the networks run.
    strength
        0 decodes as ``vae`` does, 1 as trained; between them the networks' weights are interpolated,
        which trades distortion for perception without another bitstream. Without effect from quality 4 on.
    rdoq
        Strength of the encoder's rate–distortion optimised quantisation.
    """

    name = "vae-gan"
    trusted_options = ("weights", "generator")
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
    ) -> None:
        if not 0.0 <= strength <= 1.0:
            raise ConfigError(f"vae-gan: strength={strength} is not in 0 to 1")
        self.vae = Vae(weights=weights, device=device, rdoq=rdoq)
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
        self.weights_sha256 = file.sha256
        self.version = f"{ADAPTER_VERSION}+vae {self.vae.version}"

    def encode(self, image: Image, quality: float | None) -> bytes:
        """The bitstream of ``vae``; see :meth:`bench_codecs.vae.Vae.encode`."""
        return self.vae.encode(image, quality)

    def decode(self, bitstream: bytes) -> Image:
        """Reconstruct, uint8 (height, width, 3); see :meth:`bench_codecs.vae.Vae.decode`."""
        return self.vae.decode(bitstream)

    def explain(self, image: Image, quality: float | None, bitstream: bytes) -> Explanation:
        """As :meth:`bench_codecs.vae.Vae.explain`; the images are the generator's."""
        return self.vae.explain(image, quality, bitstream)

    def complexity(self) -> dict[str, float]:
        """That of ``vae`` with the generator as its synthesis; the VAE's own counts as parameters only."""
        found = self.vae.complexity()
        found["parameters"] += self._spared
        found["weight_bytes"] += self._weight_bytes
        found["training_hours"] += self._hours
        return found
