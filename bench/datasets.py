"""Image sets: ``datasets.yaml``, where the files are, and fetching them.

A data set is either an entry of the catalogue, whose files are verified against its SHA-256 hashes,
or any folder of images (or one image file). The files of an entry are looked for, in this order, in
``$RDBENCH_DATA/<name>``, in the installed Python package that carries them, and in the user's cache,
where :func:`fetch` puts them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, field_validator

from bench.download import cache_folder
from bench.download import download as download_file
from bench.errors import ConfigError, DatasetError
from bench.image import SUFFIXES, sha256_of
from bench.yamlfile import load_yaml, validate

DATA_VARIABLE = "RDBENCH_DATA"

CATALOGUE = "catalogue"

Progress = Callable[[str, int, int], None]
"""Called with (file name, files done, files in all)."""


class FileSpec(BaseModel):
    """One file of a set: its hash, and further addresses of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    mirrors: tuple[str, ...] = ()


class DatasetSpec(BaseModel):
    """An entry of ``datasets.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    description: str
    licence: str
    source: str
    package: str | None = None
    folder: str = ""
    url: str | None = None
    files: dict[str, FileSpec] = Field(min_length=1)

    @field_validator("files", mode="before")
    @classmethod
    def _hash_alone(cls, files: object) -> object:
        if isinstance(files, dict):
            return {name: {"sha256": it} if isinstance(it, str) else it for name, it in files.items()}
        return files

    @field_validator("files")
    @classmethod
    def _plain_names(cls, files: dict[str, FileSpec]) -> dict[str, FileSpec]:
        for name in files:
            if Path(name).name != name:
                raise ValueError(f"{name!r} is not a plain file name")
        return files


class _Catalog(BaseModel):
    datasets: dict[str, DatasetSpec]


@dataclass(frozen=True)
class ImageFile:
    """One image of a data set: its name in tables, where it is, and its identity."""

    name: str
    path: Path
    sha256: str


@dataclass(frozen=True)
class Dataset:
    """A named, ordered set of image files."""

    name: str
    images: tuple[ImageFile, ...]
    source: str = CATALOGUE
    """:data:`CATALOGUE` where hashes were verified, else the absolute path of the folder or file."""


def catalog() -> dict[str, DatasetSpec]:
    """The entries of ``datasets.yaml``, by name."""
    path = Path(__file__).with_name("datasets.yaml")
    document = load_yaml(path)
    return validate(_Catalog, {"datasets": document.data}, document, skip=1).datasets


def open_dataset(name_or_path: str, *, download: bool = True, progress: Progress | None = None) -> Dataset:
    """A data set by its name in the catalogue, or a folder of images, or one image file.

    A name of the catalogue comes before a folder of that name, which is meant by ``./NAME``.

    Raises
    ------
    ConfigError
        Neither a known name nor an existing path, or a folder without images.
    DatasetError
        Files are absent (and could not be downloaded), or differ from their hashes.
    """
    specs = catalog()
    if name_or_path in specs:
        return _open_known(name_or_path, specs[name_or_path], download=download, progress=progress)
    path = Path(name_or_path).expanduser()
    if path.is_dir():
        files = sorted(it for it in path.iterdir() if it.suffix.lower() in SUFFIXES and it.is_file())
        if not files:
            raise ConfigError(
                f"data set {name_or_path!r}: no image files ({', '.join(sorted(SUFFIXES))}) in the folder"
            )
        for it in files:
            if (shown := it.name.encode("utf-8", "backslashreplace").decode()) != it.name:
                raise ConfigError(
                    f"data set {name_or_path!r}: {shown!r} is no name in UTF-8; rename the file"
                )
    elif path.is_file():
        files = [path]
    else:
        raise ConfigError(
            f"data set {name_or_path!r}: neither a known data set ({', '.join(specs)}) nor a folder of images"
        )
    images = tuple(ImageFile(it.name, it, sha256_of(it)) for it in files)
    return Dataset(_name_of(path, images, specs), images, str(path.resolve()))


def is_known(name_or_path: str) -> bool:
    """Whether it names an entry of the catalogue, which comes before a folder of that name."""
    return name_or_path in catalog()


def _name_of(path: Path, images: tuple[ImageFile, ...], specs: dict[str, DatasetSpec]) -> str:
    """The name of a folder's pictures. That of the catalogue is theirs only if the hashes are."""
    name = re.sub(r"[^\w.-]+", "-", path.resolve().name if path.is_dir() else path.stem)
    known = {file: it.sha256 for file, it in specs[name].files.items()} if name in specs else {}
    verified = all(known.get(it.name) == it.sha256 for it in images)
    return name if name not in specs or verified else f"{name}-folder"


