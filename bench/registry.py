"""Finding adapters and metrics: installed entry points, or a class in a file.

Nothing is imported here: a target is a string until a worker process loads it.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from bench.errors import ConfigError

CODECS = "bench.codecs"
METRICS = "bench.metrics"
_FILE_MODULE = "rdbench_file_"


def targets(group: str) -> dict[str, str]:
    """Entry points of a group: name -> ``"module:Class"``, sorted by name."""
    return {it.name: it.value for it in sorted(entry_points(group=group), key=lambda it: it.name)}


def find(group: str, name: str) -> str:
    """The target of an installed name.

    Raises
    ------
    ConfigError
        The name is unknown; the message lists the known ones.
    """
    known = targets(group)
    if name not in known:
        kind = group.rsplit(".", 1)[-1].removesuffix("s")
        raise ConfigError(f"unknown {kind} {name!r}; known: {', '.join(known) or 'none'}")
    return known[name]


def is_file_target(target: str) -> bool:
    """Whether a target is ``path/to/file.py:Class``."""
    return target.partition(":")[0].endswith(".py")


def load(target: str) -> Any:
    """Import what a target names: ``"module:Class"`` or ``"path/to/file.py:Class"``.

    Raises
    ------
    ConfigError
        The file, module or class does not exist.
    """
    module_name, _, attribute = target.partition(":")
    module = _load_file(Path(module_name)) if is_file_target(target) else importlib.import_module(module_name)
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise ConfigError(f"{module_name} has no class {attribute!r}") from None


def file_version(target: str) -> str:
    """``"+sha256:…"`` of a file target's source, so that an edited file is measured again; else empty."""
    if not is_file_target(target):
        return ""
    source = Path(target.partition(":")[0]).read_bytes()
    return "+sha256:" + hashlib.sha256(source).hexdigest()[:12]


def _load_file(path: Path) -> Any:
    if not path.is_file():
        raise ConfigError(f"{path}: no such file")
    name = f"{_FILE_MODULE}{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    os.environ[name] = str(path.resolve())  # for processes that the codec starts, see FileFinder
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


class FileFinder:
    """Imports codec files by the module names that :func:`load` gives them, in processes that a codec starts.

    A process that :mod:`multiprocessing` spawns gets functions by the name of their module, and would wait
    for ever, or be started again and again, where it cannot import that. The process that loaded a file left
    its place in the environment.
    """

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        """As of :class:`importlib.abc.MetaPathFinder`."""
        file = os.environ.get(name) if name.startswith(_FILE_MODULE) else None
        return importlib.util.spec_from_file_location(name, file) if file else None
