"""Environment variables: a sealed process keeps those by which programs and libraries are told how to work.

What else a user's environment holds, tokens and passwords often, is nothing that a codec is to know. Prefixes
that TensorFlow and drivers share with other programs, as TF_ with Terraform, are no reason to keep one.
"""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

_NAMES = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "LANGUAGE", "TZ", "TMPDIR"),
        *("LD_LIBRARY_PATH", "LD_PRELOAD", "LOCPATH", "LOCALE_ARCHIVE", "FONTCONFIG_FILE", "FONTCONFIG_PATH"),
        *("VIRTUAL_ENV", "CONDA_PREFIX", "XDG_CACHE_HOME", "HF_HOME", "IMAGEIO_FFMPEG_EXE"),
        *("TF_CPP_MIN_LOG_LEVEL", "TF_CPP_MAX_VLOG_LEVEL", "TF_CPP_VMODULE", "TF_ENABLE_ONEDNN_OPTS"),
        *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "TF_DISABLE_MKL", "TF_XLA_FLAGS"),
        *("TF_DETERMINISTIC_OPS", "TF_CUDNN_DETERMINISTIC", "TF_CUDNN_USE_AUTOTUNE", "TF_ENABLE_CUBLAS_TF32"),
        *("TF_USE_LEGACY_KERAS", "TF_FORCE_GPU_ALLOW_GROWTH", "TF_GPU_ALLOCATOR", "TF_GPU_THREAD_MODE"),
        *("NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES", "NVIDIA_REQUIRE_CUDA"),
        *("NVIDIA_DISABLE_REQUIRE", "NVIDIA_TF32_OVERRIDE"),
    }
)
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_NETWORK = frozenset({*_CERTIFICATES, *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY", "NO_PROXY")})
"""For those that need it; of proxies also in small letters."""
_PREFIXES = (
    *("LC_", "PYTHON", "MALLOC_", "GLIBC_", "RDBENCH_"),
    *("OMP_", "GOMP_", "KMP_", "OPENBLAS_", "MKL_", "BLIS_", "NUMEXPR_", "VECLIB_", "NUMBA_"),
    *("TORCH_", "PYTORCH_", "XLA_", "JAX_"),
    *("CUDA_", "CUDNN_", "CUBLAS_", "NCCL_", "GPU_", "HIP_", "HSA_", "ROCR_", "ROCM_", "MIOPEN_"),
)
_SECRET = re.compile("TOKEN|KEY|SECRET|PASS|CREDENTIAL|AUTH", re.IGNORECASE)
"""What has it in its name is no setting, whatever the name begins with."""
_STARTS, _ENDS = 47, 48
"""Of the environment in memory, in ``/proc/self/stat`` behind the name of the program."""


def certificates() -> Iterator[Path]:
    """The files and folders of certificates that this process's variables name."""
    named = (os.environ.get(it) for it in _CERTIFICATES)
    yield from (path for it in named if it and (path := Path(it)).exists())


def forget_variables(kept: Collection[str] = (), *, network: bool = False) -> None:
    """Forget all others, also where the kernel shows what a process was started with.

    Parameters
    ----------
    kept : names of further ones that stay
    network : whether those of proxies and certificates do
    """
    stay = {name: it for name, it in os.environ.items() if _stays(name, network=network) or name in kept}
    os.environ.clear()
    os.environ.update(stay)  # by setenv, so that none lies where they were when the program started
    fields = Path("/proc/self/stat").read_text(errors="replace").rpartition(")")[2].split()
    start, end = int(fields[_STARTS]), int(fields[_ENDS])
    left = b"".join(b"%s=%s\0" % it for it in os.environb.items())
    ctypes.memmove(start, left[: end - start].ljust(end - start, b"\0"), end - start)


def _stays(name: str, *, network: bool) -> bool:
    if name in _NAMES:
        return True
    if network and (name in _NETWORK or (name.endswith("_proxy") and name.upper() in _NETWORK)):
        return True
    return name.startswith(_PREFIXES) and not _SECRET.search(name)
