"""YAML documents validated by a pydantic model, with errors that name file, line and key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from bench.errors import ConfigError, suggestion

Model = TypeVar("Model", bound=BaseModel)
Key = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """A parsed YAML file: its data, and the line on which each key stands."""

    path: Path
    data: Any
    lines: dict[Key, int] = field(repr=False)


def load_yaml(path: Path) -> Document:
    """Parse a YAML file.

    Raises
    ------
    ConfigError
        The file cannot be read or is not YAML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({getattr(error, 'strerror', error)})") from error
    loader = yaml.SafeLoader if not hasattr(yaml, "CSafeLoader") else yaml.CSafeLoader
    try:
        node = yaml.compose(text, Loader=loader)
        data = yaml.load(text, Loader=loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ConfigError(f"{where}: not valid YAML ({getattr(error, 'problem', error)})") from error
    lines: dict[Key, int] = {}
    if node is not None:
        _note_lines(node, (), lines)
    return Document(path, data, lines)


def validate(model: type[Model], data: Any, document: Document, *, skip: int = 0) -> Model:
    """``data``, which came from ``document``, as a ``model``.

    ``skip`` is the number of leading keys that wrap the document's own.

    Raises
    ------
    ConfigError
        One line for each thing that is wrong, as ``file:line: key: what``.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = []
        for it in error.errors():
            key = tuple(it["loc"])[skip:]
            name = ".".join(str(part) for part in key if not _is_union_tag(part, document, key))
            if it["type"] == "extra_forbidden":
                what = "unknown key" + suggestion(str(key[-1]), _keys_beside(model, it["loc"]))
            else:
                what = it["msg"].removeprefix("Value error, ")
            problems.append(f"{document.path}:{_line_of(key, document)}: {name or 'document'}: {what}")
        raise ConfigError("\n".join(dict.fromkeys(problems))) from error


def _note_lines(node: yaml.Node, key: Key, lines: dict[Key, int]) -> None:
    lines.setdefault(key, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            inner = (*key, name.value)
            lines[inner] = name.start_mark.line + 1
            _note_lines(value, inner, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _note_lines(value, (*key, index), lines)


def _line_of(key: Key, document: Document) -> int:
    """Line of the key, or of the nearest enclosing key that stands in the file."""
    while key and key not in document.lines:
        key = key[:-1]
    return document.lines.get(key, 1)


def _keys_beside(model: type[BaseModel], key: Key) -> list[str]:
    """The keys that a model knows where ``key`` stands, read off its JSON schema."""
    schema = model.model_json_schema()
    here = [schema]
    for part in key[:-1]:
        inner = "items" if isinstance(part, int) else "additionalProperties"
        here = [
            found
            for it in _alternatives(here, schema)
            if (found := it.get("properties", {}).get(part) or it.get(inner))
        ]
    return [name for it in _alternatives(here, schema) for name in it.get("properties", {})]


def _alternatives(nodes: list[dict[str, Any]], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for it in nodes:
        if "$ref" in it:
            it = schema["$defs"][it["$ref"].rpartition("/")[2]]
        yield it
        # pydantic before 2.9 wraps a reference that has a default into allOf
        yield from _alternatives(it.get("anyOf", []) + it.get("allOf", []), schema)


def _is_union_tag(part: str | int, document: Document, key: Key) -> bool:
    """Pydantic puts the name of a union's member into a location; it stands nowhere in the file."""
    upto = key[: key.index(part) + 1]
    return isinstance(part, str) and upto not in document.lines and part != key[-1]
