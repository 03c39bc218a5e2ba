"""Codecs that are files: how such a file is imported, and which sources make up its identity."""

from __future__ import annotations

import ast
import errno
import hashlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from bench.codec import FunctionCodec, completed
from bench.errors import ConfigError
from bench.files.access import read_regular

_PREFIX = "rdbench_file_"
_OWN = frozenset({"bench", "bench_codecs"})
"""rdbench's packages: what an adapter takes from them is no part of it, wherever they lie."""
_LONGEST_PATH = 250
_INSTALLED = frozenset({"site-packages", "dist-packages"})
_MODULES = (".py", ".so")
_MOST_BYTES = 1 << 29
"""Of a codec's file and its modules together."""
_MOST_PARSED = 1 << 22
"""Bytes of a source that is looked into; its tree takes some hundred times as many."""


def load_file(path: Path) -> ModuleType:
    """Import a file. Modules beside it are found from any working directory, as when a script is run.

    A process may hold several such files; a module of the same name beside another one is another module.

    Raises
    ------
    ConfigError
        There is no such file.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: no such file")
    path = path.resolve()
    name = f"{_PREFIX}{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    _search_in(path.parent)
    if name in sys.modules:
        return sys.modules[name]
    os.environ[name] = str(path)  # for processes that the codec starts, see FileFinder
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def codec_of_file(path: Path) -> Callable[[], Any]:
    """What makes the codec of a file that is named without a class.

    Its functions ``encode`` and ``decode`` are the codec, and what else the contract knows may stand beside
    them; or it has one class with both.

    Raises
    ------
    ConfigError
        There is no such file, or it has neither, or several such classes.
    """
    module = load_file(path)
    if _is_codec(module):
        return _ModuleCodec(module, path.stem)
    made = [it for it in vars(module).values() if _is_codec(it) and _is_of(it, module)]
    if len(made) == 1:
        return cast("Callable[[], Any]", made[0])
    names = ", ".join(sorted(name for name, it in vars(module).items() if it in made))
    if names:
        raise ConfigError(f"{path} has several codecs, write {path}:NAME with one of them: {names}")
    raise ConfigError(f"{path} has neither functions encode and decode nor a class with both")


class _ModuleCodec:
    """Makes the codec of a module's functions."""

    def __init__(self, module: ModuleType, name: str) -> None:
        self._module, self._name = module, name
        self.needs = getattr(module, "needs", ())

    def __call__(self) -> Any:
        return completed(self._module, self._name)


def _is_codec(found: Any) -> bool:
    return callable(getattr(found, "encode", None)) and callable(getattr(found, "decode", None))


def _is_of(found: Any, module: ModuleType) -> bool:
    """Whether a class, or a codec made of functions, was made in a file rather than imported by it."""
    return (isinstance(found, type) and found.__module__ == module.__name__) or isinstance(
        found, FunctionCodec
    )


class FileFinder:
    """Imports codec files by the names that :func:`load_file` gives them, in processes that a codec starts.

    A process that :mod:`multiprocessing` spawns gets functions by the name of their module, and would wait
    for ever, or be started again and again, where it cannot import that. The process that loaded a file left
    its place in the environment.
    """

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        """As of :class:`importlib.abc.MetaPathFinder`."""
        file = os.environ.get(name) if name.startswith(_PREFIX) else None
        return importlib.util.spec_from_file_location(name, file) if file else None


def file_version(path: Path, imported: Iterable[str] = ()) -> str:
    """``"+sha256:…"`` of a codec file and of every module of its folder that it uses.

    These are the modules that the sources import, now or later inside of a function, and those that it has
    ``imported`` otherwise. A file that uses none has the hash of its source.

    Parameters
    ----------
    imported : as :func:`imported_beside` tells it in the process that has loaded the file

    Raises
    ------
    OSError
        A file can't be read, or all of them are too large.
    """
    path = path.resolve()
    places = _places(path, map(Path, imported))
    digest, left = hashlib.sha256(), _MOST_BYTES
    for it, place in sorted(places.items()):
        try:
            source = read_regular(place, left)
        except OSError as error:
            if error.errno != errno.EFBIG:
                raise
            what = f"with the modules that it uses larger than {_MOST_BYTES >> 20} MiB"
            raise OSError(errno.EFBIG, what, str(path)) from None
        left -= len(source)
        if len(places) > 1:
            digest.update(f"{it.relative_to(path.parent).as_posix()}\0{len(source)}\0".encode())
        digest.update(source)
    return f"+sha256:{digest.hexdigest()[:12]}"


_searched: dict[Path, frozenset[str]] = {}
"""The folders of the files that this process has loaded, and the modules that it had before."""


def _search_in(folder: Path) -> None:
    """Find modules in this folder first. Those that came from another such folder are found anew."""
    for other in _searched.keys() - {folder}:
        for name, _ in [*_loaded_from(other)]:
            del sys.modules[name]
    _searched.setdefault(folder, frozenset(sys.modules))
    if str(folder) in sys.path:
        sys.path.remove(str(folder))
    sys.path.insert(0, str(folder))


