"""Data sets: where the files of the catalogue's are, downloading them, and folders of images.

A data set is an entry of the catalogue, whose files are verified by their SHA-256, or any folder of images,
or a single image file. The files of an entry are searched in this order: in ``$RDBENCH_DATA/<name>``, in the
installed Python package that contains them, or the folder that a file of the user's names, and in the user's
cache, where :func:`fetch` puts them.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BadImage, ConfigError, DatasetError
from bench.files.download import cache_folder
from bench.files.download import download as download_file
from bench.inputs.catalogue import DatasetSpec, NamedDataset, catalogue, find, shipped
from bench.inputs.image import SUFFIXES, is_lossy, lossy_warning, sha256_of, shown

DATA_VARIABLE = "RDBENCH_DATA"
_ABSENT = "no such folder"
UNREADABLE = "0" * 64
"""The SHA-256 that stands for a file that cannot be read; its trials fail with ``bad_input``."""

_FOLDER, _LINKED, _HIDDEN, _BARE = "folder", "linked folder", "hidden image file", "file without an ending"
_PLURALS = {
    _FOLDER: "folders",
    _LINKED: "linked folders",
    _HIDDEN: "hidden image files",
    _BARE: "files without an ending",
}
_MOST_ENDINGS = 5
"""Most file name endings that a remark lists."""

CATALOGUE = "catalogue"
"""The source of a data set that rdbench ships the description of."""

Progress = Callable[[str, int, int], None]
"""Called with the name of the next file, the number of files done, and of all files."""


def data_folders() -> tuple[Path, ...]:
    """Where data sets of the catalogue lie on this machine."""
    named = os.environ.get(DATA_VARIABLE)
    return (cache_folder(), *((Path(named).absolute(),) if named else ()))


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
    """:data:`CATALOGUE` for one that rdbench ships, else the absolute path of the folder or file."""
    left_out: str = ""
    """What else is in its folder, in one line."""
    entry: NamedDataset | None = None
    """What the catalogue says of it, if the hashes were verified."""

    def remarks(self, limit: int | None = None) -> list[str]:
        """What a user who measures on the set, or on its first ``limit`` images, should know about it."""
        images = self.images[:limit]
        lossy = sum(is_lossy(it.path) for it in images)
        told = [self.left_out] if self.left_out else []
        if self.entry is not None and self.entry.hides is not None:
            told.append(
                f"{self.entry.hides} has another data set {self.name}, which is not the one that is measured"
            )
        return [*told, lossy_warning(lossy, len(images), self.name)] if lossy else told


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
    download : whether missing files of data sets that rdbench ships may be downloaded; those of the user's
        own files are by :func:`fetch` alone
    progress : called before each download
    recursive : include the images in a folder's sub-folders

    Raises
    ------
    ConfigError
        Neither a known name nor an existing path, or a folder without images.
    DatasetError
        Files are absent and could not be downloaded, or differ from their hashes.
    """
    entry = find(name_or_path)
    if entry is not None:
        download = download and entry.file is None
        return _open_known(name_or_path, entry, download=download, progress=progress)
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
            f"data set {name_or_path!r}: neither a known data set ({', '.join(catalogue())}) nor a folder of"
            " images"
        )
    images = tuple(ImageFile(name, file, _identity(file)) for name, file in files.items())
    name, source = name_of(path), str(path.resolve())
    spec = shipped().get(name)
    if spec is None:
        return Dataset(name, images, source, left_out)
    if not all(_is_of(spec, it) for it in images):
        return Dataset(f"{name}-folder", images, source, left_out)
    return Dataset(name, images, source, left_out, NamedDataset(spec))


def is_known(name_or_path: str) -> bool:
    """Whether it names an entry of the catalogue, which takes precedence over a folder of that name."""
    return find(name_or_path) is not None


def name_of(path: Path) -> str:
    """What a data set of a folder or a file is called."""
    return re.sub(r"[^\w.-]+", "-", path.resolve().name if path.is_dir() else path.stem)


