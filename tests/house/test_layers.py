"""The order of the rooms, and what a new folder must not miss."""

from __future__ import annotations

import tomllib

from tests.house.imports import (
    FOLDERS,
    ROOT,
    circles,
    modules,
    past_the_door,
    running_back,
    same_class_names,
    within,
)


def test_no_import_runs_back_up() -> None:
    """A room takes from lower layers alone; the failure names both files and what is taken."""
    assert not running_back(), "\n".join(map(str, running_back()))


def test_engines_are_entered_by_their_door() -> None:
    """Whoever runs trials knows the protocol alone; the failure names both files and what is taken."""
    assert not past_the_door(), "\n".join(map(str, past_the_door()))


def test_no_modules_import_each_other() -> None:
    """There is no circle, not even through imports inside functions."""
    found = [str(it) for circle in circles() for it in within(circle)]
    assert not found, "\n".join(found)


def test_every_package_is_installed() -> None:
    """A folder that pyproject.toml does not list would be missing from the wheel."""
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = {
        ".".join((package, *it.parent.relative_to(ROOT / folder).parts))
        for package, folder in FOLDERS.items()
        for it in (ROOT / folder).rglob("__init__.py")
    }
    assert sorted(packages) == sorted(folders)
    assert {name.rpartition(".")[0] for name in modules() if "." in name} <= {*packages}


def test_class_names_are_unique() -> None:
    """No two public classes of bench have the same name; the failure lists them with their modules."""
    found = same_class_names()
    assert not found, "\n".join(f"{name}: {', '.join(places)}" for name, places in found.items())
