"""Docstrings as Markdown and as numpydoc that griffe reads as it is meant.

Here a parameter's line says in words what its annotation cannot (``quality : higher is better``), and so may
that of a return value; griffe would take the words for a type.
"""

from __future__ import annotations

import re
from textwrap import indent
from typing import Any

import griffe

_ROLE = re.compile(r":(?:class|func|meth|mod|attr|data|exc):`~?([^`]+)`")
_TERM = re.compile(r"^(``[^`\n]+``)\n {4}(?=\S)", re.MULTILINE)
_SECTION = re.compile(r"^(\w+)\n-+\n((?:.*\n?)*?)(?=^\w+\n-+\n|\Z)", re.MULTILINE)
_PARAMETER = re.compile(r"^(\*{0,2}\w+(?:, \*{0,2}\w+)*) : (.+)$", re.MULTILINE)


def markdown(text: str) -> str:
    """The docstring ``text`` without reStructuredText's marks, its sections ready for griffe."""
    text = re.sub(r"::$", ":", _ROLE.sub(r"`\1`", text), flags=re.MULTILINE)
    return _SECTION.sub(_section, _TERM.sub(r"\n\1\n:   ", text))


def _section(match: re.Match[str]) -> str:
    title, body = match.groups()
    if title in ("Parameters", "Attributes"):
        body = _PARAMETER.sub(r"\1\n    \2", body)
    elif title == "Returns" and " " in body.split("\n")[0].partition("[")[0]:
        body = f":\n{indent(body, '    ')}"
    return f"{title}\n{'-' * len(title)}\n{body}"


class Roles(griffe.Extension):
    """Translates each docstring as it is read."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """An object was read from the sources."""
        if obj.docstring:
            obj.docstring.value = markdown(obj.docstring.value)
