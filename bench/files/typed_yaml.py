"""YAML documents validated by a pydantic model, with errors that name file, line and key.

Whatever would be a mistake or an attack in a handwritten file is refused: anchors and aliases (a few hundred
bytes can expand to gigabytes), tags, deep nesting, duplicate keys, and numbers that YAML 1.1 reads as octal
or in base 60.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from bench.errors import ConfigError
from bench.files.access import read_regular
from bench.files.problems import problem_of

Model = TypeVar("Model", bound=BaseModel)
Key = tuple[str | int, ...]

_MOST_BYTES = 1 << 24
_MOST_LEVELS = 20
_MOST_DIGITS = 300
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_OTHER_BASE = re.compile(r"[-+]?(0[0-9_]+$|[0-9_]+:)")


@dataclass(frozen=True)
class Document:
    """A parsed YAML file: its data, and the line of each key."""

    path: Path
    data: Any
    lines: dict[Key, int] = field(repr=False)

    @property
    def content(self) -> Any:
        """The data of a file in which every key may be left out: an empty one says nothing."""
        return {} if self.data is None else self.data


def load_yaml(path: Path) -> Document:
    """Parse a YAML file.

    Raises
    ------
    ConfigError
        The file cannot be read, is not YAML, or uses a feature that is refused here.
    """
    try:
        text = read_regular(path, _MOST_BYTES, links=True).decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not a text file in UTF-8") from error
    loader = yaml.SafeLoader if not hasattr(yaml, "CSafeLoader") else yaml.CSafeLoader
    try:
        _require_plain(path, yaml.parse(text, Loader=loader))
        node = yaml.compose(text, Loader=loader)
    except yaml.YAMLError as error:
        raise ConfigError(_not_yaml(path, text, error)) from error
    if node is None:
        return Document(path, None, {})
    lines: dict[Key, int] = {}
    _note_lines(path, node, (), lines)
    return Document(path, _value(path, node), lines)


def _not_yaml(path: Path, text: str, error: yaml.YAMLError) -> str:
    """What is wrong, and how texts with signs that mean something to YAML are written."""
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
    lines = text.splitlines()
    mark = getattr(error, "problem_mark", None)
    at = min(mark.line, len(lines) - 1) if mark else 0
    # a comment that takes the end of a bracket is noticed on a later line, or behind the last
    swallowed = next((it for it in range(at, -1, -1) if _COMMENT_IN_BRACKETS.search(lines[it])), None)
    if swallowed is not None:
        at, hint = (
            swallowed,
            "; # begins a comment: put a value that begins with it in quotes, as in '#cc0000'",
        )
    elif "\\" in lines[at] or "$" in lines[at]:
        hint = "; put a text with { } or \\ in single quotes, as in '$\\mathcal{K}$LT'"
    else:
        hint = ""
    return f"{path}:{at + 1}: not valid YAML ({problem}){hint}"


_COMMENT_IN_BRACKETS = re.compile(r"[{\[][^{}\[\]]*[:,]\s+#")  # no bracket inside: else it is quadratic


def _require_plain(path: Path, events: Iterable[yaml.Event]) -> None:
    """Refuse features that no handwritten file needs, before any of them is expanded."""
    depth = 0
    for event in events:
        mark = event.start_mark
        where = f"{path}:{mark.line + 1 if mark else 1}"
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise ConfigError(f"{where}: anchors and aliases (& and *) are not read; write out what is meant")
        if getattr(event, "tag", None) not in (None, "!"):
            raise ConfigError(f"{where}: tags (!) are not read; leave it out, or quote the text")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MOST_LEVELS:
            raise ConfigError(f"{where}: more than {_MOST_LEVELS} levels; rdbench reads no such file")


def _value(path: Path, node: yaml.Node) -> Any:
    """The data of a node. Scalars follow the rules of YAML 1.1, except that nothing is octal."""
    if isinstance(node, yaml.MappingNode):
        return {_scalar(path, key): _value(path, it) for key, it in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_value(path, it) for it in node.value]
    return _scalar(path, node)


def _scalar(path: Path, node: yaml.Node) -> Any:
    where = f"{path}:{node.start_mark.line + 1}"
    if not isinstance(node, yaml.ScalarNode):
        raise ConfigError(f"{where}: a key is a word, not a list or a mapping; quote it")
    text = node.value
    if node.tag in _NUMBERS:
        if len(text) > _MOST_DIGITS:
            raise ConfigError(f"{where}: a number of {len(text)} digits; shorten it, or quote it")
        if _OTHER_BASE.match(text):
            raise ConfigError(
                f"{where}: {text} is another number in YAML (octal, or to base 60); write it without the"
                " leading 0 or the colon, or quote it"
            )
    try:
        return yaml.constructor.SafeConstructor().construct_object(node)
    except (ValueError, OverflowError, yaml.YAMLError) as error:
        raise ConfigError(f"{where}: {text[:40]!r} is no value ({_first_line(error)}); quote it") from error


def _first_line(error: Exception) -> str:
    return str(getattr(error, "problem", None) or error).partition("\n")[0]


def validate(model: type[Model], data: Any, document: Document, *, skip: int = 0) -> Model:
    """Validate data by a model.

    Parameters
    ----------
    model : a pydantic model
    data : the data of ``document``, possibly wrapped in further keys
    document : where the data come from
    skip : number of leading keys that wrap the document's own

    Raises
    ------
    ConfigError
        The data are invalid; the message has one line ``file:line: key: problem`` for each mistake.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = []
        for problem in error.errors():
            # pydantic tells by [key] that it is a mapping's key that is wrong
            key = tuple(it for it in problem["loc"][skip:] if it != "[key]")
            name = _name_of([it for it in key if not _is_union_tag(it, document, key)], document.data)
            where = f"{document.path}:{_line_of(key, document)}: {name or 'document'}"
            problems.append(f"{where}: {problem_of(problem, model)}")
        raise ConfigError("\n".join(dict.fromkeys(problems))) from error


