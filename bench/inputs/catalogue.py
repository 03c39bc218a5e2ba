"""The data sets that have a name: those that rdbench ships, and those of the user's own ``datasets.yaml``.

rdbench's own names come first, so that no file can give ``kodak`` another meaning; one that tries to is
refused. Then come the user's files, an earlier one before a later one: that of ``--datasets`` or
``$RDBENCH_DATASETS``, that of the working folder, and that of the user's configuration folder. They say where
images are and what they hold, and nothing else. They may be a stranger's: names become parts of paths, so
they are checked strictly, and what they name is downloaded by :func:`bench.inputs.datasets.fetch` alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Annotated, Self
from urllib.parse import quote

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from bench.errors import ConfigError
from bench.files.download import git_blob_id
from bench.files.problems import GIT_BLOB, SHA256
from bench.files.typed_yaml import Document, load_yaml, located, place_of, validate
from bench.inputs.image import SUFFIXES, file_bytes, sha256_of
from bench.text.plain import is_one_line

FILES_VARIABLE = "RDBENCH_DATASETS"
CATALOGUE_FILE = "datasets.yaml"
_LONGEST_NAME = 200
"""Most characters of a file's name; file systems have 255 bytes."""
_SHIPPED = Path(__file__).parents[1] / CATALOGUE_FILE


def _dataset_name(name: object) -> object:
    if not isinstance(name, str) or not is_dataset_name(name):
        raise ValueError(f"{name!r} is no name: letters, digits, dots, - and _; a number in quotes")
    return name


def is_dataset_name(name: str) -> bool:
    """Whether a data set may be called so; it becomes a part of paths."""
    return re.fullmatch(r"\w[\w.-]{0,99}", name) is not None


def _relative(name: object) -> object:
    """A path below a folder, with ``/``; one that no folder of another name stands for."""
    path = PurePosixPath(str(name))
    if not isinstance(name, str) or not is_one_line(name) or path.as_posix() != name or "\\" in name:
        raise ValueError(f"{name!r} is no plain path of a file")
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{name!r} leads out of the data set's folder")
    if max(map(len, path.parts)) > _LONGEST_NAME:
        raise ValueError(f"{name[:80]!r}… is too long for a file's name")
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{name!r} has no ending of an image")
    return name


def _address(url: str) -> str:
    if re.match(r"https?://[^\s/]", url) is None or not is_one_line(url):
        raise ValueError(f"{url!r} is no address that begins with https:// or http://")
    return url


Address = Annotated[str, AfterValidator(_address)]


class FileSpec(BaseModel):
    """The hash of one file of a data set, and further addresses of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    sha256: str | None = Field(default=None, pattern=SHA256)
    git_blob: str | None = Field(default=None, pattern=GIT_BLOB)
    """``git hash-object`` of a file in a repository whose SHA-256 nobody has stated."""
    mirrors: tuple[Address, ...] = ()

    @model_validator(mode="after")
    def _has_a_hash(self) -> Self:
        if self.sha256 is None and self.git_blob is None:
            raise ValueError("needs its sha256, or its git_blob")
        return self

    def describes(self, file: Path) -> bool:
        """Whether a file is this one.

        Raises
        ------
        BadImage
            It is missing, not a regular file, too large, or cannot be read.
        """
        if self.sha256 is not None and sha256_of(file) != self.sha256:
            return False
        return self.git_blob is None or git_blob_id(file_bytes(file)) == self.git_blob


class DatasetSpec(BaseModel):
    """An entry of ``datasets.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    description: str
    licence: str
    source: str
    package: str | None = Field(default=None, pattern=r"^\w+$")
    """The installed package that contains the files, found without importing it."""
    folder: str = ""
    """Where they lie: in the package, or else on this machine, relative to the file that says so."""
    url: Address | None = None
    """Of each file, whose name stands for ``{file}``."""
    files: dict[Annotated[str, BeforeValidator(_relative)], FileSpec] = Field(min_length=1)

    @field_validator("files", mode="before")
    @classmethod
    def _hash_alone(cls, files: object) -> object:
        if isinstance(files, dict):
            return {name: {"sha256": it} if isinstance(it, str) else it for name, it in files.items()}
        return files

    @field_validator("url")
    @classmethod
    def _for_each_file(cls, url: str | None) -> str | None:
        if url is not None and "{file}" not in url:
            raise ValueError("stands for all files: write {file} where the name of each goes")
        return url

    @model_validator(mode="after")
    def _inside_the_package(self) -> Self:
        if not is_one_line(self.folder):
            raise ValueError("the folder's name has control characters")
        path = PurePosixPath(self.folder)
        if any(len(it) > _LONGEST_NAME for it in path.parts):
            raise ValueError("the folder's name is too long")
        if self.package is not None and (path.is_absolute() or ".." in path.parts):
            raise ValueError(f"the folder {self.folder!r} leads out of the package")
        return self

    def addresses(self, file: str) -> tuple[str, ...]:
        """Where one of the files can be downloaded, in the order of trying."""
        own = () if self.url is None else (self.url.replace("{file}", quote(file)),)
        return *own, *self.files[file].mirrors


