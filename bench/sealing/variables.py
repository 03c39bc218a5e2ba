"""Environment variables: a sealed process keeps those by which programs and libraries are told how to work.

What else a user's environment holds, tokens and passwords often, is nothing that a codec is to know.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Collection
from pathlib import Path

_NAMES = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "LANGUAGE", "TZ", "TMPDIR"),
        *("LD_LIBRARY_PATH", "LD_PRELOAD", "LOCPATH", "LOCALE_ARCHIVE", "FONTCONFIG_FILE", "FONTCONFIG_PATH"),
        *("VIRTUAL_ENV", "CONDA_PREFIX", "XDG_CACHE_HOME", "HF_HOME", "IMAGEIO_FFMPEG_EXE"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR"),
    }
)
_PREFIXES = (
    *("LC_", "PYTHON", "MALLOC_", "GLIBC_", "RDBENCH_"),
    *("OMP_", "GOMP_", "KMP_", "OPENBLAS_", "MKL_", "BLIS_", "NUMEXPR_", "VECLIB_", "NUMBA_"),
    *("TORCH_", "PYTORCH_", "TF_", "XLA_", "JAX_"),
    *("CUDA_", "CUDNN_", "CUBLAS_", "NCCL_", "NVIDIA_", "GPU_", "HIP_", "HSA_", "ROCR_", "ROCM_", "MIOPEN_"),
)
_STARTS, _ENDS = 47, 48
"""Of the environment in memory, in ``/proc/self/stat`` behind the name of the program."""


def forget_variables(kept: Collection[str] = ()) -> None:
    """Forget all others, also where the kernel shows what a process was started with.

    Parameters
    ----------
    kept : names of further ones that stay
    """
    stay = {name: it for name, it in os.environ.items() if _stays(name) or name in kept}
    os.environ.clear()
    os.environ.update(stay)  # by setenv, so that none lies where they were when the program started
    fields = Path("/proc/self/stat").read_text(errors="replace").rpartition(")")[2].split()
    start, end = int(fields[_STARTS]), int(fields[_ENDS])
    left = b"".join(b"%s=%s\0" % it for it in os.environb.items())
    ctypes.memmove(start, left[: end - start].ljust(end - start, b"\0"), end - start)


def _stays(name: str) -> bool:
    return name in _NAMES or name.startswith(_PREFIXES)
