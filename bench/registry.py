"""Finding adapters and metrics: installed entry points, or a class in a file.

Nothing is imported here: a target is a string until a worker process loads it.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import entry_points, packages_distributions, version
from pathlib import Path
from typing import Any

from bench.errors import ConfigError, UntrustedCodec, suggestion
from bench.files import codec_files, given_codecs

CODECS = "bench.codecs"
METRICS = "bench.metrics"
_TRUST = "if you trust whoever made the folder, say --trust"


def targets(group: str) -> dict[str, str]:
    """Entry points of a group: name -> ``"module:Class"``, sorted by name."""
    return dict(_targets(group, tuple(sys.path)))


@cache
def _targets(group: str, path: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The same as pairs: a file of every installed package is read for them."""
    found = sorted(entry_points(group=group), key=lambda it: it.name)
    return tuple((it.name, it.value) for it in found)


def find(group: str, name: str) -> str:
    """The target of an installed name.

    Raises
    ------
    ConfigError
        The name is unknown; the message lists the known ones.
    """
    known = targets(group)
    if name not in known:
        _targets.cache_clear()  # it may have been installed meanwhile
        known = targets(group)
    if name not in known:
        kind = group.rsplit(".", 1)[-1].removesuffix("s")
        raise ConfigError(f"unknown {kind} {name!r}{suggestion(name, known)}")
    return known[name]


def is_file_target(target: str) -> bool:
    """Whether a target is ``path/to/file.py:Class`` or ``path/to/file.py``, or an object of this session."""
    return target.partition(":")[0].endswith(".py") or given_codecs.is_given(target)


def short_name(target: str) -> str:
    """The class that a target names, or the file."""
    module_name, _, attribute = target.partition(":")
    return attribute or Path(module_name).stem


def package_version(target: str) -> str:
    """``"package 1.2"`` for the installed package that a target is from; empty where there is none."""
    package = target.partition(":")[0].partition(".")[0]
    for distribution in packages_distributions().get(package, ()):
        return f"{distribution} {version(distribution)}"
    return ""


def load(target: str) -> Any:
    """Import what a target names: ``"module:Class"``, ``"path/to/file.py:Class"`` or ``"path/to/file.py"``.

    Returns
    -------
    What makes the codec or metric when it is called: a class, or for a file that is one a function without
    parameters.

    Raises
    ------
    ConfigError
        The file, module or class does not exist, or a file that is named alone is no codec.
    """
    module_name, _, attribute = target.partition(":")
    if given_codecs.is_given(target):
        return given_codecs.load_given(Path(target))
    if is_file_target(target) and not attribute:
        return codec_files.codec_of_file(Path(module_name))
    module = (
        codec_files.load_file(Path(module_name))
        if is_file_target(target)
        else importlib.import_module(module_name)
    )
    found = getattr(module, attribute, None)
    if not callable(found):
        classes = [it for it, its in vars(module).items() if inspect.isclass(its) and not it.startswith("_")]
        raise ConfigError(f"{module_name} has no class {attribute!r}{suggestion(attribute, classes)}")
    return found


def load_codec(target: str, options: Mapping[str, Any], *, trusted: bool) -> Any:
    """The class of a codec. Every construction of one asks here, so that a run folder chooses no code.

    Parameters
    ----------
    target : as for :func:`load`
    options : what its constructor is to be given
    trusted : the user named it in this call, or vouched for the folder that does

    Raises
    ------
    ConfigError
        The file, module or class does not exist.
    UntrustedCodec
        It is not ``trusted``, and is not installed, or ``options`` set one of its ``trusted_options``.
    """
    if trusted:
        return load(target)
    if target not in targets(CODECS).values():
        raise UntrustedCodec(
            f"only installed codecs are run for a run folder, this one names {target[:200]!r}; {_TRUST}"
        )
    constructor = load(target)
    for option in getattr(constructor, "trusted_options", ()):
        if options.get(option):
            raise UntrustedCodec(
                f"the run folder sets {option}={str(options[option])[:200]!r}, a program or a file; {_TRUST}"
            )
    return constructor


def load_metric(target: str, options: Mapping[str, Any], *, trusted: bool) -> Any:
    """The class of a metric, chosen by no run folder; what :func:`load_codec` is for codecs.

    Raises
    ------
    ConfigError
        The file, module or class does not exist.
    UntrustedCodec
        It is not ``trusted``, and :func:`require_installed_metric` refuses it.
    """
    if not trusted:
        require_installed_metric(target, options)
    return load(target)


def require_installed_metric(target: str, options: Mapping[str, Any]) -> None:
    """Refuse a metric that a run folder names and nobody vouches for.

    Raises
    ------
    UntrustedCodec
        It is not installed, or has options, as no installed one needs.
    """
    if options or target not in targets(METRICS).values():
        raise UntrustedCodec(
            f"only installed metrics are taken for a run folder, this one names {target[:200]!r}; {_TRUST}"
        )


def file_version(target: str, imported: Iterable[str] = ()) -> str:
    """``"+sha256:…"`` of a file target's sources, so that an edited file is measured again; else empty.

    Of an object of a session, ``"+session:…"``.

    Parameters
    ----------
    imported : what :func:`imported_beside` tells in the process that has loaded it

    Raises
    ------
    OSError
        A file can't be read.
    """
    if given_codecs.is_given(target):
        return given_codecs.given_version(Path(target))
    return codec_files.file_version(_file(target), imported) if is_file_target(target) else ""


def imported_beside(target: str) -> tuple[str, ...]:
    """The files beside a file target that this process has imported for it; none of other targets."""
    return codec_files.imported_beside(_file(target)) if is_file_target(target) else ()


def _file(target: str) -> Path:
    return Path(target.partition(":")[0])