class _Catalogue(BaseModel):
    datasets: dict[Annotated[str, BeforeValidator(_dataset_name)], DatasetSpec]


@dataclass(frozen=True)
class NamedDataset:
    """A data set by its name."""

    spec: DatasetSpec
    file: Path | None = None
    """The user's file that describes it; None for those that rdbench ships."""
    hides: Path | None = None
    """A later file of the user's with another data set of this name."""

    @property
    def folder(self) -> Path | None:
        """The folder of this machine where the user's file says that it is."""
        if self.file is None or self.spec.package is not None or not self.spec.folder:
            return None
        return self.file.absolute().parent / Path(self.spec.folder).expanduser()

    def place_of(self, name: str, file: str) -> str:
        """Where the hash of one of its files stands.

        Parameters
        ----------
        name : of the data set
        file : of :attr:`spec`
        """
        return "the catalogue" if self.file is None else place_of(load_yaml(self.file), (name, "files", file))


@cache
def shipped() -> Mapping[str, DatasetSpec]:
    """The data sets that rdbench ships the description of, by name."""
    return read_catalogue(_SHIPPED)


def catalogue() -> dict[str, NamedDataset]:
    """All data sets by name, rdbench's own first.

    Raises
    ------
    ConfigError
        A file of the user's is not as it has to be; the message has file, line and key.
    """
    known = shipped()
    found = {name: NamedDataset(spec) for name, spec in known.items()}
    for file in own_files():
        specs, document = _read(file)
        for name, spec in specs.items():
            if name in known:
                if spec != known[name]:
                    raise located(
                        document, (name,), "rdbench has another data set of this name; choose another"
                    )
            elif name not in found:
                found[name] = NamedDataset(spec, file)
            elif found[name].spec != spec and found[name].hides is None:
                found[name] = replace(found[name], hides=file)
    return found


def find(name: str) -> NamedDataset | None:
    """The data set of a name, None where no file has it; errors as of :func:`catalogue`.

    The user's files are read only if it is none of rdbench's own.
    """
    if name in (known := shipped()):
        return NamedDataset(known[name])
    return catalogue().get(name) if is_dataset_name(name) else None


def own_files() -> Iterator[Path]:
    """The user's files, in the order in which they are searched.

    Raises
    ------
    ConfigError
        The one that is named by ``--datasets`` does not exist.
    """
    from platformdirs import user_config_path

    if named := os.environ.get(FILES_VARIABLE):
        path = Path(named).expanduser()
        if not path.is_file():
            raise ConfigError(f"{path}: no such file of data sets (--datasets, or ${FILES_VARIABLE})")
        yield path
    for folder in (Path(), user_config_path("rdbench")):
        path = folder / CATALOGUE_FILE
        if path.is_file() and not path.samefile(_SHIPPED):
            yield path


def read_catalogue(file: Path) -> dict[str, DatasetSpec]:
    """The entries of a file like ``datasets.yaml``, by name.

    Raises
    ------
    ConfigError
        The file is invalid; the message has one line for each mistake, with file name, line and key.
    """
    return _read(file)[0]


def _read(file: Path) -> tuple[dict[str, DatasetSpec], Document]:
    document = load_yaml(file)
    return validate(_Catalogue, {"datasets": document.content}, document, skip=1).datasets, document