def _is_of(spec: DatasetSpec, image: ImageFile) -> bool:
    file = spec.files.get(image.name)
    if file is None or image.sha256 == UNREADABLE:
        return False
    return file.describes(image.path) if file.sha256 is None else file.sha256 == image.sha256


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


def places(name: str, entry: NamedDataset) -> Iterator[Path]:
    """The folders in which a data set of the catalogue may be, in the order of search."""
    spec = entry.spec
    if root := os.environ.get(DATA_VARIABLE):
        yield Path(root).expanduser() / name
    if spec.package and (folder := _package_folder(spec.package)):
        yield folder / spec.folder
    if entry.folder is not None:
        yield entry.folder
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
    entry = find(name)
    if entry is None:
        raise ConfigError(f"unknown data set {name!r}; known: {', '.join(catalogue())}")
    return _open_known(name, entry, download=True, progress=progress)


def _open_known(name: str, entry: NamedDataset, *, download: bool, progress: Progress | None) -> Dataset:
    spec, problems = entry.spec, []
    for folder in places(name, entry):
        if not folder.is_dir():
            problems.append(f"{folder}: {_ABSENT}")
            continue
        problem = _verify(folder, name, entry)
        if problem is None:
            return _dataset(name, entry, folder)
        problems.append(f"{folder}: {problem}")
    if spec.url and download:
        return _dataset(name, entry, _download(name, entry, progress))
    remedy = f"Reinstall {spec.package}, which carries the files." if spec.package else _remedy(name, entry)
    state = "not here" if all(it.endswith(_ABSENT) for it in problems) else "not as it is described"
    raise DatasetError(f"data set {name!r} is {state}:\n  " + "\n  ".join(problems) + "\n" + remedy)


def _remedy(name: str, entry: NamedDataset) -> str:
    spec = entry.spec
    if entry.file is not None and not spec.url:
        return (
            f"Restore the pictures, or correct {entry.file}: rdbench dataset hash prints what a folder holds."
        )
    fetch = f"Run `rdbench fetch {name}` with a connection, or set" if spec.url else "Set"
    return (
        f"{fetch} {DATA_VARIABLE} to a folder that holds {name}/"
        " with the original files; a re-packed copy can be used as a plain folder: give its path."
    )


def _verify(folder: Path, dataset: str, entry: NamedDataset) -> str | None:
    """What is wrong with the copy of a data set in ``folder``; None if all hashes agree."""
    spec = entry.spec
    missing = [name for name in spec.files if not (folder / name).is_file()]
    if missing:
        return f"{len(missing)} of {len(spec.files)} files are missing, {missing[0]} the first"
    for name, file in spec.files.items():
        if not file.describes(folder / name):
            kind = "SHA-256" if file.sha256 else "id in git"
            return f"{name} differs from its {kind} in {entry.place_of(dataset, name)}"
    return None


def _dataset(name: str, entry: NamedDataset, folder: Path) -> Dataset:
    images = tuple(
        ImageFile(it, folder / it, file.sha256 or sha256_of(folder / it))
        for it, file in entry.spec.files.items()
    )
    source = CATALOGUE if entry.file is None else str(folder.resolve())
    return Dataset(name, images, source, entry=entry)


def _package_folder(package: str) -> Path | None:
    """The folder of an installed package, found without importing it."""
    from importlib.util import find_spec

    found = find_spec(package)
    return (
        Path(next(iter(found.submodule_search_locations)))
        if found and found.submodule_search_locations
        else None
    )


def _download(name: str, entry: NamedDataset, progress: Progress | None) -> Path:
    from filelock import FileLock

    spec = entry.spec
    folder = cache_folder() / "datasets" / name
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{name}.lock")):
        for done, (file_name, file) in enumerate(spec.files.items()):
            if progress:
                progress(file_name, done, len(spec.files))
            target = folder / file_name
            if not (target.is_file() and file.describes(target)):
                try:
                    download_file(spec.addresses(file_name), file.sha256, target, git_blob=file.git_blob)
                except DatasetError as error:
                    raise DatasetError(f"{error}\n{_remedy(name, entry)}") from error
    if progress:
        progress("", len(spec.files), len(spec.files))
    return folder
