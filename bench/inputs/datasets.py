"""Data sets: the catalogue ``datasets.yaml``, where the files are, and downloading them.

A data set is an entry of the catalogue, whose files are verified by their SHA-256, or any folder of images,
or a single image file. The files of an entry are searched in this order: in ``$RDBENCH_DATA/<name>``, in the
installed Python package that contains them, and in the user's cache, where :func:`fetch` puts them.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, field_validator

from bench.errors import BadImage, ConfigError, DatasetError
from bench.files.download import cache_folder
from bench.files.download import download as download_file
from bench.files.typed_yaml import load_yaml, validate
from bench.inputs.image import SUFFIXES, is_lossy, lossy_warning, sha256_of, shown
from bench.text.plain import is_one_line

DATA_VARIABLE = "RDBENCH_DATA"
Address = Annotated[str, Field(pattern=r"^https?://[^\s\x00-\x1f\x7f]+$")]
"""Where a file is downloaded from."""
UNREADABLE = "0" * 64
"""The SHA-256 that stands for a file that cannot be read; its trials fail with ``bad_input``."""

_FOLDER, _LINKED, _HIDDEN, _BARE = "folder", "linked folder", "hidden image file", "file without an ending"
_PLURALS = {
    _FOLDER: "folders",
    _LINKED: "linked folders",
    _HIDDEN: "hidden image files",
    _BARE: "files without an ending",
}
_LONGEST_NAME = 200
"""Most characters of a file's name; file systems have 255 bytes."""
_MOST_ENDINGS = 5
"""Most file name endings that a remark lists."""

CATALOGUE = "catalogue"
"""The source of a data set of the catalogue."""

Progress = Callable[[str, int, int], None]
"""Called with the name of the next file, the number of files done, and of all files."""


def data_folders() -> tuple[Path, ...]:
    """Where data sets of the catalogue lie on this machine."""
    named = os.environ.get(DATA_VARIABLE)
    return (cache_folder(), *((Path(named).absolute(),) if named else ()))


class FileSpec(BaseModel):
    """The hash of one file of a data set, and further addresses of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    mirrors: tuple[Address, ...] = ()


class DatasetSpec(BaseModel):
    """An entry of ``datasets.yaml``. It names no file outside the folders of data sets, and no code."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    description: str
    licence: str
    source: str
    package: str | None = Field(None, pattern=r"^[A-Za-z_]\w*$")  # a dotted one would be imported to be found
    folder: str = ""
    url: Address | None = None
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
            if (
                Path(name).name != name
                or name in ("", "..")
                or len(name) > _LONGEST_NAME
                or not is_one_line(name)
            ):
                raise ValueError(f"{shown(name)[:80]!r} is not a plain file name")
        return files

    @field_validator("folder")
    @classmethod
    def _inside(cls, folder: str) -> str:
        parts = PurePosixPath(folder).parts
        if any(it in ("/", "//", "..") or len(it) > _LONGEST_NAME for it in parts) or not is_one_line(folder):
            raise ValueError("is not a folder inside the package")
        return folder

    def addresses(self, file: str) -> tuple[str, ...]:
        """Where a file of the set can be downloaded, in the order of trying."""
        own = () if self.url is None else (self.url.replace("{file}", quote(file)),)
        return *own, *self.files[file].mirrors


class _Catalog(BaseModel):
    datasets: dict[Annotated[str, Field(pattern=r"^\w[\w.-]{0,99}$")], DatasetSpec]


@dataclass(frozen=True)
class ImageFile:
    """One image of a data set."""

    name: str
    """Its name in tables: that of the file, or its path relative to the data set's folder, with ``/``."""
    path: Path
    sha256: str
    """:data:`UNREADABLE` if the file cannot be read."""


@dataclass(frozen=True)
class Dataset:
    """A named, ordered set of image files."""

    name: str
    images: tuple[ImageFile, ...]
    source: str = CATALOGUE
    """:data:`CATALOGUE` if the hashes were verified, else the absolute path of the folder or file."""
    left_out: str = ""
    """What else is in its folder, in one line."""

    def remarks(self, limit: int | None = None) -> list[str]:
        """What a user who measures on the set, or on its first ``limit`` images, should know about it."""
        images = self.images[:limit]
        lossy = sum(is_lossy(it.path) for it in images)
        return [
            *([self.left_out] if self.left_out else []),
            *([lossy_warning(lossy, len(images), self.name)] if lossy else []),
        ]


def catalog() -> dict[str, DatasetSpec]:
    """The entries of ``datasets.yaml``, by name."""
    return read_catalog(Path(__file__).parents[1] / "datasets.yaml")


def read_catalog(path: Path) -> dict[str, DatasetSpec]:
    """The entries of a file like ``datasets.yaml``, by name.

    Raises
    ------
    ConfigError
        The file is invalid; the message has one line for each mistake, with file name, line and key.
    """
    document = load_yaml(path)
    return validate(_Catalog, {"datasets": document.data}, document, skip=1).datasets