def places(name: str, spec: DatasetSpec) -> Iterator[Path]:
    """The folders in which a known data set may lie, in the order of search."""
    if root := os.environ.get(DATA_VARIABLE):
        yield Path(root).expanduser() / name
    if spec.package and (folder := _package_folder(spec.package)):
        yield folder / spec.folder
    yield cache_folder() / "datasets" / name


def fetch(name: str, *, progress: Progress | None = None) -> Dataset:
    """Make sure that a known data set is on this machine, downloading what is missing.

    Each file is written to a temporary file, verified, and only then moved into place, so that an
    interrupted download leaves nothing usable behind. One process downloads at a time.
    """
    specs = catalog()
    if name not in specs:
        raise ConfigError(f"unknown data set {name!r}; known: {', '.join(specs)}")
    return _open_known(name, specs[name], download=True, progress=progress)


def _open_known(name: str, spec: DatasetSpec, *, download: bool, progress: Progress | None) -> Dataset:
    problems = []
    for folder in places(name, spec):
        if not folder.is_dir():
            problems.append(f"{folder}: no such folder")
            continue
        problem = _verify(folder, spec)
        if problem is None:
            return _dataset(name, spec, folder)
        problems.append(f"{folder}: {problem}")
    if spec.url and download:
        return _dataset(name, spec, _download(name, spec, progress))
    remedy = f"Reinstall {spec.package}, which carries the files." if spec.package else _remedy(name)
    raise DatasetError(f"data set {name!r} is not here:\n  " + "\n  ".join(problems) + "\n" + remedy)


def _remedy(name: str) -> str:
    return (
        f"Run `rdbench fetch {name}` with a connection, or set {DATA_VARIABLE} to a folder that holds {name}/"
        " with the original files; a re-packed copy can be used as a plain folder: give its path."
    )


def _verify(folder: Path, spec: DatasetSpec) -> str | None:
    """What is wrong with the copy of a set in ``folder``; None when all hashes agree."""
    missing = [name for name in spec.files if not (folder / name).is_file()]
    if missing:
        return f"{len(missing)} of {len(spec.files)} files are missing, {missing[0]} the first"
    for name, file in spec.files.items():
        if sha256_of(folder / name) != file.sha256:
            return f"{name} differs from its SHA-256 in the catalogue"
    return None


def _dataset(name: str, spec: DatasetSpec, folder: Path) -> Dataset:
    return Dataset(name, tuple(ImageFile(it, folder / it, file.sha256) for it, file in spec.files.items()))


def _package_folder(package: str) -> Path | None:
    """Folder of an installed package, without importing it."""
    from importlib.util import find_spec

    found = find_spec(package)
    return (
        Path(next(iter(found.submodule_search_locations)))
        if found and found.submodule_search_locations
        else None
    )


def _download(name: str, spec: DatasetSpec, progress: Progress | None) -> Path:
    from filelock import FileLock

    folder = cache_folder() / "datasets" / name
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{name}.lock")):
        for done, (file_name, file) in enumerate(spec.files.items()):
            if progress:
                progress(file_name, done, len(spec.files))
            target = folder / file_name
            if not (target.is_file() and sha256_of(target) == file.sha256):
                assert spec.url is not None
                try:
                    urls = [spec.url.format(file=quote(file_name)), *file.mirrors]
                    download_file(urls, file.sha256, target)
                except DatasetError as error:
                    raise DatasetError(f"{error}\n{_remedy(name)}") from error
    if progress:
        progress("", len(spec.files), len(spec.files))
    return folder
