"""Where the networks of a learned codec run."""

from __future__ import annotations

from bench.device import cuda_problem, require
from bench_codecs._common.options import check_threads


def use_threads(codec: str, threads: int) -> None:
    """Give torch's operations on the CPU this many threads, in the whole process; 0 leaves it as it is.

    Raises
    ------
    bench.errors.ConfigError
        It is no number of threads.
    """
    if threads:
        import torch

        torch.set_num_threads(check_threads(codec, threads))


def torch_device(codec: str, device: str) -> str:
    """The device for ``"auto"``, ``"cpu"`` or ``"cuda"``: one of the latter two.

    Raises
    ------
    bench.errors.CodecUnavailable
        CUDA was asked for and is not available. The CPU is never used in its place.
    """
    require(codec, device)
    return "cuda" if device != "cpu" and cuda_problem() is None else "cpu"
