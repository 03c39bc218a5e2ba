"""Finding figures and tables: the classes that the modules of a folder declare."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys


def classes_in(package: str) -> list[type]:
    """The concrete classes of an imported package, module by module in the order of their names.

    Modules whose name begins with an underscore hold what the others share, and are passed over.
    """
    found = pkgutil.iter_modules(sys.modules[package].__path__, f"{package}.")
    names = sorted(it.name for it in found if not it.name.startswith(f"{package}._"))
    return [
        declared
        for module in map(importlib.import_module, names)
        for declared in vars(module).values()
        if inspect.isclass(declared)
        and declared.__module__ == module.__name__
        and not inspect.isabstract(declared)
    ]
