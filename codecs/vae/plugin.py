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

    from bench.trainer import Observer, SampleRequest, TrainRequest

    from .train import TrainConfig

_CALIBRATION_PICTURES = 40

Preset = Literal["tiny", "base"]


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
        """Train the preset on ``images``; the folder of the last checkpoint."""
        from .train import train

        if request.weights is not None:
            raise ConfigError("--weights: the vae starts from its training pictures; use --resume to go on")
        return train(_configured(request), images, validation, observer)

    def export(self, checkpoint: Path, images: Sequence[Path], out: Path) -> str:
        """Write the weights file, its coding tables calibrated on some of ``images``; its SHA-256."""
        from .export import export

        step = max(1, len(images) // _CALIBRATION_PICTURES)
        return export(checkpoint, images[::step], out, {"pictures": len(images)})

    def sample(self, request: SampleRequest) -> NDArray[np.uint8]:
        """Pictures from the prior, uint8 (count, 256, 256, 3)."""
        from .sample import sample
        from .weights import shipped_weights

        if request.generator is not None:
            raise ConfigError("--generator: the vae has no separate one; sample vae-gan")
        return sample(request.weights or shipped_weights(), request.count, request.quality, request.seed)

    def sample_note(self, request: SampleRequest) -> str:
        """What the samples show."""
        from .sample import NOTE

        del request
        return NOTE


def _configured(request: TrainRequest) -> TrainConfig:
    """The run that is asked for: the one in the folder, where it is to go on, with what was given."""
    from .resume import given, stored_config
    from .train import TrainConfig, preset

    if request.preset not in (None, *get_args(Preset)):
        raise ConfigError(f"--preset is one of {', '.join(get_args(Preset))}, not {request.preset!r}")
    config = stored_config(request, "vae", TrainConfig)
    if config is None:
        config = preset(cast(Preset, request.preset or "base"), request.out)
        if request.steps is not None:
            share = config.entropy_steps / config.steps
            config = replace(config, entropy_steps=round(share * request.steps))
    return replace(config, **given(request))
