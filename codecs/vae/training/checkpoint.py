"""Training checkpoints: folders of safetensors, written atomically, from which a run resumes exactly."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from bench.errors import ConfigError
from bench.files.access import open_regular, read_regular

if TYPE_CHECKING:
    from torch import Tensor

_KEPT = 2
_PREFIX = "step-"
_META = "meta.json"

_FileName = Annotated[str, Field(pattern=r"^\w+$")]


class _ImageList(BaseModel):
    count: int
    sha256: str


class _Meta(BaseModel):
    """The metadata of a checkpoint; older versions lack some of the fields."""

    step: Annotated[int, Field(ge=0)]
    files: list[_FileName]
    trainer: str = ""
    config: dict[str, Any] = {}
    pictures: _ImageList | None = None
    seconds: float = 0.0
    recent: list[dict[str, float]] = []
    vae: str = ""
    start: str = ""
    seconds_before: float = 0.0


def save_checkpoint(
    folder: Path, step: int, groups: dict[str, dict[str, Tensor]], meta: dict[str, Any]
) -> Path:
    """Write a checkpoint to ``folder/step-N`` and remove older ones.

    The folder gets its name only when it is complete. An existing complete checkpoint of the same step is
    kept, since it is the same.

    Parameters
    ----------
    folder : that of the run
    step : number of steps done
    groups : tensors by file name and tensor name
    meta : further metadata, for JSON

    Returns
    -------
    The folder of the checkpoint.
    """
    from safetensors.torch import save_file

    final = folder / f"{_PREFIX}{step:08d}"
    if (final / _META).is_file():
        return final
    partial = folder / f".{final.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name, tensors in groups.items():
        save_file(
            {k: v.detach().cpu().contiguous() for k, v in tensors.items()}, partial / f"{name}.safetensors"
        )
    (partial / _META).write_text(json.dumps({"step": step, "files": sorted(groups), **meta}, indent=1))
    for file in partial.iterdir():
        with file.open("rb") as handle:
            os.fsync(handle.fileno())
    shutil.rmtree(final, ignore_errors=True)
    os.replace(partial, final)
    for old in _complete(folder)[:-_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return final


def open_checkpoint(path: Path) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
    """:func:`load_checkpoint` of a checkpoint, or of the newest one in the folder of a run.

    Raises
    ------
    bench.errors.ConfigError
        There is none, or it cannot be read.
    """
    found = path if (path / _META).is_file() else latest_checkpoint(path)
    if found is None:
        raise ConfigError(f"{path} holds no training checkpoint: train first")
    return load_checkpoint(found)


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
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    meta = load_meta(path)
    groups = {}
    for name in meta["files"]:
        file = path / f"{name}.safetensors"
        try:
            open_regular(file).close()  # no pipe, and no link out of the folder
            groups[name] = load_file(file)
        except (OSError, SafetensorError) as error:
            raise _unreadable(path, file, error) from error
    return groups, meta


def load_meta(path: Path) -> dict[str, Any]:
    """The metadata alone.

    Raises
    ------
    bench.errors.ConfigError
        There is none that can be read.
    """
    file = path / _META
    try:
        meta: dict[str, Any] = json.loads(read_regular(file))
        _Meta.model_validate(meta, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        told = f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}"
        raise _unreadable(path, file, told) from error
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, file, error) from error
    return meta


def _unreadable(path: Path, file: Path, error: Exception | str) -> ConfigError:
    return ConfigError(f"{file}: cannot be read ({error}); remove {path} to use the checkpoint before it")


def _complete(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob(f"{_PREFIX}*") if (p / _META).is_file())
