"""A folder of images -> its entry for ``datasets.yaml``."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from bench.errors import BadImage, ConfigError
from bench.files.typed_yaml import load_yaml
from bench.inputs.catalogue import is_dataset_name, own_files, shipped
from bench.inputs.datasets import images_in, name_of
from bench.inputs.image import sha256_of, shown
from bench.text.plain import is_one_line


def entry_of(
    folder: Path,
    name: str | None = None,
    *,
    recursive: bool = False,
    licence: str = "unknown",
    source: str = "unknown",
) -> str:
    """The entry of a data set, in YAML: where it is, and what its files hold.

    Parameters
    ----------
    folder : of images
    name : None for the folder's own
    recursive : include the images in its sub-folders
    licence, source : of the images

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
    if not (is_one_line(licence) and is_one_line(source)):
        raise ConfigError("licence and source are a line of text each")
    _require_plain_names([folder.resolve(), *files.values()])
    spec = {
        "description": f"{len(files)} image{'' if len(files) == 1 else 's'}",
        "licence": licence,
        "source": source,
        "folder": str(folder.resolve()),
        "files": {name: _digest(path) for name, path in files.items()},
    }
    text: str = yaml.safe_dump({name: spec}, sort_keys=False, allow_unicode=True, width=1 << 20)
    return text


def _require_plain_names(paths: Iterable[Path]) -> None:
    for path in paths:
        if not is_one_line(str(path)):
            raise ConfigError(
                f"{shown(str(path))}: rename it; such characters can't stand in a list of files"
            )


def entry_there(name: str, entry: str) -> tuple[Path, bool] | None:
    """The user's file that has a data set of this name already, and whether it has this very entry.

    Parameters
    ----------
    name : of the data set
    entry : as :func:`entry_of` writes it
    """
    import yaml

    for file in own_files():
        with suppress(ConfigError):
            there = load_yaml(file).content
            if isinstance(there, dict) and name in there:
                return file, there[name] == yaml.safe_load(entry)[name]
    return None


def _digest(path: Path) -> str:
    try:
        return sha256_of(path)
    except BadImage as error:
        raise ConfigError(str(error)) from error
