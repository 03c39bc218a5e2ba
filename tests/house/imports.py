"""Who imports whom in ``bench`` and ``codecs``; ``python -m tests.house.imports`` prints counts."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = {"bench": "bench", "bench_codecs": "codecs"}
"""Folder of each package in the checkout."""

LAYERS = (
    "bench_codecs",
    "bench.cli",
    "bench.api bench.plot bench.pytest_plugin bench.comparing",
    "bench.results bench.notebook",
    "bench.boards",
    "bench.check bench.report",
    "bench.losses",
    "bench.testing bench.exchange bench.studies bench.verifying bench.conditions",
    "bench.tables bench.plotting bench.web",
    "bench.rd",
    "bench.runs",
    "bench.engines",
    "bench.trials bench.metrics",
    "bench.registry bench.image bench.device",
    "bench.inputs",
    "bench.sealing",
    "bench.host",
    "bench.files",
    "bench.text bench.explanation bench.complexity",
    "bench.codec bench.program bench.trainer bench.checkpoints",
    "bench.errors",
)
"""From top to bottom. A room imports from those below its own line, never from beside or above."""

DOORS = {
    "bench.engines": "bench.engines bench.engines.engine bench.engines.messages bench.engines.describing"
    " bench.engines.encoding bench.engines.kept bench.engines.options bench.engines.cluster",
}
"""The modules of a room that are for other rooms; of a room that is not named, all are."""


@dataclass(frozen=True)
class Import:
    """One module that imports from another one."""

    importer: str
    imported: str
    name: str
    """What is taken, ``*`` for the module itself."""
    line: int

    def __str__(self) -> str:
        where = modules()[self.importer].relative_to(ROOT)
        return f"{where}:{self.line} takes {self.name} from {modules()[self.imported].relative_to(ROOT)}"


@cache
def modules() -> Mapping[str, Path]:
    """Every module by its name."""
    found = {}
    for package, folder in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = [package, *path.relative_to(ROOT / folder).with_suffix("").parts]
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


@cache
def imports() -> tuple[Import, ...]:
    """Every import of one module by another, those inside functions and for type checkers included."""
    return tuple(found for name, path in modules().items() for found in _imports_of(name, path))


def _imports_of(name: str, path: Path) -> Iterator[Import]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports here name the whole path"
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                if submodule in modules():
                    yield Import(name, submodule, "*", node.lineno)
                elif node.module in modules():
                    yield Import(name, node.module, alias.name, node.lineno)
        elif isinstance(node, ast.Import):
            yield from (Import(name, it.name, "*", node.lineno) for it in node.names if it.name in modules())


def layer_of(module: str) -> int:
    """The line of :data:`LAYERS` that a module's room is on, from the bottom; ``bench`` itself is on top.

    Raises
    ------
    LookupError
        The room is on no line.
    """
    if module == "bench":
        return len(LAYERS)
    for height, line in enumerate(reversed(LAYERS)):
        if any(module == it or module.startswith(f"{it}.") for it in line.split()):
            return height
    raise LookupError(f"{module} is on no line of LAYERS in tests/house/imports.py")


def room_of(module: str) -> str:
    """``bench.report`` for ``bench.report.page.data``."""
    parts = module.split(".")
    return parts[0] if parts[0] == "bench_codecs" else ".".join(parts[:2])


def running_back() -> list[Import]:
    """Imports that do not lead to a lower line."""
    return [
        it
        for it in imports()
        if room_of(it.importer) != room_of(it.imported) and layer_of(it.imported) >= layer_of(it.importer)
    ]


def past_the_door() -> list[Import]:
    """Imports from another room of what is that room's own matter."""
    return [
        it
        for it in imports()
        if room_of(it.importer) != room_of(it.imported)
        and it.imported not in DOORS.get(room_of(it.imported), it.imported).split()
    ]


def circles() -> list[list[str]]:
    """Groups of modules that import each other, directly or through others (Tarjan 1972)."""
    arrows: dict[str, list[str]] = {it: [] for it in modules()}
    for it in imports():
        if it.importer != it.imported:
            arrows[it.importer].append(it.imported)
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    found = []

    def visit(module: str) -> None:
        order[module] = lowest[module] = len(order)
        path.append(module)
        for other in arrows[module]:
            if other not in order:
                visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in path:
                lowest[module] = min(lowest[module], order[other])
        if lowest[module] == order[module]:
            group = path[path.index(module) :]
            del path[path.index(module) :]
            if len(group) > 1:
                found.append(sorted(group))

    for module in arrows:
        if module not in order:
            visit(module)
    return found


def within(circle: list[str]) -> list[Import]:
    """The imports that make a circle."""
    return [it for it in imports() if it.importer in circle and it.imported in circle]


def long_functions(most: int = 50) -> list[str]:
    """Functions of more than ``most`` lines, decorators left out and docstrings included."""
    return [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in modules().values()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno >= most
    ]


def same_class_names() -> dict[str, list[str]]:
    """Public classes of ``bench`` by their name, where several bear it."""
    found: dict[str, list[str]] = {}
    for module, path in modules().items():
        for node in ast.parse(path.read_text()).body:
            if module.startswith("bench.") and isinstance(node, ast.ClassDef) and node.name[0] != "_":
                found.setdefault(node.name, []).append(module)
    return {name: places for name, places in found.items() if len(places) > 1}


def undocumented() -> list[str]:
    """Public functions and methods with parameters whose docstring has no section about them."""
    found = []
    for path in modules().values():
        tree = ast.parse(path.read_text())
        classes = [it for it in tree.body if isinstance(it, ast.ClassDef) and it.name[0] != "_"]
        for scope in (tree, *classes):
            for node in scope.body:
                if isinstance(node, ast.FunctionDef) and node.name[0] != "_":
                    arguments = [it.arg for it in (*node.args.args, *node.args.kwonlyargs)]
                    text = ast.get_docstring(node) or ""
                    if [it for it in arguments if it not in ("self", "cls")] and "Parameters\n" not in text:
                        found.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    return found


def _lines(pattern: str) -> int:
    files = [it for folder in FOLDERS.values() for it in (ROOT / folder).rglob(pattern)]
    return sum(len(it.read_text().splitlines()) for it in files)


if __name__ == "__main__":
    top = [it for it in (ROOT / "bench").glob("*.py") if it.name != "__init__.py"]
    print(f"{len(top):6} modules at the top level of bench/")
    print(f"{len({room_of(it) for it in modules()}):6} rooms")
    print(f"{len(circles()):6} circles of imports")
    print(f"{len(running_back()):6} imports that run back up")
    print(f"{_lines('*.py'):6} lines of Python in bench/ and codecs/")
    print(f"{_lines('*.js'):6} lines of JavaScript")
    print(f"{len(long_functions()):6} functions of more than 50 lines")
    print(f"{len(same_class_names()):6} names of several public classes of bench")
    print(f"{len(undocumented()):6} public functions without a section on their parameters")
