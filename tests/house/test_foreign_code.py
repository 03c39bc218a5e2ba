"""Nothing in the sources runs what a file says: the calls that could are here, and why they don't."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

from tests.house.imports import FOLDERS, ROOT, modules

_BY_NAME = {"eval", "exec", "compile", "__import__"}
_BY_MODULE = {
    "pickle": {"load", "loads", "Unpickler"},
    "cloudpickle": {"load", "loads"},
    "marshal": {"load", "loads"},
    "shelve": {"open"},
    "yaml": {"load", "load_all", "full_load", "full_load_all", "unsafe_load", "unsafe_load_all"},
    "os": {"system", "popen"},
    "joblib": {"load"},
    "np": {"load"},
    "numpy": {"load"},
    "pd": {"read_pickle", "eval"},
    "pandas": {"read_pickle", "eval"},
    "shutil": {"unpack_archive"},
    "zipfile": {"ZipFile"},
    "tarfile": {"open", "TarFile"},
    "ElementTree": {"parse", "fromstring"},
}
"""Functions that may run what they read, by the name of their module or of its usual abbreviation; or that
unpack more than there is, or leave their folder."""

ALLOWED = {
    (
        "bench/files/given_codecs.py",
        "cloudpickle.loads",
    ): "a codec of the caller's own session, in a folder of"
    " the run's own; no run folder keeps one, and a recorded one is refused",
    ("bench/host/helper_process.py", "pickle.load"): "pipes between a process and its own child",
    ("bench/host/helper_process.py", "pickle.loads"): "of what the process has just pickled itself",
    ("bench/testing/damage.py", "pickle.load"): "the standard input that the parent process writes",
    (
        "bench/engines/cluster/engine.py",
        "pickle.loads",
    ): "results of a cluster, where Dask unpickles everything that comes anyway; README says whom to trust",
}


def test_no_source_runs_what_it_reads() -> None:
    """Unpickling, evaluating and unpacking happen where ``ALLOWED`` gives a reason, and nowhere else."""
    found = {(path, call): line for path, call, line in _calls()}
    news = [f"{path}:{line} {call}" for (path, call), line in found.items() if (path, call) not in ALLOWED]
    assert not news, "\n".join(news)
    assert not ALLOWED.keys() - found.keys(), "no longer there"


def test_torch_loads_weights_only() -> None:
    """``torch.load`` unpickles tensors and nothing else, and numpy no objects."""
    bad = []
    for path, node in _nodes():
        if isinstance(node, ast.Call):
            options = {it.arg: it.value for it in node.keywords}
            if _name(node.func) == "torch.load":
                only = options.get("weights_only")
                bad += (
                    [] if isinstance(only, ast.Constant) and only.value is True else [f"{path}:{node.lineno}"]
                )
            for option in ("allow_pickle", "shell"):
                given = options.get(option)
                refused = given is None or (isinstance(given, ast.Constant) and given.value is False)
                bad += [] if refused else [f"{path}:{node.lineno} {option}"]
    assert not bad, "\n".join(bad)


def test_pages_make_no_markup_of_text() -> None:
    """No script of a page parses text as HTML or as code."""
    unsafe = (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "DOMParser",
    )
    bad = [
        f"{path.relative_to(ROOT)} {it}"
        for folder in FOLDERS.values()
        for path in (ROOT / folder).rglob("*.js")
        for it in unsafe
        if it in path.read_text()
    ]
    assert not bad, "\n".join(bad)


def test_pages_have_a_policy() -> None:
    """Every page states a content security policy that begins with nothing."""
    for path in (it for folder in FOLDERS.values() for it in (ROOT / folder).rglob("*.html")):
        text = path.read_text()
        assert 'http-equiv="Content-Security-Policy"' in text, path
        assert "unsafe" not in text, path


def _calls() -> Iterator[tuple[str, str, int]]:
    """Mentions of the functions, called or handed on: file, name and line."""
    for path, node in _nodes():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _BY_NAME:
            yield path, node.func.id, node.lineno
        if isinstance(node, ast.Attribute):
            *_, module, name = ["", *_name(node).split(".")]
            if name in _BY_MODULE.get(module, ()):
                yield path, f"{module}.{name}", node.lineno
        if isinstance(node, ast.ImportFrom) and node.module:
            module = node.module.rpartition(".")[2]
            yield from (
                (path, f"{module}.{it.name}", node.lineno)
                for it in node.names
                if it.name in _BY_MODULE.get(module, ())
            )


def _name(node: ast.expr) -> str:
    """``a.b.c`` of such an expression; empty for others."""
    if isinstance(node, ast.Name):
        return node.id
    return f"{_name(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else ""


@cache
def _nodes() -> tuple[tuple[str, ast.AST], ...]:
    trees = {str(it.relative_to(ROOT)): ast.parse(it.read_text()) for it in modules().values()}
    return tuple((path, node) for path, tree in trees.items() for node in ast.walk(tree))