def located(document: Document, key: Key, problem: str) -> ConfigError:
    """The error about a key of a document that is valid by itself: ``file:line: key: problem``."""
    return ConfigError(f"{place_of(document, key)}: {problem}")


def place_of(document: Document, key: Key) -> str:
    """Where a key stands: ``file:line: key``."""
    return f"{document.path}:{_line_of(key, document)}: {_name_of(key, document.data)}"


def _name_of(key: Iterable[str | int], data: Any) -> str:
    """A key in words: ``codecs.#1.version`` for that of the first one in a list."""
    words = []
    for part in key:
        of_list = isinstance(data, list) and isinstance(part, int)
        if (
            of_list or not isinstance(part, int) or isinstance(data, dict)
        ):  # else a lone value of a list to be
            words.append(f"#{int(part) + 1}" if of_list else str(part))
        inside = data if isinstance(data, dict) else dict(enumerate(data)) if isinstance(data, list) else {}
        data = inside.get(part)
    return ".".join(words)


def _note_lines(path: Path, node: yaml.Node, key: Key, lines: dict[Key, int]) -> None:
    lines.setdefault(key, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            inner = (*key, _scalar(path, name))
            line = name.start_mark.line + 1
            if inner in lines:
                raise ConfigError(
                    f"{path}:{line}: the key {name.value!r} stands here a second time (first on line"
                    f" {lines[inner]}); keep one"
                )
            lines[inner] = line
            _note_lines(path, value, inner, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _note_lines(path, value, (*key, index), lines)


def _line_of(key: Key, document: Document) -> int:
    """The line of a key, or of the nearest enclosing key that is in the file."""
    while key and key not in document.lines:
        key = key[:-1]
    return document.lines.get(key, 1)


def _is_union_tag(part: str | int, document: Document, key: Key) -> bool:
    """Whether pydantic put the name of a union's member into a location; it is not in the file."""
    upto = key[: key.index(part) + 1]
    return isinstance(part, str) and upto not in document.lines and part != key[-1]
