"""What a codec is to see: the interpreter and its libraries, its own files, and what its options name."""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from functools import cache
from importlib.metadata import distributions
from itertools import permutations
from pathlib import Path

from bench.checkpoints import QUALITY, matching_files
from bench.errors import CodecUnavailable, ConfigError
from bench.files.codec_files import sources_of
from bench.files.typed_json import Option
from bench.sealing.seal import View, needed_paths
from bench.sealing.variables import certificates

_MOST_FILES = 10_000
_MODULES = (".py", ".pyc", ".so")
_METADATA = (".egg-info", ".dist-info")
"""Of folders that say which codecs a package has."""
_LIBRARIES = ("LD_LIBRARY_PATH", "NUMBA_CACHE_DIR", "CUDA_HOME", "CONDA_PREFIX")
"""Variables that name folders in which programs and libraries look."""


def view_of(
    target: str,
    options: Iterable[Option],
    needs: Iterable[str] = (),
    hidden: Collection[Path] = (),
    *,
    working_folder: bool = True,
    patterns: bool = True,
) -> View:
    """What a codec sees of the machine.

    Parameters
    ----------
    target : what it is loaded from, see :func:`bench.registry.load`
    options : the values that it is constructed with: files and programs that they name are visible
    needs : what it declares to need beyond: ``gpu``, ``network``, an environment variable as ``$NAME``, or a
        path that it reads and writes, as far as it is not hidden
    hidden : files and folders, as of data sets, that are not visible wherever they lie, the sources of the
        codec apart
    working_folder : whether what can be imported from the working directory is visible
    patterns : whether options may name the files of each quality by a path with ``{quality}``

    Raises
    ------
    ConfigError
        A path that it needs lies in another one.
    """
    paths = needed_paths(needs)
    own = _apart(_made(Path(it).expanduser()).resolve() for it in paths)
    roots = {*_installed(), *_importable(working_folder=working_folder), *_own(target)}
    for value in options:
        if isinstance(value, str):
            roots |= {*_named(value, patterns=patterns)}
    if "network" in needs:
        roots |= {*certificates()}
    kept = {Path(os.path.realpath(it)) for it in hidden}
    above = {parent for it in kept for parent in it.parents}
    shown = {it for root in roots for it in _without(kept, above, Path(os.path.realpath(root)))}
    shown |= _sources(target)
    whole = {it for it in shown if it.parent not in shown}
    lists = {it.parent for it in whole} - {Path("/"), Path.home()}
    writes = tuple(it for path in own if path.exists() for it in _without(kept, above, path))
    named = {it for it in kept if not lists.isdisjoint(it.parents)}
    return View(
        reads=tuple(sorted(whole)),
        lists=tuple(sorted(lists)),
        writes=writes,
        empty=tuple(sorted(it for it in named if not _holds_any(it, (*whole, *writes)))),
        needs=tuple(dict.fromkeys(it for it in needs if it not in paths)),
    )


def is_own(target: str) -> bool:
    """Whether it is one of rdbench's own codecs, which nobody else can have changed."""
    return target.startswith("bench_codecs.")


def own_bytes(target: str, options: Iterable[Option]) -> int | None:
    """Bytes of what a codec brings along: as much as it could know by heart.

    That is its package, or its file with all that it sees beside it, and the files and programs that its
    options name; of rdbench's own codecs the latter alone. None for nothing, and where there are too many
    files to count.

    Parameters
    ----------
    target, options : as for :func:`view_of`
    """
    roots = set() if is_own(target) else {*_own(target)}
    for value in options:
        if isinstance(value, str):
            words = (Path(shutil.which(it) or it).expanduser() for it in _words(value))
            roots |= {it for word in words for it in (word, *_of_pattern(word)) if os.path.isfile(it)}
    sizes: dict[Path, int] = {}
    for root in roots:
        for file in (root,) if root.is_file() else root.rglob("*"):
            if file.is_file() and not file.is_symlink():
                sizes[file.resolve()] = file.stat().st_size
            if len(sizes) > _MOST_FILES:
                return None
    return sum(sizes.values()) or None


