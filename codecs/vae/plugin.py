"""``rdbench train vae`` and ``rdbench sample vae``: the codec's training behind the common contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import CodecUnavailable, ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bench.trainer import Observer, SampleRequest, TrainRequest
    from bench_codecs.vae.training.config import TrainConfig

_CALIBRATION_IMAGES = 40


class VaeTrainer:
    """Trains, exports and samples the ``vae`` codec; see :class:`bench.trainer.Trainer`."""

    name = "vae"

    def __init__(self) -> None:
        try:
            import torch  # noqa: F401
        except ImportError as error:
            raise CodecUnavailable('training needs torch: pip install "rdbench[learned]"') from error

    def train(
        self, request: TrainRequest, images: Sequence[Path], validation: Sequence[Path], observer: Observer
    ) -> Path:
        """Train the preset on ``images`` and return the folder of the last checkpoint."""
        from bench_codecs.vae.training.checkpoint import latest_checkpoint
        from bench_codecs.vae.training.train import train

        if request.resume and request.weights is not None and latest_checkpoint(request.out) is not None:
            raise ConfigError("--weights: --resume goes on from the checkpoint; leave out one of the two")
        return train(_configured(request), images, validation, observer)

    def export(self, checkpoint: Path, images: Sequence[Path], out: Path) -> str:
        """Write the weights file, calibrated on some of ``images``, and return its SHA-256."""
        from bench_codecs.vae.training.export import export

        step = max(1, len(images) // _CALIBRATION_IMAGES)
        return export(checkpoint, images[::step], out, {"pictures": len(images)})

    def sample(self, request: SampleRequest) -> NDArray[np.uint8]:
        """Draw images from the prior, uint8 (count, 256, 256, 3)."""
        from bench_codecs.vae.sample import Samples, sample
        from bench_codecs.vae.weights import shipped_weights

        if request.generator is not None:
            raise ConfigError("--generator: the vae has no separate one; sample vae-gan")
        samples = Samples(request.count, request.quality, request.seed)
        return sample(request.weights or shipped_weights(), samples)

    def sample_note(self, request: SampleRequest) -> str:
        """What the samples show."""
        from bench_codecs.vae.sample import NOTE

        del request
        return NOTE


def _configured(request: TrainRequest) -> TrainConfig:
    from bench_codecs.vae.training.config import Preset, preset
    from bench_codecs.vae.training.resume import configured

    def fresh(name: Preset) -> TrainConfig:
        config = preset(name, request.out)
        if request.weights is not None:
            return replace(config, entropy_steps=0)  # its entropy model has been trained
        if request.steps is None:
            return config
        return replace(config, entropy_steps=round(config.entropy_steps / config.steps * request.steps))

    return configured(request, VaeTrainer.name, fresh)
