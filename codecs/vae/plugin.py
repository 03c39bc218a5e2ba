"""``rdbench train vae`` and ``rdbench sample vae``: the codec's training behind the common contract."""

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

_CALIBRATION_PICTURES = 40

Preset = Literal["tiny", "base"]


class VaeTrainer:
    """Trains, exports and samples the ``vae`` codec; see :class:`bench.trainer.Trainer`."""

    name = "vae"

    def __init__(self) -> None:
        try:
            import torch
        except ImportError as error:
            raise CodecUnavailable('training needs torch: pip install "rdbench[learned]"') from error
        self._cuda = torch.cuda.is_available()

    def train(
        self, request: TrainRequest, images: Sequence[Path], validation: Sequence[Path], observer: Observer
    ) -> Path:
        """Train the preset on ``images``; the folder of the last checkpoint."""
        from bench.trainer import TrainProgress

        from .loop import Progress
        from .train import preset, train

        if request.preset not in get_args(Preset):
            raise ConfigError(f"--preset is one of {', '.join(get_args(Preset))}, not {request.preset!r}")
        if request.weights is not None:
            raise ConfigError("--weights: the vae starts from its training pictures; use --resume to go on")
        config = replace(
            preset(cast(Preset, request.preset), request.out),
            device=self._device(request.device),
            seed=request.seed,
            resume=request.resume,
        )
        if request.steps is not None:
            share = config.entropy_steps / config.steps
            config = replace(config, steps=request.steps, entropy_steps=round(share * request.steps))
        if request.minutes is not None:
            config = replace(config, minutes=request.minutes)

        def told(it: Progress) -> None:
            row = it.figures
            figures = {"loss": row["loss"], "bpp": row["rate_bpp"], "ELBO": row["elbo_bpp"]}
            observer(TrainProgress(it.step, it.steps, it.seconds_left, figures))

        return train(config, images, validation, told)

    def export(self, checkpoint: Path, images: Sequence[Path], out: Path) -> str:
        """Write the weights file, its coding tables calibrated on some of ``images``; its SHA-256."""
        from .export import export

        step = max(1, len(images) // _CALIBRATION_PICTURES)
        return export(checkpoint, images[::step], out, {"pictures": len(images)})

    def sample(self, weights: Path | None, count: int, quality: float, seed: int) -> NDArray[np.uint8]:
        """Pictures from the prior, uint8 (count, 256, 256, 3)."""
        from .sample import sample
        from .weights import shipped_weights

        return sample(weights or shipped_weights(), count, quality, seed)

    def sample_note(self) -> str:
        """What the samples show."""
        from .sample import NOTE

        return NOTE

    def _device(self, wanted: str) -> str:
        if wanted == "cuda" and not self._cuda:
            raise ConfigError("--device cuda: torch sees no CUDA device here; use --device cpu")
        return "cuda" if wanted != "cpu" and self._cuda else "cpu"
