"""``rdbench train vae-gan`` and ``rdbench sample vae-gan``: the training behind the common contract."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import CodecUnavailable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bench.trainer import Observer, SampleRequest, TrainRequest


class VaeGanTrainer:
    """Trains, exports and samples the ``vae-gan`` codec; see :class:`bench.trainer.Trainer`."""

    name = "vae-gan"

    def __init__(self) -> None:
        try:
            import torch  # noqa: F401
        except ImportError as error:
            raise CodecUnavailable(
                'training needs torch: pip install "rdbench[learned,perceptual]"'
            ) from error

    def train(
        self, request: TrainRequest, images: Sequence[Path], validation: Sequence[Path], observer: Observer
    ) -> Path:
        """Train the preset on ``images`` and return the folder of the last checkpoint."""
        from bench_codecs.vae.training.resume import configured
        from bench_codecs.vae_gan.training.config import preset
        from bench_codecs.vae_gan.training.train import train

        config = configured(request, self.name, lambda name: preset(name, request.out))
        return train(config, images, validation, observer)

    def export(self, checkpoint: Path, images: Sequence[Path], out: Path) -> str:
        """Write the weights file of the generator and return its SHA-256."""
        from bench_codecs.vae_gan.training.export import export

        return export(checkpoint, out, {"pictures": len(images)})

    def sample(self, request: SampleRequest) -> NDArray[np.uint8]:
        """Draw images from the prior, decoded by the generator, uint8 (count, 256, 256, 3)."""
        from bench_codecs.vae.sample import Samples, draw
        from bench_codecs.vae_gan.codec import VaeGan

        codec = VaeGan(weights=str(request.weights or ""), generator=str(request.generator or "")).vae
        return draw(codec.model, codec.tables, Samples(request.count, request.quality, request.seed))

    def sample_note(self, request: SampleRequest) -> str:
        """What the samples show, and whose they are."""
        from bench_codecs.vae.levels import quality_to_code
        from bench_codecs.vae.sample import NOTE
        from bench_codecs.vae_gan.generator import share

        part = share(quality_to_code(request.quality))
        whose = " The generator was trained on decoded photographs, not on such samples."
        if part < 1:
            drawn = f"{part:.0%} of the generator went into these" if part else "these are the vae's"
            whose = f" The generator decodes up to quality 3, the vae from 4 on: {drawn}."
        return NOTE + whose
