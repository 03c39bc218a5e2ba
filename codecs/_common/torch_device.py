"""Where the networks of a learned codec run."""

from __future__ import annotations

from bench.device import cuda_problem, require


def torch_device(codec: str, device: str) -> str:
    """The device for ``"auto"``, ``"cpu"`` or ``"cuda"``: one of the latter two.

    Raises
    ------
    bench.errors.CodecUnavailable
        CUDA was asked for and is not available. The CPU is never used in its place.
    """
    require(codec, device)
    return "cuda" if device != "cpu" and cuda_problem() is None else "cpu"
