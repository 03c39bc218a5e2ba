"""Weights files: safetensors with JSON metadata that includes a format number."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.files.access import MAX_WEIGHTS, read_regular

if TYPE_CHECKING:
    from torch import Tensor

_KEY = "rdbench"


class TensorFile(NamedTuple):
    """The contents of a weights file."""

    tensors: dict[str, Tensor]
    meta: dict[str, Any]
    sha256: str
    bytes: int
    """Size of the file."""


def write_tensor_file(path: Path, tensors: dict[str, Tensor], meta: dict[str, Any]) -> str:
    """Write ``tensors`` and ``meta``, which has the key ``format``, atomically; returns the SHA-256."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    held = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    save_file(held, partial, {_KEY: json.dumps(meta)})
    partial.chmod(0o644)  # safetensors makes files that only their owner can read
    partial.replace(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_tensor_file(path: Path, format: int) -> TensorFile:
    """Read a file that :func:`write_tensor_file` wrote.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        It cannot be read, is not such a file, is of another format, or has values that are not finite.
    """
    from safetensors import SafetensorError, safe_open

    try:
        data = read_regular(path, MAX_WEIGHTS, links=True)
        with safe_open(path, "pt") as file:
            meta = json.loads((file.metadata() or {})[_KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a mapping
        found = meta["format"]
    except FileNotFoundError:
        raise
    except (OSError, SafetensorError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    if found != format:
        raise ValueError(f"format {found}, this version reads {format}")
    if not all(bool(it.isfinite().all()) for it in tensors.values()):
        raise ValueError("some weights are not finite")
    return TensorFile(tensors, meta, hashlib.sha256(data).hexdigest(), len(data))
