"""Training checkpoints: atomic folders of safetensors that resume to the same trajectory."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from torch import Tensor

from bench.errors import ConfigError

_KEPT = 2
_PREFIX = "step-"


def save_checkpoint(
    folder: Path, step: int, groups: dict[str, dict[str, Tensor]], meta: dict[str, Any]
) -> Path:
    """Write ``groups`` (file name -> tensors) and ``meta`` as ``folder/step-N`` and drop older ones.

    The folder appears under its name only when it is complete.
    """
    from safetensors.torch import save_file

    final = folder / f"{_PREFIX}{step:08d}"
    partial = folder / f".{final.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name, tensors in groups.items():
        save_file(
            {k: v.detach().cpu().contiguous() for k, v in tensors.items()}, partial / f"{name}.safetensors"
        )
    (partial / "meta.json").write_text(json.dumps({"step": step, **meta}, indent=1))
    for file in partial.iterdir():
        with file.open("rb") as handle:
            os.fsync(handle.fileno())
    shutil.rmtree(final, ignore_errors=True)
    os.replace(partial, final)
    for old in _complete(folder)[:-_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return final


def latest_checkpoint(folder: Path) -> Path | None:
    """The newest complete checkpoint below ``folder``, if there is one."""
    found = _complete(folder)
    return found[-1] if found else None


def load_checkpoint(path: Path) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
    """The tensors by file name and the metadata of one checkpoint.

    Raises
    ------
    bench.errors.ConfigError
        ``path`` is not a readable checkpoint.
    """
    from safetensors.torch import load_file

    try:
        meta = json.loads((path / "meta.json").read_text())
        groups = {file.stem: load_file(file) for file in sorted(path.glob("*.safetensors"))}
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path}: not a readable checkpoint ({error}); remove it to use the one before"
        ) from error
    return groups, meta


def _complete(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob(f"{_PREFIX}*") if (p / "meta.json").is_file())