def _loaded_from(folder: Path) -> Iterator[tuple[str, Path]]:
    """Names and files of the modules that files of a folder have imported from there."""
    before = _searched.get(folder, frozenset())
    for name, module in [*sys.modules.items()]:
        file = getattr(module, "__file__", None)
        if not isinstance(file, str) or name in before or name.startswith(_PREFIX) or name == "__main__":
            continue
        path = Path(file)
        if path.is_relative_to(folder) and _is_developed(path, folder) and path.is_file():
            yield name, path


def _is_developed(path: Path, folder: Path) -> bool:
    """Whether a path is of what somebody develops in a folder, neither rdbench's nor installed there."""
    parts = path.relative_to(folder).parts
    return _INSTALLED.isdisjoint(parts) and parts[0] not in _OWN


def imported_beside(path: Path) -> tuple[str, ...]:
    """The files beside a codec's file that this process has imported for it, by whatever way."""
    return tuple(sorted(str(file) for _, file in _loaded_from(path.resolve().parent)))


def sources_of(path: Path, imported: Iterable[Path] = ()) -> set[Path]:
    """A file, what was imported from its folder, and what the sources of both import from there.

    Parameters
    ----------
    path : resolved
    imported : files of which those count that are sources in its folder
    """
    return {*_places(path, imported)}


def _places(path: Path, imported: Iterable[Path]) -> dict[Path, Path]:
    """The files of :func:`sources_of`, and where each of them really lies.

    A source may import by a link that leads out of the folder, as the codec's author has put it there. What
    was ``imported`` is the word of a process that may be a cheat's: nobody learns by it of files elsewhere.
    """
    folder = path.parent
    found: dict[Path, Path] = {}
    todo = [(path, path), *_modules(imported, folder)]
    while todo:
        source, place = todo.pop()
        if source not in found:
            found[source] = place
            if source.suffix == ".py":
                todo += _modules(_imports(source, place, folder), folder, links=True)
    return found


def _modules(paths: Iterable[Path], folder: Path, *, links: bool = False) -> Iterator[tuple[Path, Path]]:
    """Those of paths that are modules of a folder, each with the place where it really lies.

    Parameters
    ----------
    links : whether such a path may lead out of the folder
    """
    for path in paths:
        try:
            place = Path(os.path.realpath(path))
            is_module = place.suffix in _MODULES and place.is_file()
        except (OSError, ValueError):  # no file can have such a name
            continue
        name = place if place.is_relative_to(folder) else path
        is_module = is_module and (links or name == place) and name.is_relative_to(folder)
        if is_module and _is_developed(name, folder):
            yield name, place


def files_beside(sources: set[Path], folder: Path, but: set[Path]) -> list[str]:
    """Data files that a codec may read and that are none of its sources, those that the sources name first.

    Parameters
    ----------
    sources : as :func:`sources_of` gives them
    folder : of the codec
    but : files that are known
    """
    texts = {text for source in sources for text in _texts(source)}
    possible = (folder / it for it in sorted(texts) if _is_name(it))
    named = [it.resolve() for it in possible if it.is_file() and it.resolve().is_relative_to(folder)]
    others = (it for it in sorted(folder.iterdir()) if it.is_file() and not it.name.startswith("."))
    found = [*named, *(it for it in others if it.suffix not in (".py", ".pyc") and it.resolve() not in named)]
    known = {*sources, *but}
    return [it.relative_to(folder).as_posix() for it in found if it.resolve() not in known]


def _texts(source: Path) -> Iterator[str]:
    """The strings in a Python source."""
    for node in _nodes(source):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _is_name(text: str) -> bool:
    """Whether a text may name a file."""
    return text.isprintable() and 0 < len(text.encode()) < _LONGEST_PATH


def _nodes(source: Path) -> Iterator[ast.AST]:
    """What a Python source consists of; nothing where it can't be read or parsed."""
    try:
        tree = ast.parse(read_regular(source, _MOST_PARSED, links=True))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return
    yield from ast.walk(tree)


def _imports(source: Path, place: Path, folder: Path) -> Iterator[Path]:
    """The files that a source of a folder, which really lies at a place, may import, anywhere in it."""
    for node in _nodes(place):
        if isinstance(node, ast.Import):
            for it in node.names:
                yield from _files_of(it.name, folder)
        elif isinstance(node, ast.ImportFrom) and node.level <= len(source.parents):
            base = folder if not node.level else source.parents[node.level - 1]
            for it in node.names:
                yield from _files_of(f"{node.module or ''}.{it.name}".lstrip("."), base)


def _files_of(module: str, base: Path) -> Iterator[Path]:
    """The files that importing a dotted name may run: each package on the way, and the module."""
    path = base
    for part in module.split("."):
        path /= part
        yield from (path.with_name(f"{part}.py"), path / "__init__.py")
