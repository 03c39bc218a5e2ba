"""The shipped file: the generator's weights in half precision, and which VAE they belong to."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import CodecUnavailable

if TYPE_CHECKING:
    from torch import Tensor

FILE_FORMAT = 2


@dataclass(frozen=True)
class GeneratorFile:
    """The contents of a generator's file."""

    tensors: dict[str, Tensor]
    sha256: str
    bytes: int
    """Size of the file."""
    meta: dict[str, Any]


def shipped_generator() -> Path:
    """The generator that comes with the package."""
    return Path(__file__).with_name("weights") / "base.safetensors"


def save_generator(path: Path, tensors: dict[str, Tensor], vae: str, training: dict[str, Any]) -> str:
    """Write a generator for the VAE whose weights have the SHA-256 ``vae``; return the file's SHA-256."""
    from safetensors.torch import save_file

    meta = {"format": FILE_FORMAT, "vae": vae, "training": training}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    halves = {name: value.detach().half().cpu().contiguous() for name, value in tensors.items()}
    save_file(halves, partial, {"rdbench": json.dumps(meta)})
    partial.chmod(0o644)  # safetensors makes files that only their owner can read
    partial.replace(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_generator(path: Path, vae: str, device: str = "cpu") -> GeneratorFile:
    """The generator in ``path``, which must belong to the VAE whose weights have the SHA-256 ``vae``.

    Raises
    ------
    bench.errors.CodecUnavailable
        The file is absent, is not a generator, or belongs to another VAE.
    """
    from safetensors import SafetensorError, safe_open

    try:
        data = path.read_bytes()
        with safe_open(path, "pt") as file:
            meta = json.loads((file.metadata() or {})["rdbench"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a mapping
        if meta["format"] != FILE_FORMAT or "vae" not in meta:
            raise ValueError(f"format {meta['format']}, this version reads {FILE_FORMAT}")
    except FileNotFoundError as error:
        raise CodecUnavailable(
            f"vae-gan: no generator at {path}: reinstall rdbench, or train with `rdbench train vae-gan`"
        ) from error
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise CodecUnavailable(f"vae-gan: {path} is not a generator's file ({error})") from error
    if meta["vae"] != vae:
        raise CodecUnavailable(
            f"vae-gan: {path} was trained for the vae {meta['vae'][:12]}…, not for {vae[:12]}…: "
            "give the weights=FILE that it was trained from"
        )
    floats = {name: value.float().to(device) for name, value in tensors.items()}
    return GeneratorFile(floats, hashlib.sha256(data).hexdigest(), len(data), meta["training"])
