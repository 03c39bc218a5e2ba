"""What to install for each plug-in: its own words, where no extra of rdbench is installed."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

INCLUDED = "comes with rdbench"


def install_lines(groups: Iterable[str]) -> dict[str, str]:
    """For each plug-in of entry-point groups, the remedy that its error names without rdbench's extras."""
    done = subprocess.run([sys.executable, __file__, *groups], check=True, capture_output=True, text=True)
    remedies: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return remedies


class _Absent(MetaPathFinder):
    """Finds no module of some packages, as if they were not installed."""

    def __init__(self, packages: frozenset[str]) -> None:
        self.packages = packages

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.partition(".")[0] in self.packages:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


def _optional_packages() -> frozenset[str]:
    """Import names of what only an extra of rdbench asks for."""
    requirements = [Requirement(it) for it in importlib.metadata.requires("rdbench") or ()]
    needed = {canonicalize_name(it.name) for it in requirements if "extra" not in str(it.marker)}
    optional = {canonicalize_name(it.name) for it in requirements} - needed - {"rdbench"}
    return frozenset(
        package
        for package, distributions in importlib.metadata.packages_distributions().items()
        if {canonicalize_name(it) for it in distributions} <= optional
    )


def _remedy(target: importlib.metadata.EntryPoint) -> str:
    from bench.errors import CodecUnavailable, ConfigError

    try:
        target.load()()
    except CodecUnavailable as error:
        return str(error).partition(": ")[2]
    except ConfigError:
        return f"{INCLUDED}; needs options"
    return INCLUDED


if __name__ == "__main__":
    os.environ["PATH"] = ""
    sys.meta_path.insert(0, _Absent(_optional_packages()))
    print(
        json.dumps(
            {
                it.name: _remedy(it)
                for group in sys.argv[1:]
                for it in importlib.metadata.entry_points(group=group)
            }
        )
    )
