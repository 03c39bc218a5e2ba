"""Where the networks of a learned codec run."""

from __future__ import annotations

from bench.device import cuda_problem, require


def torch_device(codec: str, wanted: str) -> str:
    """``cpu`` or ``cuda``, also for ``auto``.

    Raises
    ------
    bench.errors.CodecUnavailable
        CUDA was asked for and is absent: nothing runs on the CPU in its place.
    """
    require(codec, wanted)
    return "cuda" if wanted != "cpu" and cuda_problem() is None else "cpu"
