"""The lowest versions that pyproject.toml allows, as constraints for pip.

`python tests/packaging/lowest.py > lowest.txt`, then `pip install --constraint lowest.txt …`, both with the
Python that is to be tested: requirements of other ones are left out.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]


def lowest(requirements: Iterable[str]) -> list[str]:
    """``name==version`` for each package that is needed on this Python, at its highest lower bound.

    Raises
    ------
    ValueError
        A requirement has no lower bound.
    """
    bounds: dict[str, Version] = {}
    for requirement in map(Requirement, requirements):
        if (requirement.marker and not requirement.marker.evaluate()) or requirement.name == "rdbench":
            continue
        versions = [Version(it.version) for it in requirement.specifier if it.operator in (">=", "==")]
        if not versions:
            raise ValueError(f"{requirement} has no lower bound")
        name = canonicalize_name(requirement.name)
        bounds[name] = max([*versions, bounds.get(name, versions[0])])
    return [f"{name}=={version}" for name, version in sorted(bounds.items())]


if __name__ == "__main__":
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    for tools in ("lint", "docs"):
        extras.pop(tools)
    print("\n".join(lowest(chain(project["dependencies"], *extras.values()))))