def _apart(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Each once; one that lies in another could be moved by way of that, and a link be put in its place."""
    found = tuple(dict.fromkeys(paths))
    for outer, inner in permutations(found, 2):
        if inner.is_relative_to(outer):
            raise ConfigError(f"needs: {inner} lies in {outer}; a codec that needs both needs {outer} alone")
    return found


def _made(path: Path) -> Path:
    """A path that a codec needs to write to: a folder, unless it is there."""
    with suppress(OSError):
        if not path.exists():
            path.mkdir(parents=True)
    return path


@cache
def _installed() -> tuple[Path, ...]:
    """The interpreter, and what is installed for it."""
    found = [sys.prefix, sys.base_prefix, sys.exec_prefix, *_of_developers()]
    for variable in _LIBRARIES:
        found += filter(None, os.environ.get(variable, "").split(os.pathsep))
    return tuple(path for it in found if (path := Path(it)).exists())


def _importable(*, working_folder: bool) -> Iterator[Path]:
    """What else this process and a worker, which has the working directory too, may import."""
    here = Path.cwd()
    for it in {*map(Path, filter(None, sys.path))}:
        if it == here:
            working_folder = True
        elif it.name in ("site-packages", "dist-packages"):
            yield it
        elif it.is_dir() and not any(it.is_relative_to(root) for root in _installed()):
            yield from _beside(it / "any")
    yield from (it for it in here.iterdir() if it.suffix in _METADATA)
    if working_folder:
        yield from filter(_is_module, _beside(here / "any"))


def _is_module(path: Path) -> bool:
    """Whether Python imports it: a file, or a folder that has one."""
    with suppress(PermissionError):
        return any(it.suffix in _MODULES for it in (path.iterdir() if path.is_dir() else (path,)))
    return False


def _of_developers() -> Iterator[str]:
    """Folders of packages that are installed in such a way that their sources can be changed."""
    for it in distributions():
        try:
            where = json.loads(it.read_text("direct_url.json") or "{}")
        except ValueError:
            continue
        if where.get("dir_info", {}).get("editable"):
            for name in (it.read_text("top_level.txt") or "").split():
                yield from _package(name)


def _package(name: str) -> Iterator[str]:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return
    if spec is not None:
        yield from spec.submodule_search_locations or filter(None, [spec.origin])


def _own(target: str) -> Iterator[Path]:
    """The folder of a codec's file, or its package."""
    name = target.partition(":")[0]
    path = Path(name)
    if path.suffix in (".py", ".pickle"):
        yield from _beside(path.resolve())
    else:
        yield from map(Path, _package(name.partition(".")[0]))


def _sources(target: str) -> set[Path]:
    """The sources of a codec that is a file, which may lie among pictures."""
    path = Path(target.partition(":")[0]).resolve()
    return sources_of(path) if path.suffix == ".py" and path.is_file() else set()


def _holds_any(folder: Path, paths: Iterable[Path]) -> bool:
    return any(it.is_relative_to(folder) for it in paths)


def _named(value: str, *, patterns: bool) -> Iterator[Path]:
    """Files and programs in the value of an option, which may be a command line."""
    for word in _words(value):
        path = Path(word).expanduser()
        program = shutil.which(path)
        if QUALITY in word:
            yield from _of_pattern(path) if patterns else ()
        elif program is not None:
            yield from _around(Path(program).resolve())
        elif os.path.exists(path):  # pathlib raises for names that are too long
            yield path.resolve()
            if path.suffix == ".py":  # a program that is a script
                yield from _beside(path.resolve())


def _of_pattern(path: Path) -> list[Path]:
    """The file of each quality behind a path with ``{quality}``; none for that word alone."""
    if str(path) == QUALITY:
        return []
    with suppress(CodecUnavailable):  # the codec says it itself
        return [file for _, file in matching_files(str(path))]
    return []


def _words(value: str) -> set[str]:
    """What in an option's value may be the name of a file."""
    try:
        words = {value, *shlex.split(value)}
    except ValueError:
        words = {value}
    return {*words, *(it.partition("=")[2] for it in words)} - {""}


def _around(program: Path) -> Iterator[Path]:
    """A program and the libraries that were built or installed with it."""
    yield from _beside(program)
    if program.parent.name in ("bin", "tools"):
        yield from (program.parents[1] / it for it in ("lib", "lib64", "share"))


def _beside(file: Path) -> Iterator[Path]:
    """What lies beside a file, run folders apart; in a folder like the home, files alone."""
    folder = file.parent
    alone = folder in (Path(folder.root), Path.home(), Path(tempfile.gettempdir()))
    for it in folder.iterdir():
        if it.is_file() or not (alone or _holds_run(it)):
            yield it


def _holds_run(folder: Path, depth: int = 2) -> bool:
    """Whether it is a run folder, or has some beneath."""
    if (folder / "run.json").exists():
        return True
    return depth > 0 and any(_holds_run(it, depth - 1) for it in folder.iterdir() if it.is_dir())


def _without(hidden: Collection[Path], above: Collection[Path], path: Path) -> Iterator[Path]:
    """A path, or what of it shows nothing of the hidden ones, ``above`` which are all their parents."""
    if path in hidden or any(it in hidden for it in path.parents):
        return
    if path not in above:
        yield path
        return
    for child in sorted(path.iterdir()):
        if not child.is_symlink():  # leads to where it would have to be allowed itself
            yield from _without(hidden, above, child)
