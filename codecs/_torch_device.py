"""Where the networks of a learned codec run."""

from __future__ import annotations

from bench.errors import CodecUnavailable


def torch_device(codec: str, wanted: str) -> str:
    """``cpu`` or ``cuda``, also for ``auto``.

    Raises
    ------
    bench.errors.CodecUnavailable
        CUDA was asked for and is absent: nothing runs on the CPU in its place.
    """
    import torch

    if wanted == "cpu" or (wanted == "auto" and not torch.cuda.is_available()):
        return "cpu"
    if torch.cuda.is_available():
        return "cuda"
    cause = (
        f"this PyTorch ({torch.__version__}) is built without CUDA"
        if torch.version.cuda is None
        else "PyTorch sees no CUDA device (see `nvidia-smi` and CUDA_VISIBLE_DEVICES)"
    )
    raise CodecUnavailable(f"{codec}: device=cuda, but {cause}: mend that, or use device=cpu")
