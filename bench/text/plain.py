"""Foreign names and messages as one harmless line."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def printable(text: str) -> str:
    """``text`` on one line, with runs of white space collapsed and nothing that could control a terminal."""
    return harmless(" ".join(text.split()))


def harmless(text: str) -> str:
    """``text`` with every unprintable character replaced.

    A name may come from a foreign file and a message from a codec, and neither may control the terminal.
    """
    if text.isprintable():
        return text
    return "".join(it if it.isprintable() else "\N{REPLACEMENT CHARACTER}" for it in text)


def some_of(names: Sequence[str], most: int) -> str:
    """At most ``most`` of the names, and how many more there are: ``"a, b and 3 more"``."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def counted(count: int, one: str, many: str = "") -> str:
    """A number and its noun: ``"1 entry"``, ``"2 entries"``.

    Parameters
    ----------
    count : how many
    one : the noun for one
    many : for others; default: with an s
    """
    return f"{count} {one if count == 1 else many or f'{one}s'}"


def is_one_line(text: str) -> bool:
    """Whether a name has no character that could break a line or control a terminal."""
    return text.isprintable() or all(it.isprintable() or unicodedata.category(it) == "Zs" for it in text)