def open_dataset(
    name_or_path: str,
    *,
    download: bool = True,
    progress: Progress | None = None,
    recursive: bool = False,
) -> Dataset:
    """Open a data set of the catalogue, a folder of images, or a single image file.

    Parameters
    ----------
    name_or_path : a name in the catalogue takes precedence over a folder of that name, which is ``./NAME``
    download : whether missing files of the catalogue may be downloaded
    progress : called before each download
    recursive : include the images in a folder's sub-folders

    Raises
    ------
    ConfigError
        Neither a known name nor an existing path, or a folder without images.
    DatasetError
        Files are absent and could not be downloaded, or differ from their hashes.
    """
    specs = catalog()
    if name_or_path in specs:
        return _open_known(name_or_path, specs[name_or_path], download=download, progress=progress)
    path = Path(name_or_path).expanduser()
    left_out = ""
    if path.is_dir():
        files, others = images_in(path, recursive=recursive)
        left_out = _left_out(name_or_path, others)
        if not files:
            endings = ", ".join(sorted(SUFFIXES))
            reason = f"; {left_out}" if left_out else ""
            raise ConfigError(f"data set {name_or_path!r}: no image files ({endings}) in the folder{reason}")
    elif path.is_file():
        files = {shown(path.name): path}
    else:
        raise ConfigError(
            f"data set {name_or_path!r}: neither a known data set ({', '.join(specs)}) nor a folder of images"
        )
    images = tuple(ImageFile(name, file, _identity(file)) for name, file in files.items())
    return Dataset(_name_of(path, images, specs), images, str(path.resolve()), left_out)


def is_known(name_or_path: str) -> bool:
    """Whether it names an entry of the catalogue, which takes precedence over a folder of that name."""
    return name_or_path in catalog()


def _name_of(path: Path, images: tuple[ImageFile, ...], specs: dict[str, DatasetSpec]) -> str:
    """The name of a data set from a folder. It is that of the catalogue only if all hashes agree."""
    name = re.sub(r"[^\w.-]+", "-", path.resolve().name if path.is_dir() else path.stem)
    hashes = {file: it.sha256 for file, it in specs[name].files.items()} if name in specs else {}
    verified = all(hashes.get(it.name) == it.sha256 for it in images)
    return name if name not in specs or verified else f"{name}-folder"


def images_in(folder: Path, *, recursive: bool = False) -> tuple[dict[str, Path], Counter[str]]:
    """The image files of a folder.

    Everything with the ending of an image counts, even a broken link or a pipe: reading it will fail with its
    name. Hidden files and folders are ignored, and links to folders are not followed.

    Returns
    -------
    The image files by name, in order, and the number of other things in the folder by their kind.

    Raises
    ------
    ConfigError
        A folder cannot be read, or two files would get the same name.
    """

    def unreadable(error: OSError) -> None:
        raise ConfigError(f"{shown(str(error.filename))}: cannot be read ({error.strerror})")

    found: dict[str, Path] = {}
    others: Counter[str] = Counter()
    for place, folders, files in os.walk(folder, onerror=unreadable):
        current = Path(place)
        visible = [it for it in folders if not it.startswith(".")]
        links = {it for it in visible if (current / it).is_symlink()}
        others[_LINKED] += len(links)
        others[_FOLDER] += 0 if recursive else len(visible) - len(links)
        folders[:] = [it for it in visible if recursive and it not in links]
        for name in files:
            ending = Path(name).suffix.lower()
            if name.startswith("."):
                others[_HIDDEN] += ending in SUFFIXES
            elif ending not in SUFFIXES:
                others[shown(ending) or _BARE] += 1
            else:
                path = current / name
                relative = shown(path.relative_to(folder).as_posix())
                if relative in found:
                    raise ConfigError(f"{folder}: two files would be called {relative}; rename one")
                found[relative] = path
    return dict(sorted(found.items(), key=lambda it: it[1])), +others


def _left_out(folder: str, others: Counter[str]) -> str:
    endings = [(kind, count) for kind, count in others.most_common() if kind.startswith(".")]
    parts = [f"{count} {ending}" for ending, count in endings[:_MOST_ENDINGS]]
    if more := sum(count for _, count in endings[_MOST_ENDINGS:]):
        parts.append(f"{more} with other endings")
    for one, several in _PLURALS.items():
        if count := others[one]:
            parts.append(f"{count} {one if count == 1 else several}")
    if not parts:
        return ""
    hint = "; --recursive takes the images in folders" if others[_FOLDER] else ""
    return f"left out of {shown(folder)}: {', '.join(parts)}{hint}"


def _identity(file: Path) -> str:
    try:
        return sha256_of(file)
    except BadImage:
        return UNREADABLE


def places(name: str, spec: DatasetSpec) -> Iterator[Path]:
    """The folders in which a data set of the catalogue may be, in the order of search."""
    if root := os.environ.get(DATA_VARIABLE):
        yield Path(root).expanduser() / name
    if spec.package and (folder := _package_folder(spec.package)):
        yield folder / spec.folder
    yield cache_folder() / "datasets" / name


def fetch(name: str, *, progress: Progress | None = None) -> Dataset:
    """Download whatever is missing of a data set of the catalogue.

    Each file is written to a temporary file, verified, and then moved into place, so that an interrupted
    download leaves no partial file. One process downloads at a time.

    Raises
    ------
    ConfigError
        The catalogue has no such data set.
    DatasetError
        A file could not be downloaded, or differs from its hash.
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
    """What is wrong with the copy of a data set in ``folder``; None if all hashes agree."""
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
    """The folder of an installed package, found without importing it."""
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
                try:
                    download_file(spec.addresses(file_name), file.sha256, target)
                except DatasetError as error:
                    raise DatasetError(f"{error}\n{_remedy(name)}") from error
    if progress:
        progress("", len(spec.files), len(spec.files))
    return folder
