"""What a validated model refuses, in the words of this product rather than in those of pydantic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.errors import ConfigError, suggestion

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

SHA256 = r"^[0-9a-f]{64}$"
"""The pattern of a hash in a file that people may write."""
GIT_BLOB = r"^[0-9a-f]{40}$"
"""The pattern of git's id of a file's contents."""
_LONGEST = 60
_WANTED = {
    "bool": "write true or false",
    "dict": "write a mapping of keys to values",
    "finite": "write a finite number",
    "float": "write a number",
    "int": "write a whole number",
    "list": "write a list",
    "model": "write a mapping of keys to values",
    "path": "write a path",
    "string": "write a text",
    "tuple": "write a list",
}
"""By the first word of the kind of an error, for those that are about the type of a value."""
_PATTERNS = {
    SHA256: "write a SHA-256, which has 64 digits of 0 to 9 and a to f",
    GIT_BLOB: "write git's id of the file's contents, which has 40 digits of 0 to 9 and a to f",
}


def problem_of(error: ErrorDetails, model: type[BaseModel]) -> str:
    """What is wrong with one value of a document that was to be a ``model``."""
    kind, value = error["type"], error["input"]
    context: Mapping[str, Any] = error.get("ctx", {})
    if kind == "extra_forbidden":
        return "unknown key" + suggestion(str(error["loc"][-1]), _sibling_keys(model, error["loc"]))
    if kind == "missing":
        return "is missing"
    if kind == "too_short":
        return "is empty; give at least one"
    if kind == "literal_error":
        return f"{_shown(value)} is none of {str(context['expected']).replace(chr(39), '')}"
    for bound, words in (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than")):
        if bound in context:
            return f"write a number of {words} {context[bound]:g}, not {_shown(value)}"
    if kind == "string_pattern_mismatch":
        form = _PATTERNS.get(context["pattern"], f"write a text of the form {context['pattern']}")
        return f"{form}, not {_shown(value)}"
    wanted = _WANTED.get(kind.partition("_")[0])
    if wanted is not None and kind.endswith(("_type", "_parsing", "_number", "_from_float")):
        return f"{wanted}, not {_shown(value)}"
    return error["msg"].removeprefix("Value error, ")


def problems_in_python(
    error: ValidationError, model: type[BaseModel], keys: Mapping[str, str] | None = None
) -> ConfigError:
    """The mistakes in values that a program gave, a line ``key: problem`` for each.

    Parameters
    ----------
    keys : what the caller calls a field whose name differs
    """
    return ConfigError("\n".join(dict.fromkeys(_lines(error, model, keys or {}))))


def _lines(error: ValidationError, model: type[BaseModel], keys: Mapping[str, str]) -> Iterator[str]:
    for problem in error.errors():
        first, *rest = problem["loc"] or ("values",)
        name = ".".join(map(str, (keys.get(str(first), first), *rest)))
        yield f"{name}: {problem_of(problem, model)}"


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _sibling_keys(model: type[BaseModel], key: Sequence[str | int]) -> list[str]:
    """The keys that a model allows in the place of ``key``, from its JSON schema."""
    schema = model.model_json_schema()
    nodes = [schema]
    for part in key[:-1]:
        inner = "items" if isinstance(part, int) else "additionalProperties"
        nodes = [
            found
            for it in _alternatives(nodes, schema)
            if (found := it.get("properties", {}).get(part) or it.get(inner))
        ]
    return [name for it in _alternatives(nodes, schema) for name in it.get("properties", {})]


def _alternatives(nodes: list[dict[str, Any]], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Nodes of a schema with references resolved, and all members of their unions."""
    for node in nodes:
        found = schema["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node
        yield found
        # pydantic before 2.9 wraps a reference that has a default in allOf
        yield from _alternatives(found.get("anyOf", []) + found.get("allOf", []), schema)
