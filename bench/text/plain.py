"""Names and messages from elsewhere as one harmless line."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def printable(text: str) -> str:
    """``text`` on one line, harmless."""
    return harmless(" ".join(text.split()))


def harmless(text: str) -> str:
    """A name may come from a foreign file, a message from a codec: nothing in it may steer the terminal."""
    return "".join(it if it.isprintable() else "\N{REPLACEMENT CHARACTER}" for it in text)


def some_of(names: Sequence[str], most: int) -> str:
    """The first ``most`` of some names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def is_one_line(text: str) -> bool:
    """Whether a name has nothing that could break a line or steer a terminal."""
    return text.isprintable() or all(it.isprintable() or unicodedata.category(it) == "Zs" for it in text)
