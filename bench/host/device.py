"""Where networks and metrics run: this machine's processor, or a GPU with CUDA."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from bench.errors import CodecUnavailable, ConfigError
from bench.host.environment import gpus

DeviceName = Literal["cpu", "cuda"]


def cuda_problem() -> str | None:
    """Why PyTorch cannot use a GPU in this process, with the remedy; None where it can. Imports torch."""
    try:
        import torch
    except ImportError as error:
        return f'PyTorch is not installed ({error}): pip install "rdbench[learned]"'
    if torch.cuda.is_available():
        return None
    if torch.version.cuda is None:
        return (
            f"PyTorch {torch.__version__} is built without CUDA and uses no GPU:"
            " install a build with CUDA (https://pytorch.org/get-started), or use the device cpu"
        )
    return (
        "PyTorch sees no GPU with CUDA: see whether `nvidia-smi` lists one and CUDA_VISIBLE_DEVICES"
        " does not hide it, or use the device cpu"
    )


def resolve(wanted: str, problem: Callable[[], str | None] = cuda_problem) -> DeviceName:
    """The device behind ``auto``, ``cpu`` or ``cuda``.

    ``problem`` tells why there is no CUDA; it is only asked where that matters, and for ``auto`` only where
    the driver knows a GPU, since asking imports torch.

    Raises
    ------
    ConfigError
        CUDA was asked for and is absent, or the word is none of the three.
    """
    match wanted:
        case "cpu":
            return "cpu"
        case "cuda":
            if (reason := problem()) is not None:
                raise ConfigError(f"--device cuda: {reason}")
            return "cuda"
        case "auto":
            return "cuda" if gpus() and problem() is None else "cpu"
    raise ConfigError(f"--device is one of auto, cpu, cuda, not {wanted!r}")


def require(name: str, device: str) -> None:
    """Refuse a device that is absent, for the constructor of the metric or codec ``name``.

    Raises
    ------
    CodecUnavailable
        CUDA was asked for and is absent; the message holds the remedy.
    """
    if device.partition(":")[0] == "cuda" and (reason := cuda_problem()) is not None:
        raise CodecUnavailable(f"{name}: device=cuda, but {reason}")
