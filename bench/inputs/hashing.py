"""A folder of images -> its entry for ``datasets.yaml``."""

from __future__ import annotations

from pathlib import Path

from bench.errors import BadImage, ConfigError
from bench.inputs.catalogue import is_dataset_name, shipped
from bench.inputs.datasets import images_in, name_of
from bench.inputs.image import sha256_of, shown
from bench.text.plain import is_one_line


def entry_of(folder: Path, name: str | None = None, *, recursive: bool = False) -> str:
    """The entry of a data set, in YAML: where it is, and what its files hold.

    Parameters
    ----------
    folder : of images
    name : None for the folder's own
    recursive : include the images in its sub-folders

    Raises
    ------
    ConfigError
        It is no folder, holds no images or some that can't be read, or something in it has a name that can't
        stand in such a file.
    """
    import yaml

    name = name or name_of(folder)
    if not is_dataset_name(name):
        raise ConfigError(f"{name!r} is no name of a data set: letters, digits, dots, - and _")
    if name in shipped():
        raise ConfigError(f"rdbench has a data set {name!r} of its own; choose another --name")
    if not folder.is_dir():
        raise ConfigError(f"{shown(str(folder))}: no such folder")
    files, _ = images_in(folder, recursive=recursive)
    if not files:
        raise ConfigError(f"{shown(str(folder))}: no image files in it")
    for path in (folder.resolve(), *files.values()):
        if not is_one_line(str(path)):
            raise ConfigError(
                f"{shown(str(path))}: rename it; such characters can't stand in a list of files"
            )
    spec = {
        "description": f"{len(files)} image{'' if len(files) == 1 else 's'}",
        "licence": "unknown",
        "source": "unknown",
        "folder": str(folder.resolve()),
        "files": {name: _digest(path) for name, path in files.items()},
    }
    text: str = yaml.safe_dump({name: spec}, sort_keys=False, allow_unicode=True, width=1 << 20)
    return text


def _digest(path: Path) -> str:
    try:
        return sha256_of(path)
    except BadImage as error:
        raise ConfigError(str(error)) from error
