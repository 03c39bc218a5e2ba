"""The weights file of the generator: half precision, with the hash of the VAE that it belongs to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import CodecUnavailable
from bench_codecs.vae.tensor_file import TensorFile, read_tensor_file, write_tensor_file

if TYPE_CHECKING:
    from torch import Tensor

FILE_FORMAT = 3


def shipped_generator() -> Path:
    """The generator that comes with the package."""
    return Path(__file__).with_name("weights") / "base.safetensors"


def save_generator(path: Path, tensors: dict[str, Tensor], vae: str, training: dict[str, Any]) -> str:
    """Write a generator for the VAE whose weights have the SHA-256 ``vae``; return the file's SHA-256."""
    halves = {name: value.half() for name, value in tensors.items()}
    return write_tensor_file(path, halves, {"format": FILE_FORMAT, "vae": vae, "training": training})


def load_generator(path: Path, vae: str, device: str = "cpu") -> TensorFile:
    """The generator in ``path``, which must belong to the VAE whose weights have the SHA-256 ``vae``.

    Its tensors are converted to single precision, on ``device``.

    Raises
    ------
    bench.errors.CodecUnavailable
        The file is absent, is not a generator, or belongs to another VAE.
    """
    try:
        file = read_tensor_file(path, FILE_FORMAT)
        theirs = str(file.meta["vae"])
    except FileNotFoundError as error:
        raise CodecUnavailable(
            f"vae-gan: no generator at {path}: reinstall rdbench, or train with `rdbench train vae-gan`"
        ) from error
    except (KeyError, ValueError) as error:
        raise CodecUnavailable(f"vae-gan: {path} is not a generator's file ({error})") from error
    if theirs != vae:
        raise CodecUnavailable(
            f"vae-gan: {path} was trained for the vae {theirs[:12]}…, not for {vae[:12]}…: "
            "give the weights=FILE that it was trained from"
        )
    return file._replace(tensors={name: it.float().to(device) for name, it in file.tensors.items()})
