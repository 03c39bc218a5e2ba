"""Docstrings as Markdown: roles become code, ``::`` before a block a colon."""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r":(?:class|func|meth|mod|attr|data|exc):`~?([^`]+)`")


def markdown(text: str) -> str:
    """The docstring ``text`` without reStructuredText's marks."""
    return re.sub(r"::$", ":", _ROLE.sub(r"`\1`", text), flags=re.MULTILINE)


class Roles(griffe.Extension):
    """Translates each docstring as it is read."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """An object was read from the sources."""
        if obj.docstring:
            obj.docstring.value = markdown(obj.docstring.value)
