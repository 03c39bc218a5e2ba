"""From a training checkpoint to the shippable file: the generator's averaged weights in half precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench_codecs.vae.training.checkpoint import open_checkpoint
from bench_codecs.vae_gan.weights import save_generator


def export(checkpoint: Path, out: Path, facts: dict[str, Any]) -> str:
    """Write the generator of a checkpoint folder, or of the newest one in a run's; return its SHA-256.

    ``facts``: what the file's metadata should say of the training besides steps and seconds.

    Raises
    ------
    bench.errors.ConfigError
        There is no checkpoint.
    """
    groups, meta = open_checkpoint(checkpoint)
    tensors = groups["generator_model"] | groups["generator_average"]
    return save_generator(
        out, tensors, meta["vae"], {"steps": meta["step"], "seconds": meta["seconds"], **facts}
    )
