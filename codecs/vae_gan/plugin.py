"""What ``rdbench train`` and ``rdbench sample`` call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args

from bench.errors import CodecUnavailable, ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bench.trainer import Observer, TrainRequest

Preset = Literal["tiny", "base"]


class VaeGanTrainer:
    """Trains, exports and samples the ``vae-gan`` codec; see :class:`bench.trainer.Trainer`."""

    name = "vae-gan"

    def __init__(self) -> None:
        try:
            import torch
        except ImportError as error:
            raise CodecUnavailable(
                'training needs torch: pip install "rdbench[learned,perceptual]"'
            ) from error
        self._cuda = torch.cuda.is_available()

    def train(
        self, request: TrainRequest, images: Sequence[Path], validation: Sequence[Path], observer: Observer
    ) -> Path:
        """Train the preset on ``images``; the folder of the last checkpoint."""
        from bench_codecs.vae.loop import Progress

        from bench.trainer import TrainProgress

        from .train import preset, train

        if request.preset not in get_args(Preset):
            raise ConfigError(f"--preset is one of {', '.join(get_args(Preset))}, not {request.preset!r}")
        if request.device == "cuda" and not self._cuda:
            raise ConfigError("--device cuda: torch sees no CUDA device here; use --device cpu")
        config = replace(
            preset(cast(Preset, request.preset), request.out),
            weights=request.weights,
            device="cuda" if request.device != "cpu" and self._cuda else "cpu",
            seed=request.seed,
            resume=request.resume,
            minutes=request.minutes or 0.0,
        )
        if request.steps is not None:
            config = replace(config, steps=request.steps)

        def told(it: Progress) -> None:
            row = it.figures
            figures = {
                "loss": row["loss"],
                "LPIPS": row["lpips_vgg"],
                "G": row["adversarial"],
                "D": row["discriminator"],
            }
            observer(TrainProgress(it.step, it.steps, it.seconds_left, figures))

        return train(config, images, validation, told)

    def export(self, checkpoint: Path, images: Sequence[Path], out: Path) -> str:
        """Write the generator's file; its SHA-256."""
        from .export import export

        return export(checkpoint, out, {"pictures": len(images)})

    def sample(self, weights: Path | None, count: int, quality: float, seed: int) -> NDArray[np.uint8]:
        """Pictures from the prior, uint8 (count, 256, 256, 3), decoded by the generator in ``weights``."""
        from bench_codecs.vae.sample import draw

        from .codec import VaeGan

        codec = VaeGan(generator=str(weights) if weights else "").vae
        return draw(codec.model, codec.tables, (count, quality, seed))

    def sample_note(self) -> str:
        """What the samples show."""
        from bench_codecs.vae.sample import NOTE

        return NOTE + " The generator was trained on decoded photographs, not on such samples."
